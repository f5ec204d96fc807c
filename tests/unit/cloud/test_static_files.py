"""Static files once `make up` has collected them: every page names them by their hash, and they travel compressed."""

import gzip
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client, override_settings

YEAR_SECONDS = 365 * 24 * 3600
COMPRESSED = (".css", ".js", ".svg")
# Large parts of packages, which take seconds to compress and show nothing that the others do not.
LEFT_OUT = ["drf_spectacular_sidecar/*", "rest_framework/*", "admin/*"]
PAGES = ["/", "/admin/login/", "/sign-in/login/", "/nowhere/"]
OURS = {"admin.css", "access.js", "live.js", "search.js", "icon.svg", "dark.css"}
_ADDRESS = re.compile(r'(?:src|href)="(/static/[^"]+)"')
_HASHED = re.compile(r"\.[0-9a-f]{12}\.\w+\Z")


@pytest.fixture(scope="module")
def collected(tmp_path_factory: Any) -> Iterator[Path]:
    root = tmp_path_factory.mktemp("static")
    storages = {
        "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
        "staticfiles": {"BACKEND": "cloud.static_files.Storage"},
    }
    with override_settings(STATIC_ROOT=root, STORAGES=storages, WHITENOISE_USE_FINDERS=False):
        call_command("collectstatic", interactive=False, verbosity=0, ignore_patterns=LEFT_OUT)
        yield root


@pytest.fixture
def addresses(db: None, collected: Path) -> set[str]:
    """The addresses of the static files that pages name, but for those left out here."""
    found: set[str] = set()
    for page in PAGES:
        answer = Client().get(page, headers={"Accept": "text/html"})
        found |= set(_ADDRESS.findall(answer.content.decode()))
    return {one for one in found if not one.startswith(tuple(f"/static/{name[:-1]}" for name in LEFT_OUT))}


def test_pages_name_files_by_their_hash(addresses: set[str]) -> None:
    assert {re.sub(r"\.[0-9a-f]{12}(?=\.)", "", one.rpartition("/")[2]) for one in addresses} >= OURS
    assert [one for one in addresses if not _HASHED.search(one)] == []


def test_files_are_compressed_and_kept_for_years(addresses: set[str]) -> None:
    client = Client()
    for address in sorted(addresses):
        plain = client.get(address)
        assert plain.status_code == 200 and "Content-Encoding" not in plain, address
        assert "immutable" in plain["Cache-Control"] and "public" in plain["Cache-Control"]
        assert int(re.findall(r"max-age=(\d+)", plain["Cache-Control"])[0]) >= YEAR_SECONDS
        if not plain["Content-Type"].startswith("font/"):
            packed = client.get(address, headers={"Accept-Encoding": "gzip"})
            assert packed["Content-Encoding"] == "gzip" and "Accept-Encoding" in packed["Vary"], address
            whole = b"".join(plain.streaming_content)
            data = b"".join(packed.streaming_content)
            assert len(data) < len(whole) and gzip.decompress(data) == whole
        plain.close()


@pytest.mark.django_db
def test_names_without_a_hash_are_asked_for_again(collected: Path) -> None:
    answer = Client().get("/static/cloud/live.js")
    answer.close()
    assert answer.status_code == 200
    assert int(re.findall(r"max-age=(\d+)", answer["Cache-Control"])[0]) <= 60
