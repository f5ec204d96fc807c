"""The API kit: one engine for sort keys, limits, words and times, with each service's differences as data."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from django.http import QueryDict
from django.test import RequestFactory

from apps.common import pagination
from apps.common.api import documents, queries
from apps.common.api.collections import Listing
from apps.common.exceptions import CloudError
from apps.compute.api import listing as nova
from apps.identity.api.listing import LISTING as KEYSTONE
from apps.images.api import listing as glance
from apps.networking.api.listing import LISTING as NEUTRON

LAST = [("created_at", "asc"), ("id", "asc")]
ORDERS: dict[str, tuple[Listing, str, list[tuple[str, str]] | str]] = {
    "neutron: none": (NEUTRON, "", LAST),
    "neutron: a key ascends": (NEUTRON, "sort_key=name", [("name", "asc"), *LAST]),
    "neutron: an old name": (NEUTRON, "sort_key=tenant_id", [("project_id", "asc"), *LAST]),
    "neutron: twice is once": (
        NEUTRON,
        "sort_key=name&sort_key=name&sort_dir=desc&sort_dir=asc",
        [("name", "desc"), *LAST],
    ),
    "neutron: as many directions as keys": (
        NEUTRON,
        "sort_key=name&sort_key=id&sort_dir=asc",
        "The number of sort_keys and sort_dirs must be same",
    ),
    "neutron: a direction alone": (NEUTRON, "sort_dir=asc", "The number of sort_keys and sort_dirs must be same"),
    "neutron: no key": (NEUTRON, "sort_key=password", "password is invalid attribute for sort_keys"),
    "glance: none": (glance.IMAGES, "", [("created_at", "desc"), ("id", "desc")]),
    "glance: the last direction closes": (
        glance.IMAGES,
        "sort=name:asc,status",
        [("name", "asc"), ("status", "desc"), ("created_at", "desc"), ("id", "desc")],
    ),
    "glance: one direction for all keys": (
        glance.IMAGES,
        "sort_key=name&sort_key=owner&sort_dir=asc",
        [("name", "asc"), ("project_id", "asc"), *LAST],
    ),
    "glance: a direction alone": (glance.IMAGES, "sort_dir=asc", LAST),
    "glance: a wrong direction": (
        glance.IMAGES,
        "sort=name:up",
        "Invalid sort direction: up. It must be one of: asc, desc.",
    ),
    "nova: newest first": (nova.SERVERS, "", [("created_at", "desc"), ("id", "desc")]),
    "nova: a direction alone": (nova.SERVERS, "sort_dir=asc", [("created_at", "asc"), ("id", "desc")]),
    "nova: a wrong direction alone": (nova.SERVERS, "sort_dir=up", [("created_at", "desc"), ("id", "desc")]),
    "nova: the last direction counts for the rest": (
        nova.SERVERS,
        "sort_key=display_name&sort_key=host&sort_dir=asc",
        [("name", "asc"), ("host", "asc"), ("id", "desc")],
    ),
    "nova: a wrong direction": (
        nova.SERVERS,
        "sort_key=host&sort_dir=up",
        "Invalid input for query parameters sort_dir. Value: up.",
    ),
    "nova: flavors by one key": (
        nova.FLAVORS,
        "sort_key=name&sort_key=vcpus&sort_dir=desc",
        [("vcpus", "desc"), ("flavor_id", "asc")],
    ),
    "nova: key pairs by name only": (nova.KEYPAIRS, "sort_key=password&sort_dir=up", [("name", "asc")]),
}


@pytest.mark.parametrize("case", ORDERS)
def test_orders(case: str) -> None:
    listing, text, expected = ORDERS[case]
    assert listing.sorting is not None
    if isinstance(expected, str):
        with pytest.raises(CloudError) as refused:
            listing.sorting.order(QueryDict(text), listing.style)
        assert (refused.value.code, refused.value.message) == (400, expected)
    else:
        assert listing.sorting.order(QueryDict(text), listing.style) == expected


def test_backwards_is_the_other_way_round() -> None:
    assert NEUTRON.sorting is not None
    order = NEUTRON.sorting.order(QueryDict("sort_key=name&sort_dir=desc"), NEUTRON.style, backwards=True)
    assert order == [("name", "asc"), ("created_at", "desc"), ("id", "desc")]


MOST = pagination.MAX_LIMIT
LIMITS: dict[str, tuple[Listing, str, tuple[int, bool] | None]] = {
    "none is the service's": (NEUTRON, "", (MOST, True)),
    "empty is none": (NEUTRON, "limit=", (MOST, True)),
    "one's own": (NEUTRON, "limit=7", (7, False)),
    "too many is the service's": (NEUTRON, f"limit={MOST + 1}", (MOST, True)),
    "far too many": (NEUTRON, "limit=" + "9" * 30, (MOST, True)),
    "0 is all that there may be": (NEUTRON, "limit=0", (MOST, False)),
    "negative": (NEUTRON, "limit=-1", None),
    "a digit that is no number": (NEUTRON, "limit=\u00b2", None),
    "glance: 25 where nothing is said": (glance.IMAGES, "", (25, True)),
    "glance: 0 is none": (glance.IMAGES, "limit=0", (0, False)),
    "nova: 0 servers are none": (nova.SERVERS, "limit=0", (0, False)),
    "nova: 0 of others is all": (nova.FLAVORS, "limit=0", (MOST, False)),
    "keystone: 0 is no limit": (KEYSTONE, "limit=0", None),
    "keystone: empty is no limit": (KEYSTONE, "limit=", None),
}


@pytest.mark.parametrize("case", LIMITS)
def test_limits(case: str) -> None:
    listing, text, expected = LIMITS[case]
    if expected is None:
        with pytest.raises(CloudError) as refused:
            listing.limit(QueryDict(text))
        assert refused.value.code == 400
    else:
        assert listing.limit(QueryDict(text)) == expected


@pytest.mark.parametrize(
    ("style", "word", "meaning"),
    [
        (nova.STYLE, " Yes ", True),
        (nova.STYLE, "off", False),
        (nova.STYLE, "maybe", None),
        (NEUTRON.style, "1", True),
        (NEUTRON.style, "on", None),
        (glance.STYLE, "No", False),
        (KEYSTONE.style, "FALSE", False),
        (KEYSTONE.style, "whatever", True),
    ],
)
def test_words(style: queries.QueryStyle, word: str, meaning: bool | None) -> None:
    if meaning is None:
        with pytest.raises(CloudError, match=word):
            style.boolean(word, "flag")
    else:
        assert style.boolean(word, "flag") is meaning


def test_a_refusal_repeats_the_beginning_of_what_it_refuses() -> None:
    refused = nova.STYLE.not_boolean("n" * 100, "{name}" + "v" * 100)
    assert refused.message.count("n" * 64) == 1 and "n" * 65 not in refused.message
    assert "{name}" + "v" * 58 + "." in refused.message


def test_times_and_operators() -> None:
    moment = datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC)
    assert queries.moment("2026-01-02T03:04:05.000006") == moment
    assert queries.moment("2026-01-02T04:04:05.000006+01:00") == moment
    assert queries.moment("2026-13-01T00:00:00Z") is None and queries.moment("x" * 9999) is None
    assert documents.microseconds(moment.astimezone(timezone(timedelta(hours=5)))) == "2026-01-02T03:04:05.000006"
    assert documents.microseconds(None) is None
    assert documents.seconds(moment) == "2026-01-02T03:04:05Z"
    assert queries.operator("gte:2026", ("gte",)) == ("gte", "2026")
    assert queries.operator("2026-01-01T00:00:00", ("gte",)) == ("", "2026-01-01T00:00:00")
    assert queries.listed('"a, b",c,"d\\"e"') == ["a, b", "c", 'd"e']
    assert queries.listed('"a') is None and queries.listed('a"b') is None


def test_links_keep_the_other_parameters() -> None:
    request = RequestFactory().get("/v2/things?limit=2&name=a&name=b&marker=old", HTTP_HOST="localhost")
    (link,) = documents.next_link(request, marker="new")
    assert link == {"rel": "next", "href": "http://localhost/v2/things?name=a&name=b&limit=2&marker=new"}
    assert documents.query_link("/v2/things", QueryDict("marker=old")) == "/v2/things"


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0", 0), ("+7", 7), ("-12", -12), ("0012", 12), ("1234567890", 1234567890), ("12345678901", None),
        ("1_0", None), (" 1", None), ("1 ", None), ("1\n", None), ("\u0663", None), ("", None), ("+", None),
        ("1.0", None), ("0x1", None),
    ],
)  # fmt: skip
def test_whole_numbers_are_read_as_they_are_or_refused(text: str, number: int | None) -> None:
    """Eleven digits were cut to ten and 1_0 was read as ten, so the filter used another number."""
    style = NEUTRON.style
    if number is not None:
        assert style.integer(text, "mtu") == number
    else:
        with pytest.raises(CloudError, match="Invalid input for mtu"):
            style.integer(text, "mtu")
