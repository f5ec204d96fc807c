"""Lists with openstacksdk: filters, order, pages; and the other services through the same processes."""

from collections.abc import Iterator
from typing import Any

import pytest
from openstack import exceptions

from tests.cloud import Cloud


@pytest.fixture
def five(cloud: Cloud, sdk: Any) -> list[str]:
    """Five servers, oldest first."""
    made = [cloud.create(f"page-{number}", metadata={"n": str(number)}, networks="none") for number in range(5)]
    for key in made:
        cloud.settled(key)
    return made


def test_lists(sdk: Any, five: list[str]) -> None:
    assert [one.id for one in sdk.compute.servers(limit=2)] == five[::-1]  # three pages, newest first
    first_page = list(sdk.compute.servers(limit=2, paginated=False))
    assert [one.id for one in first_page] == five[:2:-1]
    rest = sdk.compute.servers(limit=2, marker=first_page[-1].id, details=False)
    assert [one.id for one in rest] == five[2::-1]
    assert [one.name for one in sdk.compute.servers(sort_key="display_name", sort_dir="asc")] == [
        f"page-{number}" for number in range(5)
    ]
    assert [one.id for one in sdk.compute.servers(name="page-3")] == [five[3]]
    assert sdk.compute.find_server("page-2").id == five[2]
    assert list(sdk.compute.servers(status="SHUTOFF")) == []
    assert len(list(sdk.compute.servers(status="ACTIVE"))) == 5
    assert len(list(sdk.compute.servers(flavor="1"))) == 5
    assert list(sdk.compute.servers(changes_since="2999-01-01T00:00:00Z")) == []
    assert len(list(sdk.compute.servers(all_projects=False))) == 5


def test_lists_refuse_what_they_do_not_know(sdk: Any, five: list[str]) -> None:
    with pytest.raises(exceptions.BadRequestException, match="marker"):
        list(sdk.compute.servers(marker="6b1c0d51-0000-4000-8000-000000000000"))
    with pytest.raises(exceptions.BadRequestException, match="limit"):
        list(sdk.compute.servers(limit=-1))
    with pytest.raises(exceptions.ForbiddenException):
        list(sdk.compute.servers(all_projects=True))


def test_all_projects(admin_sdk: Any, five: list[str]) -> None:
    found = list(admin_sdk.compute.servers(all_projects=True))
    assert {one.id for one in found} == set(five)
    assert all(one.compute_host for one in found)
    assert [one for one in admin_sdk.compute.servers() if one.id in five] == []


def test_image_in_chunks(sdk: Any) -> None:
    """A body of unknown length: the server has to decode chunks, and to keep every one of them."""

    def chunks() -> Iterator[bytes]:
        for _ in range(64):
            yield b"\x02" * 65536

    image = sdk.image.create_image("chunked", disk_format="raw", container_format="bare")
    image.data = chunks()
    assert image.upload(sdk.image).status_code == 204
    image = sdk.image.get_image(image.id)
    assert (image.status, image.size) == ("active", 64 * 65536)
    stream = sdk.image.download_image(image, stream=True)
    assert sum(len(part) for part in stream.iter_content(65536)) == 64 * 65536
    sdk.image.delete_image(image, ignore_missing=False)


def test_image_that_lies(sdk: Any) -> None:
    image = sdk.image.create_image("liar", disk_format="qcow2", container_format="bare")
    image.data = b"\x01" * 65536
    response = image.upload(sdk.image)
    assert response.status_code == 400
    assert "qcow2" in response.json()["message"]
    assert sdk.image.get_image(image.id).status == "queued"
    sdk.image.delete_image(image)


def test_flavors_hosts_zones(sdk: Any, admin_sdk: Any) -> None:
    assert {one.name for one in sdk.compute.flavors()} >= {"m1.tiny", "m1.small"}
    assert [one.name for one in sdk.compute.availability_zones()] == ["nova"]
    hosts = list(admin_sdk.compute.hypervisors(details=True))
    assert len(hosts) == 3
    assert {one.state for one in hosts} == {"up"}
    assert len([one for one in admin_sdk.compute.services() if one.binary == "nova-compute"]) == 3
    with pytest.raises(exceptions.ForbiddenException):
        list(sdk.compute.hypervisors(details=True))


def test_identity(admin_sdk: Any) -> None:
    project = admin_sdk.identity.create_project(name="sdk-project")
    user = admin_sdk.identity.create_user(name="sdk-user", password="correct horse battery")
    admin_sdk.identity.assign_project_role_to_user(project, user, admin_sdk.identity.find_role("member"))
    own = admin_sdk.connect_as(username="sdk-user", password="correct horse battery", project_name="sdk-project")
    assert list(own.compute.servers()) == []
    assert own.compute.get_limits().absolute.instances_used == 0
    admin_sdk.identity.delete_user(user, ignore_missing=False)
    admin_sdk.identity.delete_project(project, ignore_missing=False)
