"""DRF's own text field takes the number 5 for "5": tags, key names and descriptions did."""

from collections.abc import Iterator
from typing import Any

import pytest
from rest_framework import serializers

from apps.compute.api.serializers.server_tags import Tags
from apps.compute.api.serializers.servers import ServerCreate
from tests.isolation.routes import calls

LEAST = {"name": "vm", "flavorRef": "1"}


@pytest.mark.parametrize("name", ["key_name", "description", "availability_zone", "user_data", "hostname", "name"])
@pytest.mark.parametrize("value", [5, 1.5])
def test_fields(name: str, value: Any) -> None:
    parsed = ServerCreate(data={**LEAST, name: value})
    assert not parsed.is_valid()
    assert name in parsed.errors


def test_tags() -> None:
    assert not Tags(data={"tags": [5]}).is_valid()
    assert not ServerCreate(data={**LEAST, "tags": [5]}).is_valid()


# Ids of flavors and protocols of rules: Nova and Neutron take numbers for them too, and clients send them.
NUMBERS_TOO = {"ServerCreate.flavorRef", "FlavorCreate.id", "SecurityGroupRuleCreate.protocol"}


def _texts(field: Any, where: str, seen: set[type]) -> Iterator[tuple[str, Any]]:
    """Return the text fields below a field, with their names."""
    if isinstance(field, serializers.Serializer):
        if type(field) in seen:
            return
        seen.add(type(field))
        for name, inner in field.get_fields().items():
            yield from _texts(inner, f"{type(field).__name__}.{name}", seen)
    elif isinstance(field, serializers.ListSerializer | serializers.ListField | serializers.DictField):
        if field.child is not None:
            yield from _texts(field.child, f"{where}[]", seen)
    elif isinstance(field, serializers.CharField):
        yield where, field


def test_no_text_of_any_body_may_be_a_number() -> None:
    """``availability_zone_hints: [5]``, ``tenant_id: 0`` and an image's ``member: 5`` were accepted."""
    taken, seen, checked = set(), set[type](), 0
    for call in calls():
        for cls in call.view.request_serializers.values():
            for name, field in _texts(cls(), cls.__name__, seen):
                checked += 1
                try:
                    field.run_validation(5)
                except serializers.ValidationError:
                    continue
                taken.add(name)
    assert checked > 100
    assert taken == NUMBERS_TOO
