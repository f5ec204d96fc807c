"""A refused form answers with a page that names the actual cause."""

import pytest
from django.test import Client

from apps.identity.models import Project
from apps.networking.models import Network
from tests.admin import rows
from tests.admin.acting import change

pytestmark = pytest.mark.django_db
LONG = "n" * 146


@pytest.mark.parametrize(
    ("address", "code", "told"),
    [("/admin/compute/server/?q=%00", 400, "could not be understood"), ("/admin/nothing/", 404, "page does not exist"),
     ("/admin/compute/nothing/1/", 404, "page does not exist")],
)  # fmt: skip
def test_refusals_are_pages(operator: Client, address: str, code: int, told: str) -> None:
    answer = operator.get(address)
    assert answer.status_code == code and answer["Content-Type"].startswith("text/html")
    assert told in answer.content.decode()


def test_an_api_goes_on_answering_in_its_own_shape(client: Client) -> None:
    assert client.get("/compute/nothing").json()
    assert client.get("/image/v2/images?name=%00").json()


def test_who_may_act_is_not_told_to_become_an_administrator(operator: Client, viewer: Client) -> None:
    assert "This page is read-only" in operator.get("/admin/identity/domain/add/").content.decode()
    assert "You have read-only access" in viewer.get("/admin/identity/domain/add/").content.decode()


def test_names_stand_as_they_are_written_and_are_cut_in_lists(operator: Client) -> None:
    rows.fill(1)
    Network.objects.update(name=LONG)
    text = operator.get("/admin/networking/network/").content.decode()
    assert f'<span class="cel-cut" title="{LONG}">' in text
    title = operator.get(change(Network.objects.get())).content.decode()
    assert f'title="{LONG}"' in title and "N" + LONG[1:] not in title


def test_the_parent_of_a_project_at_the_top_is_its_domain(operator: Client) -> None:
    text = operator.get(change(Project.objects.get(name="demo"))).content.decode()
    assert '<a class="cel-link" href="/admin/identity/domain/default/change/">Default</a>' in text
    assert "/admin/identity/project/default/" not in text


@pytest.mark.parametrize("address", ["/compute/v2.1/flavors", "/sign-in/login/", "/api/docs/"])
def test_pages_of_the_apis_fit_a_phone_and_the_night(operator: Client, address: str) -> None:
    text = operator.get(address, HTTP_ACCEPT="text/html").content.decode()
    assert 'name="viewport"' in text and "cloud/dark.css" in text
