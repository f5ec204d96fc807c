"""Lists of volumes: filters, sorting, pages, the summary, and what they cost."""

import uuid
from typing import Any

from apps.volumes.models import Volume
from tests.api.volumes.conftest import refusal


def test_lists(alice: Any, bob: Any, admin: Any, make_volume: Any) -> None:
    names = ["a", "b", "c"]
    rows = [make_volume(alice, name=name, size=n + 1, metadata={"n": name}) for n, name in enumerate(names)]
    make_volume(bob, name="other")

    def listed(path: str, who: Any = alice) -> list[str]:
        answer = who.get(path)
        assert answer.status_code == 200, answer.content
        return [row["name"] for row in answer.json()["volumes"]]

    Volume.objects.filter(id=rows[0]["id"]).update(bootable=True, image_metadata={"image_name": "tiny"})
    assert set(alice.get("/volumes").json()["volumes"][0]) == {"id", "name", "links"}
    expected = {
        "/volumes": ["c", "b", "a"],
        "/volumes/detail?sort_key=size&sort_dir=asc": names,
        "/volumes?sort=name:asc": names,
        "/volumes?sort=status:asc,size:desc": ["c", "b", "a"],
        "/volumes?limit=0": [],
        "/volumes?name=b": ["b"],
        "/volumes?status=available&bootable=True": ["a"],
        "/volumes?bootable=0": ["a"],  # false since 3.2
        "/volumes?status=error": [],
        f"/volumes?id={rows[1]['id']}": ["b"],
        "/volumes?metadata={'n': 'c'}": ["c"],
        "/volumes?size=2": ["b"],
        "/volumes?colour=red": ["c", "b", "a"],
        "/volumes?all_tenants=1": ["c", "b", "a"],  # for administrators alone
        f"/volumes?project_id={bob.project_id}": ["c", "b", "a"],
        f"/volumes?limit=1&marker={rows[2]['id']}": ["b"],
    }
    for path, result in expected.items():
        assert listed(path) == result, path
    assert listed("/volumes?all_tenants=1", admin) == ["other", "c", "b", "a"]
    assert listed(f"/volumes?all_tenants=1&project_id={bob.project_id}", admin) == ["other"]
    assert listed("/volumes?glance_metadata={'image_name': 'tiny'}", alice.at("3.4")) == ["a"]
    assert listed("/volumes?name~=b", alice.at("3.34")) == ["b"]
    assert listed("/volumes?created_at=gt:2020-01-01T00:00:00,lt:2020-01-02T00:00:00", alice.at("3.60")) == []
    page = alice.get("/volumes?limit=2").json()
    assert page["volumes_links"][0]["rel"] == "next" and "marker=" in page["volumes_links"][0]["href"]
    assert "volumes_links" in alice.get("/volumes?limit=3").json()  # as in Cinder, which does not look further
    assert "volumes_links" not in alice.get("/volumes?limit=4").json()
    assert refusal(alice.get("/volumes/"))[0] == 404  # the ID of one is missing
    assert alice.at("3.45").get("/volumes?limit=1&with_count=true").json()["count"] == 3
    assert "count" not in alice.at("3.44").get("/volumes?with_count=true").json()
    for query in ("limit=-1", "limit=x", "sort=colour:asc", "sort=name:up",
                  "metadata=text", "size=x"):  # fmt: skip
        assert refusal(alice.get(f"/volumes?{query}"))[0] == 400, query
    for marker in ("nothing", uuid.uuid4()):
        assert refusal(alice.get(f"/volumes?marker={marker}"))[0] == 404


def test_summary(alice: Any, admin: Any, make_volume: Any) -> None:
    make_volume(alice, size=2, metadata={"a": "1"})
    make_volume(alice, size=3, metadata={"a": "2"})
    assert refusal(alice.at("3.11").get("/volumes/summary"))[0] == 404
    assert alice.at("3.12").get("/volumes/summary").json()["volume-summary"] == {"total_size": 5, "total_count": 2}
    assert alice.at("3.36").get("/volumes/summary").json()["volume-summary"]["metadata"] == {"a": ["1", "2"]}
    assert admin.at("3.12").get("/volumes/summary?all_tenants=1").json()["volume-summary"]["total_count"] == 2


def test_statements_of_a_list_and_of_one(alice: Any, make_volume: Any, django_assert_num_queries: Any) -> None:
    for n in range(3):
        made = make_volume(alice, name=str(n))
    with django_assert_num_queries(2):
        shown = alice.get(f"/volumes/{made['id']}").json()["volume"]
    assert shown["volume_type"] == made["volume_type"] == "__DEFAULT__"
    with django_assert_num_queries(2):
        alice.get("/volumes/detail")
    with django_assert_num_queries(1):
        alice.get("/volumes")
