"""One API kit: lists, sorting, markers, limits, words and times are read in apps/common/api, policy only by front ends.

A second dialect of one concern fails here. What differs between OpenStack's services is data (a ``QueryStyle`` and a
``Listing`` of each app), and no copy of the code.
"""

import ast
import inspect
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from apps.common.api import answers
from apps.common.api.collections import Collection, ReadOnlyItem
from tests.isolation import routes

ROOT = Path(__file__).resolve().parent.parent.parent
KIT = ROOT / "apps" / "common" / "api"
API_FLOORS = ("api", "selectors")
# Functions of the kit, under the names that their copies had.
READERS = re.compile(
    r"_?(boolean|truth|marker|page|paged|sort|sorting|order|order_of|limit|limit_of|offset|fields|only|next_link"
    r"|parse_datetime|split_in|by_tags|tagged)"
)
# Methods that hand a parameter to the app's style, and what has one of these names for another reason.
MEANT = {
    ("apps/compute/selectors/server_lists.py", "boolean"),
    ("apps/compute/api/views/flavors.py", "page"),
    ("apps/identity/selectors/projects.py", "_tagged"),
    ("apps/networking/api/views/agents.py", "page"),  # agents are made of hosts, as a list: no rows of theirs
}
# Parameters of pages and orders, and who asks whether a request has one, for its links.
OF_PAGES = {"limit", "marker", "offset", "page_reverse", "sort_key", "sort_dir", "sort"}
WITH_OWN_LINKS = {"apps/networking/api/views/base.py", "apps/networking/api/views/agents.py"}
TIMES = ("parse_datetime", "strftime")
# Forms of these calls alone.
WITH_OWN_TIMES = {"apps/compute/api/documents/usage_audit_log.py", "apps/networking/api/documents/agents.py"}
# Who may ask policy: front ends (views, their permissions, admin pages and commands) and what registers rules.
FRONT_ENDS = ("api", "admin", "admin.py", "apps.py", "management")
# GET answers a list at the top of a document that is no list of rows, and why.
NO_COLLECTIONS = {
    "compute": "the versions of the service, without a token",
    "compute/v2.1/servers/<server_id>/diagnostics": "parts of one document",
    "compute/v2.1/servers/<server_id>/topology": "a part of one document",
    "compute/v2.1/servers/<server_id>/shares": "always empty: this cloud has no shares",
    "network": "the versions of the service, without a token",
    "network/v2.0": "the nouns of the version, without a token",
    "network/v2.0/trunks/<str:item_id>/get_subports": "a part of the trunk's document",
    "volume": "the versions of the service, without a token",
    "volume/v3": "the versions of the service, without a token",
    "image": "the versions of the service, without a token",
    "image/versions": "the versions of the service, without a token",
    "image/v2": "the versions of the service, without a token",
    "image/v2/info/stores": "the one store, a constant",
    "image/v2/images/<str:image_id>/tasks": "always empty: images are not imported",
    "identity/v3/auth/catalog": "the catalog of the token, which is one document",
    "identity/v3/auth/system": "whether the caller has a role in the system, written as a list",
    "identity/v3/role_inferences": "the rules of implied roles, which clients read as one table",
    "identity/v3/role_assignments": "grants come from four tables, cut by the statement that unites them",
    "identity/v2.0/tokens/<str:token_id>/endpoints": "the catalog of a token, flattened",
}
# Views of an id at the end of a URL that is no row's, by the reason.
NO_ITEMS = {
    "constants": (
        "compute.ExtensionView images.SchemaItem images.MetadefSchemaItem networking.ExtensionItem"
        " networking.QosRuleTypeItem"
    ),
    "a key of a row's mapping, or a word of its list": (
        "compute.ExtraSpecView compute.ImageMetadataItemView compute.MetadataItemView compute.NetworkIPsView"
        " compute.TagView identity.DomainConfigPartView identity.ProjectTagView networking.TagItem"
        " volumes.ExtraSpecView volumes.GroupSpecView volumes.SnapshotMetadataItemView volumes.VolumeEncryptionKeyView"
        " volumes.VolumeMetadataItemView"
    ),
    "whether two rows belong together": (
        "identity.EndpointGroupProjectView identity.GrantRoleView identity.GroupUserView identity.ImpliedRoleView"
        " identity.PolicyAssociationView identity.ProjectEndpointView identity.TrustRoleView"
    ),
    "sums and limits, of a project or a time": (
        "compute.QuotaClassSetView compute.QuotaSetView compute.UsageView compute.UsageAuditLogView"
        " networking.QuotaItem volumes.QuotaClassSetView volumes.QuotaSetView"
    ),
    "there is none of it in this cloud": "compute.ConsoleTokenView compute.ShareView",
    "a host's back end, by its name, which has no row": "volumes.CapabilitiesView volumes.HostView",
    "a project's or a type's only one, which has no ID of its own in the URL": (
        "volumes.DefaultTypeView volumes.EncryptionTypeView"
    ),
    "a project's, which is made by asking for it": "networking.AutoAllocatedTopology",
    "v2.0 and EC2: the key may be a name or an access key, and the rule depends on what it names": (
        "identity.v2.RoleView identity.v2.ServiceItemView identity.v2.TenantView identity.v2.TokenView"
        " identity.v2.UserView identity.EC2CredentialView"
    ),
}
# Import names of a floor: the module's noun, or the floor, or a noun with its floor.
BEFORE_ALL_NOUNS = ("bootstrap", "filters", "capacity")
FLOORS = ("selectors", "services", "documents", "serializers")


@cache
def trees() -> dict[str, ast.Module]:
    paths = [path for path in sorted((ROOT / "apps").rglob("*.py")) if "migrations" not in path.parts]
    return {str(path.relative_to(ROOT)): ast.parse(path.read_text()) for path in paths}


def outside_the_kit() -> Iterator[tuple[str, ast.Module]]:
    for path, tree in trees().items():
        parts = path.split("/")
        if (ROOT / path).is_relative_to(KIT) or parts[1] == "common" or not set(API_FLOORS) & set(parts[2:3]):
            continue
        yield path, tree


def test_parameters_are_read_by_the_kit() -> None:
    copies = [
        f"{path}:{node.name}"
        for path, tree in outside_the_kit()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and READERS.fullmatch(node.name) and (path, node.name) not in MEANT
    ]
    assert not copies, "apps/common/api/{collections,queries,documents}.py has it: declare what differs as data"


def reads_of_pages(tree: ast.Module) -> list[int]:
    """Return the lines that read a paging parameter from a mapping, in functions of any name."""
    lines = []
    for node in ast.walk(tree):
        key: ast.expr | None = None
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
            key = node.args[0] if node.func.attr in ("get", "getlist", "pop") else None
        elif isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
            key = node.slice
        if isinstance(key, ast.Constant) and key.value in OF_PAGES:
            lines.append(node.lineno)
    return lines


def test_pages_are_read_by_the_kit_under_any_name() -> None:
    reading = {path: lines for path, tree in outside_the_kit() if (lines := reads_of_pages(tree))}
    assert set(reading) == WITH_OWN_LINKS, "collections.read has it: declare what differs in the app's Listing"


@pytest.mark.parametrize("text", ['q.get("limit", 5)', 'q["marker"]', 'q.getlist("sort_key")', 'q.pop("sort_dir")'])
def test_a_read_is_found(text: str) -> None:
    assert reads_of_pages(ast.parse(f"def rows(q):\n    return {text}")) == [2]
    assert not reads_of_pages(ast.parse('def known():\n    return {"limit": 1}, ("marker", "sort_key")'))


def test_what_is_meant_is_there() -> None:
    """Exceptions that no longer apply are removed."""
    named = {(path, node.name) for path, tree in trees().items() for node in ast.walk(tree)
             if isinstance(node, ast.FunctionDef)}  # fmt: skip
    assert named >= MEANT
    assert set(trees()) >= WITH_OWN_TIMES


def lists_of_api() -> dict[str, type]:
    """Return the views that answer a list at the top of a document, by route; those of one row end with its id."""
    views = {}
    for call in routes.calls():
        if call.method != "get" or call.route.endswith(">"):
            continue
        schemas = [answer.schema or {} for answer in answers.of_view(call.view(), "get")]
        members = [member for schema in schemas for member in schema.get("properties", {}).values()]
        if any(member.get("type") == "array" for member in members):
            views[call.route] = call.view
    return views


def reads_pages(view: type) -> bool:
    """Return whether a view is a collection of the kit, or reads its pages by the kit."""
    own = [cls for cls in view.__mro__ if cls.__module__.startswith("apps.")]
    read = re.compile(r"collections\.read\(|self\.listed\(")
    return issubclass(view, Collection) or any(
        read.search(inspect.getsource(cls)) for cls in own if cls.__name__ != "IdentityView"
    )


def test_lists_are_collections_of_the_kit() -> None:
    lists = lists_of_api()
    assert {route for route, view in lists.items() if not reads_pages(view)} == set(NO_COLLECTIONS)
    assert len(lists) > 60, "the description of answers has lost its lists"


def shown_items() -> dict[str, type]:
    """Return the views that answer GET about one id, by application and name."""
    views: dict[str, type] = {}
    for call in routes.calls():
        if call.method == "get" and call.route.endswith(">"):
            _, app, _, floor, *_ = call.view.__module__.split(".")
            views[f"{app}.v2.{call.view.__name__}" if floor == "v2" else f"{app}.{call.view.__name__}"] = call.view
    return views


def test_items_are_items_of_the_kit() -> None:
    """A row by the ids of its URL is an ``Item``: its base checks the rule, loads the row and renders it."""
    items = shown_items()
    others = {name for name, view in items.items() if not issubclass(view, ReadOnlyItem)}
    assert others == {name for names in NO_ITEMS.values() for name in names.split()}
    assert len(items) - len(others) > 35, "the table of routes has lost its items"


def test_items_are_shown_by_their_base() -> None:
    """No item goes around ``permitted``, which is where policy is checked."""
    own = {
        name
        for name, view in shown_items().items()
        if issubclass(view, ReadOnlyItem)
        if not view.get.__module__.endswith((".collections", ".views.base"))
    }  # type: ignore[attr-defined]
    assert not own


def test_times_are_read_and_written_by_the_kit() -> None:
    copies = [
        f"{path}:{node.lineno}"
        for path, tree in outside_the_kit()
        for node in ast.walk(tree)
        if path not in WITH_OWN_TIMES
        if (isinstance(node, ast.Attribute) and node.attr in TIMES)
        or (isinstance(node, ast.alias) and node.name in TIMES)
    ]
    assert not copies, "queries.moment reads a time; documents.seconds and documents.microseconds write one"


def test_front_ends_alone_ask_policy() -> None:
    asking = [
        path
        for path, tree in trees().items()
        if not set(FRONT_ENDS) & set(path.split("/")[2:])
        if not path.startswith("apps/common/")
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "apps.common"
        if any(alias.name == "policy" for alias in node.names)
    ]
    assert not asking, "a view checks policy (api/permissions.py), then calls a service, which trusts it"


def test_selectors_and_services_know_no_requests() -> None:
    knowing = [
        f"{path}:{node.lineno}"
        for path, tree in trees().items()
        if set(path.split("/")[2:3]) & {"selectors", "services"}
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and re.match(r"rest_framework|django\.http", node.module or "")
    ]
    assert not knowing


@pytest.mark.parametrize("floor", FLOORS)
def test_a_floor_has_one_import_name(floor: str) -> None:
    wrong = [
        f"{path}:{node.lineno} {alias.name} as {alias.asname}"
        for path, tree in trees().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and re.fullmatch(rf"apps\.\w+\.(api\.)?{floor}", node.module or "")
        for alias in node.names
        if alias.asname and alias.asname != floor and not alias.asname.endswith(f"_{floor}")
        if alias.name not in BEFORE_ALL_NOUNS
    ]
    assert not wrong, f"import it as {floor}, or another noun's as <noun>_{floor}"


def test_documents_are_rendered_on_their_own_floor() -> None:
    """Serializers only parse, and views render by api/documents."""
    rendering = [
        f"{path}:{node.name}"
        for path, tree in trees().items()
        if "/api/serializers/" in path or "/api/views/" in path
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and re.match(r"_?(render|document|full|brief)", node.name)
    ]
    assert not rendering


def test_the_api_floor_asks_selectors_for_rows() -> None:
    querying = [
        f"{path}:{node.lineno}"
        for path, tree in trees().items()
        if path.split("/")[2:3] == ["api"]
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr == "objects"
    ]
    assert not querying
