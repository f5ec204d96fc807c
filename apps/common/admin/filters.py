"""Filters that cost nothing: no list of all values is read from a table that may have a million rows."""

from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest


class TextFilter(admin.SimpleListFilter):
    """One text, compared as it is, or with an asterisk at its end by its beginning (the field says so).

    ``parameter_name`` is the column unless ``column`` says otherwise.
    """

    template = "admin/filters/text.html"
    column = ""

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        own = (self.parameter_name, "p")
        self.others = [(key, value) for key, values in request.GET.lists() for value in values if key not in own]
        return [("", "")]

    def choices(self, changelist: Any) -> Iterator[Any]:
        yield {
            "selected": bool(self.value()),
            "query_string": changelist.get_query_string(remove=[self.parameter_name]),
            "display": "All",
            "value": self.value() or "",
            "name": self.parameter_name,
            "others": self.others,
        }

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value, column = self.value() or "", self.column or str(self.parameter_name)
        if value.endswith("*"):
            return queryset.filter(**{f"{column}__startswith": value.removesuffix("*")})
        return queryset.filter(**{column: value}) if value else queryset


def text(parameter: str, title: str = "", column: str = "") -> type[TextFilter]:
    """Return a filter of one column's text."""
    values = {"parameter_name": parameter, "title": title or parameter, "column": column, "__module__": __name__}
    return type(f"TextFilter_{parameter}", (TextFilter,), values)
