"""Administrators act on pages through the services: audited, and refused with a sentence."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from apps.common.models import AuditEvent
from apps.compute.models import Flavor, FlavorAccess, Server
from apps.identity.models import Project, User
from apps.images.models import Image
from apps.networking.models import Network, Subnet
from apps.quotas.models import Limit, Usage
from apps.scheduling.models import Aggregate, Host
from apps.workflow.models import Run
from tests.admin import rows
from tests.admin.acting import add, change, do, events, refused, saved

pytestmark = pytest.mark.django_db


# --- servers and runs -------------------------------------------------------------------------------


@pytest.fixture
def failed() -> Server:
    """A server whose build failed. It has no host and holds nothing."""
    rows.fill(1)
    Server.objects.update(host="", requested_networks=[])
    return Server.objects.get(name="n1")


def test_a_failed_build_is_built_again(operator: Client, failed: Server) -> None:
    assert "is being built again" in do(operator, failed, "retry")
    failed.refresh_from_db()
    assert (failed.vm_state, failed.task_state, failed.fault_message) == ("building", "scheduling", "")
    assert Run.objects.filter(subject_id=failed.id, action="retry", state="queued").count() == 1
    assert events("server.retry") == [("operator", "success", str(failed.id))]


def test_from_its_run_too(operator: Client, failed: Server) -> None:
    run = Run.objects.filter(subject_id=failed.id).order_by("-created_at").first()
    assert "is being built again" in do(operator, run, "retry")
    assert events("server.retry") == [("operator", "success", str(failed.id))]


def test_what_cannot_be_is_a_sentence(operator: Client, failed: Server) -> None:
    Server.objects.update(vm_state="active")
    for name in ("retry", "cancel", "start"):
        assert f"Cannot '{name}'" in do(operator, failed, name)
        assert events(f"server.{'os-' if name == 'start' else ''}{name}")[0][:2] == ("operator", "failure")
    assert Run.objects.filter(state="queued", subject_id=failed.id).count() == 0


def test_the_state_is_reset(operator: Client, failed: Server) -> None:
    assert "to active" in do(operator, failed, "reset-state", state="active")
    failed.refresh_from_db()
    assert failed.vm_state == "active"
    address = reverse("admin:compute_server_operation", args=[failed.pk, "reset-state"])
    assert operator.post(address, {"state": "paradise"}).status_code == 200  # the form, with its error
    failed.refresh_from_db()
    assert failed.vm_state == "active"


def test_a_server_is_deleted_and_rebooted(operator: Client, failed: Server) -> None:
    Server.objects.update(host="n1", vm_state="active")
    assert "is being rebooted" in do(operator, failed, "reboot")
    assert "is being deleted" in do(operator, failed, "delete")
    failed.refresh_from_db()
    assert failed.task_state == "deleting"
    assert Run.objects.get(subject_id=failed.id, state="queued").pipeline == "server.delete"
    assert events("server.delete") == [("operator", "success", str(failed.id))]


def test_a_run_that_waits_is_cancelled(operator: Client, failed: Server) -> None:
    do(operator, failed, "retry")
    run = Run.objects.get(subject_id=failed.id, state="queued")
    assert "Cancelled 'retry'" in do(operator, run, "cancel")
    run.refresh_from_db()
    assert (run.state, run.error_cause) == ("reverting", "CancelledByOperator")
    assert "already" in do(operator, run, "cancel")


def test_a_run_that_has_ended_is_not_cancelled_for_another(operator: Client, failed: Server) -> None:
    """The page may be outdated: its button must not affect an action that the owner started later."""
    old = Run.objects.filter(subject_id=failed.id, state="failed").first()
    Server.objects.filter(id=failed.id).update(host="n1", vm_state="stopped")
    do(operator, failed, "start")
    assert "this action has ended; 'start' is running" in do(operator, old, "cancel")
    assert Run.objects.get(subject_id=failed.id, pipeline="server.start").state == "queued"


def test_the_page_of_a_server_tells_its_story(operator: Client, failed: Server) -> None:
    text = operator.get(change(failed)).content.decode()
    for told in ("No valid host was found.", "RamFilter", "n1 lacks 1 MiB", "10.1.0.1", "root", "NoValidHost", "spawn"):
        assert told in text, told
    assert "c2VjcmV0" not in text


def test_a_console_that_does_not_come_is_a_sentence(operator: Client) -> None:
    rows.fill(1)
    Host.objects.update(agent_url="http://127.0.0.1:1/")
    assert "does not answer for the moment" in operator.get(change(Server.objects.get())).content.decode()


# --- hosts ------------------------------------------------------------------------------------------


def test_a_host_is_taken_out_of_service_and_back(operator: Client) -> None:
    rows.fill(1)
    host = Host.objects.get()
    assert "its servers are moved to other hosts: 1." in do(operator, host, "drain", reason="new fans")
    host.refresh_from_db()
    assert (host.enabled, host.disabled_reason) == (False, "new fans")
    for state, said in (
        ("active", "Servers are being moved"),
        ("rescued", "No server is on its way: these stay"),
    ):
        Server.objects.update(vm_state=state, task_state="")
        assert said in operator.get(change(host)).content.decode()
    do(operator, host, "enable")
    host.refresh_from_db()
    assert (host.enabled, host.disabled_reason) == (True, "")
    do(operator, host, "disable", reason="repair")
    do(operator, host, "force-down")
    host.refresh_from_db()
    assert (host.enabled, host.disabled_reason, host.forced_down) == (False, "repair", True)
    assert "hosting instances" in do(operator, host, "delete")
    assert (len(events("service.update")), len(events("service.drain"))) == (3, 1)


def test_the_servers_of_a_host_are_stopped(operator: Client) -> None:
    rows.fill(3)
    host = Host.objects.get(name="n1")
    Server.objects.exclude(name="n3").update(vm_state="active")
    Server.objects.filter(name="n2").update(task_state="rebooting")
    assert "Servers being stopped on n1: 1." in do(operator, host, "stop-servers")
    assert [one.name for one in Server.objects.filter(task_state="powering-off")] == ["n1"]
    assert events("server.os-stop") == [("operator", "success", str(Server.objects.get(name="n1").id))]


# --- flavors, quotas, aggregates --------------------------------------------------------------------

FLAVOR = {
    "name": "m1.new", "vcpus": "2", "ram_mib": "512", "disk_gib": "5", "extra_specs": "hw:cpu_policy=shared\n a = b ",
}  # fmt: skip


def test_flavors(operator: Client) -> None:
    saved(operator, add(Flavor), **FLAVOR)
    flavor = Flavor.objects.get(name="m1.new")
    assert (flavor.vcpus, flavor.ram_mib, flavor.extra_specs) == (2, 512, {"hw:cpu_policy": "shared", "a": "b"})
    assert "already exists" in refused(operator, add(Flavor), **FLAVOR)
    assert "greater than or equal to 1" in refused(operator, add(Flavor), **{**FLAVOR, "name": "x", "vcpus": "0"})
    assert "not key=value" in refused(operator, add(Flavor), **{**FLAVOR, "name": "x", "extra_specs": "nonsense"})
    refused(operator, add(Flavor), **{**FLAVOR, "name": "x", "extra_specs": "hw:cpu_policy=purple"})
    assert not Flavor.objects.filter(name="x").exists()
    saved(operator, change(flavor), description="For small things", extra_specs="a=c")
    flavor.refresh_from_db()
    assert (flavor.description, flavor.extra_specs) == ("For small things", {"a": "c"})
    assert (
        "can not add access to a public flavor"
        in refused(operator, change(flavor), projects=Project.objects.get(name="demo").pk).lower()
    )
    assert "Deleted the flavor" in do(operator, flavor, "delete")
    done = [event for name in ("create", "update", "delete") for event in events(f"flavor.{name}")]
    assert [who for who, _, _ in done] == ["operator"] * 3


def test_a_private_flavor_and_its_projects(operator: Client) -> None:
    demo = Project.objects.get(name="demo").pk
    saved(operator, add(Flavor), **FLAVOR, is_public=False, projects=demo)
    flavor = Flavor.objects.get(name="m1.new")
    assert list(FlavorAccess.objects.values_list("project_id", flat=True)) == [demo]
    assert "not a valid project" in refused(operator, change(flavor), projects="nobody")
    saved(operator, change(flavor), projects="")
    assert not FlavorAccess.objects.exists()


def test_quotas_of_a_project(operator: Client) -> None:
    demo = Project.objects.get(name="demo")
    Usage.objects.create(owner_id=demo.pk, resource="cores", in_use=8)
    assert "cores to 30" in do(operator, demo, "quotas", cores="30")
    assert Limit.objects.get(owner_id=demo.pk, resource="cores").value == 30
    assert "already used" in do(operator, demo, "quotas", cores="4")
    do(operator, demo, "quotas", cores="4", force="on")
    assert Limit.objects.get(owner_id=demo.pk, resource="cores").value == 4
    assert "Invalid" in do(operator, demo, "quotas", cores="-7") or "-1" in do(operator, demo, "quotas", cores="-7")
    do(operator, demo, "reset-quotas")
    assert not Limit.objects.filter(owner_id=demo.pk).exists()


def test_limits(operator: Client) -> None:
    assert "not a valid project" in refused(operator, add(Limit), owner_id="nobody", resource="cores", value="1")
    saved(operator, add(Limit), owner_id="default", resource="cores", value="7")
    limit = Limit.objects.get()
    saved(operator, change(limit), value="9")
    limit.refresh_from_db()
    assert limit.value == 9


def test_aggregates(operator: Client) -> None:
    rows.fill(1)
    saved(operator, add(Aggregate), name="fast", availability_zone="east")
    assert "already exists" in refused(operator, add(Aggregate), name="fast").lower()
    assert "colon" in refused(operator, add(Aggregate), name="odd", availability_zone="a:b")
    fast = Aggregate.objects.get(name="fast")
    saved(operator, change(fast), metadata="ssd=true", hosts="n1")
    fast.refresh_from_db()
    assert fast.metadata == {"availability_zone": "east", "ssd": "true"}
    assert Host.objects.get().zone == "east"
    assert "nowhere" in refused(operator, change(fast), hosts="n1\nnowhere")
    assert "colon" in refused(operator, change(fast), availability_zone="a:b")
    saved(operator, change(fast), hosts="", metadata="")
    fast.refresh_from_db()
    assert fast.metadata == {"availability_zone": "east"} and not fast.hosts.exists()
    do(operator, fast, "delete")
    assert not Aggregate.objects.filter(name="fast").exists()


# --- identity ---------------------------------------------------------------------------------------


def test_projects(operator: Client) -> None:
    saved(operator, add(Project), name="lab", domain_id="default", tags="a\nb")
    lab = Project.objects.get(name="lab")
    assert lab.tags == ["a", "b"]
    assert "lab" in refused(operator, add(Project), name="lab", domain_id="default")
    saved(operator, change(lab), description="Where we try things", enabled=False)
    lab.refresh_from_db()
    assert (lab.description, lab.enabled, lab.name) == ("Where we try things", False, "lab")
    do(operator, lab, "delete")
    assert not Project.objects.filter(name="lab").exists()


def test_users(operator: Client) -> None:
    saved(operator, add(User), name="ada", domain_id="default", password="first secret")
    ada = User.objects.get(name="ada")
    assert Client().login(username="ada", password="first secret")
    text = operator.get(change(ada)).content.decode()
    assert "argon2" not in text and "first secret" not in text and ada.password not in text
    before = ada.password
    saved(operator, change(ada), email="ada@example.org")
    ada.refresh_from_db()
    assert (ada.email, ada.password) == ("ada@example.org", before)
    saved(operator, change(ada), password="second secret")
    assert Client().login(username="ada", password="second secret")
    assert "ada" in refused(operator, add(User), name="ada", domain_id="default")
    saved(operator, change(ada), enabled=False)
    assert not Client().login(username="ada", password="second secret")
    assert not User.objects.get(name="ada").is_staff
    do(operator, ada, "delete")
    assert not User.objects.filter(name="ada").exists()
    assert len(events("update")) == 3


def test_flags_of_the_pages_are_not_taken_from_a_form(operator: Client) -> None:
    demo = User.objects.get(name="demo")
    saved(operator, change(demo), is_staff="on", is_superuser="on", email="x@example.org")
    demo.refresh_from_db()
    assert (demo.is_staff, demo.is_superuser, demo.email) == (False, False, "x@example.org")


def test_own_password(client: Client) -> None:
    from tests.admin.conftest import PASSWORD

    assert client.login(username="admin", password=PASSWORD)
    form = {"old_password": "wrong", "new_password1": "a new long one", "new_password2": "a new long one"}
    assert client.post("/admin/password_change/", form).status_code == 200
    assert client.post("/admin/password_change/", {**form, "old_password": PASSWORD}).status_code == 302
    assert client.get("/admin/").status_code == 200
    assert Client().login(username="admin", password="a new long one")
    assert AuditEvent.objects.filter(action="update", target_type="user", details__changed=["password"]).exists()


# --- images and networks ----------------------------------------------------------------------------


def test_images(operator: Client) -> None:
    demo = Project.objects.get(name="demo").pk
    image = Image.objects.create(name="old", project_id=demo, properties={"os/type": "x", "arch": "y"})
    saved(operator, change(image), name="new", visibility="public", tags="a", properties="arch=z")
    image.refresh_from_db()
    assert (image.name, image.visibility, image.tags, image.properties) == ("new", "public", ["a"], {"arch": "z"})
    assert "min_disk" in refused(operator, change(image), min_disk="-1")
    saved(operator, change(image), protected="on")
    assert "protected" in do(operator, image, "delete")
    saved(operator, change(image), protected=False)
    assert "Deleted" in do(operator, image, "delete")
    image.refresh_from_db()
    assert image.deleted_at is not None
    assert operator.post(change(image), {"name": "back"}).status_code == 403


def test_networks_and_subnets(operator: Client) -> None:
    demo = Project.objects.get(name="demo").pk
    saved(operator, add(Network), name="lan", project_id=demo, mtu="1400", shared="on")
    lan = Network.objects.get(name="lan")
    assert (lan.project_id, lan.mtu, lan.shared, lan.external) == (demo, 1400, True, False)
    assert "576" in refused(operator, change(lan), mtu="5")
    saved(operator, change(lan), name="wire", shared=False)
    lan.refresh_from_db()
    assert (lan.name, lan.shared, lan.mtu) == ("wire", False, 1400)
    saved(operator, add(Subnet), network_id=str(lan.id), cidr="10.9.0.0/24", dns_nameservers="9.9.9.9")
    subnet = Subnet.objects.get(cidr="10.9.0.0/24")
    assert (subnet.gateway_ip, subnet.dns_nameservers) == ("10.9.0.1", ["9.9.9.9"])
    assert "overlaps" in refused(operator, add(Subnet), network_id=str(lan.id), cidr="10.9.0.0/25")
    assert "uuid" in refused(operator, add(Subnet), network_id="x", cidr="10.8.0.0/25")
    saved(operator, change(subnet), allocation_pools="10.9.0.10-10.9.0.20", name="pool")
    subnet.refresh_from_db()
    assert subnet.allocation_pools == [{"start": "10.9.0.10", "end": "10.9.0.20"}]
    assert "first-last" in refused(operator, change(subnet), allocation_pools="10.9.0.10")
    do(operator, subnet, "delete")
    do(operator, lan, "delete")
    assert not Network.objects.filter(name="wire").exists()
    assert [event[0] for event in events("network.update")] == ["operator"]


@pytest.mark.parametrize(
    "model", [Flavor, Limit, Aggregate, Project, User, Network, Subnet], ids=lambda one: one.__name__
)
def test_everything_that_is_asked_for_can_be_entered(operator: Client, model: Any) -> None:
    """The page of a new object has no read-only fields."""
    shown = operator.get(add(model))
    fields = [field for fieldset in shown.context["adminform"] for line in fieldset for field in line]
    assert fields and not [field for field in fields if getattr(field, "is_readonly", False)]


def test_writes_need_the_token_of_the_form() -> None:
    rows.fill(1)
    client = Client(enforce_csrf_checks=True)
    client.force_login(User.objects.get(name="admin"), backend="apps.identity.backends.DomainUserBackend")
    server = Server.objects.get()
    for address in (reverse("admin:compute_server_operation", args=[server.pk, "delete"]), add(Flavor)):
        assert client.post(address, FLAVOR).status_code == 403
    server.refresh_from_db()
    assert server.task_state == "" and not Flavor.objects.filter(name="m1.new").exists()
