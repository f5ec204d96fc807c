"""An operator's traits of a host: kept apart from those that its agent reports."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from apps.scheduling import candidates
from apps.scheduling.exceptions import HostNotFound, TraitInvalid
from apps.scheduling.services import hosts

pytestmark = pytest.mark.django_db


def register(*traits: str) -> None:
    hosts.register(
        name="h0", facts={"hypervisor_type": "x", "traits": list(traits)}, vcpus=1, ram_mib=1, disk_gib=1, agent_url=""
    )


def traits() -> set[str]:
    [host] = candidates.everything()
    return set(host.traits)


def test_they_survive_the_agent() -> None:
    register("HW_CPU_X86_AVX")
    hosts.set_traits(name="h0", traits=["CUSTOM_GPU"])
    assert traits() == {"HW_CPU_X86_AVX", "CUSTOM_GPU"}
    register("HW_CPU_X86_AVX2")
    assert traits() == {"HW_CPU_X86_AVX2", "CUSTOM_GPU"}


@pytest.mark.parametrize(
    "name", ["GPU", "CUSTOM_", "CUSTOM_gpu", "CUSTOM_A-B", "HW_CPU_X86_AVX", "CUSTOM_" + "X" * 249]
)
def test_names_are_an_operators(name: str) -> None:
    register()
    with pytest.raises(TraitInvalid):
        hosts.set_traits(name="h0", traits=[name])
    with pytest.raises(HostNotFound):
        hosts.set_traits(name="h1", traits=["CUSTOM_X"])


def test_the_command() -> None:
    register("HW_CPU_X86_AVX")
    call_command("host_traits", "h0", "--add", "CUSTOM_A", "--add", "CUSTOM_B", stdout=StringIO())
    out = StringIO()
    call_command("host_traits", "h0", "--remove", "CUSTOM_A", stdout=out)
    assert out.getvalue().split() == ["CUSTOM_B", "HW_CPU_X86_AVX"]
    with pytest.raises(CommandError, match="could not be found"):
        call_command("host_traits", "h9")
