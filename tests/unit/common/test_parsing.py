"""A kept serializer answers as a new one would, holds nothing of a request, and is never shared by two."""

import threading
from typing import Any

import pytest
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from apps.common.api import parsing
from apps.common.api.serializers import StrictSerializer, Text
from apps.compute.api.serializers.servers import ServerCreate


class Part(StrictSerializer):
    name = Text(max_length=4)


class Body(StrictSerializer):
    reusable = True
    name = Text(required=False)
    parts = Part(many=True, required=False)
    who = serializers.SerializerMethodField()


def checked(data: Any, **context: Any) -> Any:
    with parsing.parser(Body, data=data, context=context) as parsed:
        parsed.is_valid(raise_exception=True)
        return dict(parsed.validated_data)


def test_each_body_is_checked_by_itself() -> None:
    assert checked({"name": "a", "parts": [{"name": "p"}]}) == {"name": "a", "parts": [{"name": "p"}]}
    assert checked({}) == {}
    with pytest.raises(ValidationError) as refused:
        checked({"parts": [{"name": "too long"}]})
    assert "parts" in refused.value.detail
    assert checked({"name": "b"}) == {"name": "b"}


def test_the_same_instance_serves_again_and_keeps_nothing() -> None:
    with parsing.parser(Body, data={"name": "a secret"}, context={"request": "r"}) as first:
        assert first.is_valid() and first.context == {"request": "r"} == first.fields["name"].context
    assert "a secret" not in repr(first.__dict__) and first.context == {}
    with parsing.parser(Body, data={"name": "b"}, context={"request": "s"}) as second:
        assert second is first and second.fields["parts"].child.fields["name"].context == {"request": "s"}
        with parsing.parser(Body, data={}, context={}) as inner:
            assert inner is not second


def test_threads_have_their_own() -> None:
    found: list[Any] = []

    def look() -> None:
        with parsing.parser(Body, data={}, context={}) as one:
            found.append(one)

    threads = [threading.Thread(target=look) for _ in range(2)]
    for thread in threads:
        thread.start()
        thread.join()
    look()
    assert len({id(one) for one in found}) == 3


def test_others_are_made_anew() -> None:
    assert not Part.reusable and ServerCreate.reusable
    with (
        parsing.parser(Part, data={"name": "a"}, context={}) as first,
        parsing.parser(Part, data={}, context={}) as other,
    ):
        assert first is not other
