"""Forms that write through services: the API's serializer validates, the service writes, the form shows its refusal."""

from typing import Any

from django import forms
from django.db import transaction
from rest_framework import serializers

from apps.common import audit
from apps.common.admin.widgets import dress
from apps.common.exceptions import CloudError
from apps.common.operators import Operator


class Lines(forms.CharField):
    """A list: one entry per line."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"widget": forms.Textarea, "required": False, **kwargs})

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(map(str, value)) if isinstance(value, list | tuple) else value

    def clean(self, value: Any) -> list[str]:
        return [line.strip() for line in (super().clean(value) or "").splitlines() if line.strip()]


class Pairs(forms.CharField):
    """A mapping: ``key=value`` per line."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            **{"widget": forms.Textarea, "required": False, "help_text": "key=value, one per line", **kwargs}
        )

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(f"{k}={v}" for k, v in sorted(value.items())) if isinstance(value, dict) else value

    def clean(self, value: Any) -> dict[str, str]:
        pairs = {}
        for line in (super().clean(value) or "").splitlines():
            key, is_pair, text = line.partition("=")
            if line.strip() and (not is_pair or not key.strip()):
                raise forms.ValidationError(f"Line '{line[:64]}' is not key=value.")
            if line.strip():
                pairs[key.strip()] = text.strip()
        return pairs


class ServiceForm(forms.ModelForm):  # type: ignore[type-arg]
    """``document`` builds the API's document from the entered values, ``serve`` calls the service with the validated
    ones.

    ``wire`` maps the API's names to the form's where they differ. ``event`` is the action and the kind of object in
    the audit trail, where the service records none itself. Saving saves nothing: the service has.
    """

    operator: Operator
    serializer: type[serializers.Serializer[Any]] | None = None
    wire: dict[str, str] = {}
    event: tuple[str, str] | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        instance = kwargs.get("instance")
        if instance is not None and not instance._state.adding:
            kwargs["initial"] = {**self.shown(instance), **(kwargs.get("initial") or {})}
        super().__init__(*args, **kwargs)
        self.prepare()
        dress(self)

    def prepare(self) -> None:
        """Fill in choices that come from rows."""

    def shown(self, row: Any) -> dict[str, Any]:
        """Return initial values of fields that are not columns."""
        return {}

    def document(self) -> dict[str, Any]:
        """Return the API's document: the entered values of a new object, the changed values of an existing one."""
        names = list(self.fields) if self.instance._state.adding else self.changed_data
        return {self.on_wire(name): self.cleaned_data[name] for name in names if self.cleaned_data[name] != ""}

    def serve(self, values: dict[str, Any]) -> Any:
        """Call the service and return the row."""
        raise NotImplementedError

    def on_wire(self, name: str) -> str:
        return next((theirs for theirs, ours in self.wire.items() if ours == name), name)

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or {}
        if self.errors:
            return values
        try:
            checked = self._checked(self.document())
            if checked is not None:
                with transaction.atomic():
                    self.instance = self.serve(checked)
                    if self.event is not None:
                        audit.record(*self.event, self.instance.pk)
        except CloudError as error:
            self._refuse(str(error.values.get("field", "")), error.message)
        except serializers.ValidationError as error:
            self._refuse("", flat(error.detail))
        return values

    def _checked(self, document: dict[str, Any]) -> dict[str, Any] | None:
        """Return the values that the API's serializer parses; None if it refuses, and the form shows why."""
        if self.serializer is None:
            return document
        parsed = self.serializer(data=document)
        if parsed.is_valid():
            return dict(parsed.validated_data)
        for name, errors in parsed.errors.items():
            self._refuse(str(name), flat(errors))
        return None

    def _refuse(self, name: str, sentence: str) -> None:
        field = self.wire.get(name, name)
        self.add_error(field if field in self.fields else None, sentence)

    def _post_clean(self) -> None:
        """The model's own validation is not asked, and its row is not touched."""

    def save(self, commit: bool = True) -> Any:
        self.save_m2m = lambda: None  # type: ignore[method-assign]
        return self.instance


def flat(errors: Any) -> str:
    """Return DRF's nested errors as a sentence."""
    if isinstance(errors, dict):
        return "; ".join(f"{key}: {flat(value)}" for key, value in errors.items())
    if isinstance(errors, list):
        return " ".join(flat(error) for error in errors if error)
    return str(errors)
