"""People with a browser: Django's session is the same user, and the same roles, as a token."""

from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.test import Client

from apps.identity.models import User
from apps.identity.services import passwords, users
from tests.unit.identity.dialogue import PASSWORD, Api

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser(admin: User) -> Client:
    browser = Client(enforce_csrf_checks=True)
    assert browser.login(username="admin", password=PASSWORD)
    return browser


def test_the_session_is_the_default_project(browser: Client, admin: User) -> None:
    answer = browser.get("/identity/v3/users", headers={"Accept": "text/html"})
    assert answer.status_code == 200
    assert b"<html" in answer.content.lower()
    assert browser.get("/identity/v3/users").json()["users"]


def test_writes_need_the_csrf_token(browser: Client) -> None:
    body = {"user": {"name": "new"}}
    assert browser.post("/identity/v3/users", body, content_type="application/json").status_code == 403
    assert not User.objects.filter(name="new").exists()
    browser.get("/admin/")
    csrf = browser.cookies["csrftoken"].value
    answer = browser.post("/identity/v3/users", body, content_type="application/json", headers={"X-CSRFToken": csrf})
    assert answer.status_code == 201


def test_members_sign_in_on_a_page_of_their_own(demo: User) -> None:
    browser = Client()
    assert b"/sign-in/login/" in browser.get("/identity/v3/projects", headers={"Accept": "text/html"}).content
    assert Session.objects.count() == 0
    answer = browser.post("/sign-in/login/?next=/identity/v3/auth/projects", {"username": "demo", "password": PASSWORD})
    assert answer["Location"] == "/identity/v3/auth/projects"
    page = browser.get(answer["Location"], headers={"Accept": "text/html"})
    assert page.status_code == 200
    assert b"demo" in page.content
    assert browser.post("/sign-in/logout/").status_code == 302
    assert browser.get("/identity/v3/auth/projects").status_code == 401


def test_a_token_wins_over_a_session(browser: Client, as_demo: Api) -> None:
    assert browser.get("/identity/v3/users", headers={"X-Auth-Token": as_demo.token}).status_code == 403
    assert browser.get("/identity/v3/users", headers={"X-Auth-Token": "bad"}).status_code == 401


@pytest.mark.parametrize("noun", ["users", "projects", "auth/tokens", "auth/projects", "nothing", "regions"])
def test_a_browser_without_a_session_gets_the_error_and_no_crash(cloud: None, noun: str) -> None:
    answer = Client().get(f"/identity/v3/{noun}", headers={"Accept": "text/html"})
    assert answer.status_code == (404 if noun == "nothing" else 401)


def test_every_list_is_a_page_with_a_form(browser: Client) -> None:
    for noun in ("users", "projects", "domains", "groups", "roles", "services", "endpoints", "regions"):
        page = browser.get(f"/identity/v3/{noun}", headers={"Accept": "text/html"})
        assert page.status_code == 200
        assert b"<form" in page.content, noun


@pytest.mark.parametrize("how", ["password", "disabled", "deleted"])
def test_sessions_end_with_the_user(browser: Client, admin: User, how: str) -> None:
    if how == "password":
        passwords.change(user=admin, password="another")
    elif how == "disabled":
        users.update(user_id=admin.pk, changes={"enabled": False})
    else:
        users.delete(user_id=admin.pk)
    assert browser.get("/identity/v3/users").status_code == 401


def test_demo_is_no_staff(demo: User) -> None:
    browser = Client()
    assert browser.login(username="demo", password=PASSWORD)
    assert browser.get("/admin/").status_code == 302
    assert browser.get("/identity/v3/auth/projects").json()["projects"][0]["name"] == "demo"
    assert browser.get("/identity/v3/users").status_code == 403


def test_the_login_page_refuses_overlong_passwords_before_hashing(cloud: None) -> None:
    assert not Client().login(username="admin", password="x" * 5000)
    assert not Client().login(username="admin\x00", password="x")


def test_anonymous_requests_write_no_row(cloud: None) -> None:
    before = User.objects.count()
    for path in ("/identity", "/identity/v3", "/identity/v3/users", "/admin/login/", "/identity/v3/nothing"):
        Client().get(path)
    assert Session.objects.count() == 0
    assert User.objects.count() == before


def test_every_admin_page_opens(browser: Client, cloud: None, django_assert_max_num_queries: Any) -> None:
    from django.apps import apps
    from django.contrib.admin import site
    from django.test import RequestFactory

    for model in apps.get_app_config("identity").get_models():
        name = model._meta.model_name
        if not site.is_registered(model):
            continue
        with django_assert_max_num_queries(20):
            assert browser.get(f"/admin/identity/{name}/?q=a").status_code == 200
        row = site.get_model_admin(model).get_queryset(RequestFactory().get("/")).first()
        if row is not None:
            page = browser.get(f"/admin/identity/{name}/{row.pk}/change/")
            assert page.status_code == 200
            assert b"argon2" not in page.content
