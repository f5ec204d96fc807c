"""What specs refuse, and their messages."""

from __future__ import annotations

import inspect
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.drivers import samples
from workers.drivers import errors, values
from workers.drivers.hypervisor import base as hypervisor
from workers.drivers.hypervisor import errors as hypervisor_errors
from workers.drivers.hypervisor import loader as hypervisors
from workers.drivers.hypervisor.base import DiskBacking, DiskSpec, InterfaceSpec, PowerState
from workers.drivers.loading import DriverNotFound
from workers.drivers.network import base as network
from workers.drivers.network import errors as network_errors
from workers.drivers.network import loader as networks
from workers.drivers.network.base import FixedIP, HostRoute, PortSpec, SubnetSpec, l2
from workers.drivers.storage import base as storage
from workers.drivers.storage import errors as storage_errors
from workers.drivers.storage import loader as storages
from workers.drivers.storage.base import ImageSource, ImageSpec

UUID = "5f1f4a3e-8b1c-4b8e-9a52-3d2a4c1f0e11"


@pytest.mark.parametrize(
    "make",
    [
        lambda: samples.server(id="../../etc"),
        lambda: samples.server(id=UUID.upper()),
        lambda: samples.server(name="a/b"),
        lambda: samples.server(name=""),
        lambda: samples.server(name="a\n"),
        lambda: samples.server(vcpus=0),
        lambda: samples.server(ram_mib=0),
        lambda: samples.server(console_log="relative"),
        lambda: samples.server(instance_dir="/a\nb"),
        lambda: samples.server(disks=(DiskSpec("vda", "/a", "raw"), DiskSpec("vda", "/b", "raw"))),
        lambda: DiskSpec("vda'", "/a", "raw"),
        lambda: DiskSpec("vda", "a", "raw"),
        lambda: DiskSpec("vda", "/a", "raw", backing=DiskBacking("/b", "raw")),
        lambda: DiskSpec("vda", "/a", "qcow2", backing=DiskBacking("b", "raw")),
        lambda: InterfaceSpec(UUID, "52:54:00:00:00:01", "tap/../x", "br0"),
        lambda: InterfaceSpec(UUID, "52:54:00:00:00:01", "t" * 16, "br0"),
        lambda: InterfaceSpec(UUID, "52:54:00:00:00:0G", "tap", "br0"),
        lambda: InterfaceSpec(UUID, "01:00:5e:00:00:01", "tap", "br0"),
        lambda: InterfaceSpec(UUID, "52:54:00:00:00:01", "tap", "br0", mtu=1),
        lambda: SubnetSpec(UUID, "10.0.0.1/24"),
        lambda: SubnetSpec(UUID, "10.0.0.0/24", "10.0.1.1"),
        lambda: SubnetSpec(UUID, "10.0.0.0/24", "10.0.0.1\n"),
        lambda: SubnetSpec(UUID, "10.0.0.0/24", dns_nameservers=("1.1.1.1,evil",)),
        lambda: SubnetSpec(UUID, "fe80::/64%eth0"),
        lambda: HostRoute("10.0.0.0/24", "fd00::1"),
        lambda: PortSpec(UUID, "tap", "52:54:00:00:00:01", mtu=100),
        lambda: l2.NetworkSpec(UUID, domain="a b"),
        lambda: l2.NetworkSpec(UUID, subnets=(SubnetSpec(UUID, "10.0.0.0/8"), SubnetSpec(UUID, "10.1.0.0/16"))),
        lambda: PortSpec(UUID, "-tap", "52:54:00:00:00:01"),
        lambda: l2.PortSpec(UUID, "52:54:00:00:00:01", hostname="a,b"),
        lambda: l2.PortSpec(UUID, "52:54:00:00:00:01", hostname="a\nb"),
        lambda: FixedIP(UUID, "10.0.0.1/24"),
        lambda: ImageSpec(UUID, "../x", 1, "raw"),
        lambda: ImageSpec(UUID, "a" * 128, 0, "raw"),
        lambda: ImageSpec(UUID, "a" * 128, 1, "vmx"),  # type: ignore[arg-type]
        lambda: ImageSource("ftp://x/y"),
        lambda: ImageSource("/etc/passwd"),
        lambda: ImageSource("%66ile:///etc/passwd"),
    ],
)
def test_refused(make: Any) -> None:
    with pytest.raises(errors.SpecInvalid):
        make()


@given(st.text())
def test_a_name_that_passes_is_one_plain_word(name: str) -> None:
    for check in (values.check_uuid, values.check_interface_name, values.check_hostname):
        try:
            check(name, "it")
        except errors.SpecInvalid:
            continue
        assert name.isascii()
        assert name
        assert not set(name) & set("/\\,;#'\" \t\r\n\0")


def test_power_states_are_novas_words() -> None:
    assert {str(state) for state in PowerState} == {
        "nostate", "running", "paused", "shutdown", "crashed", "suspended"
    }  # fmt: skip
    assert PowerState.RUNNING == "running"


@pytest.mark.parametrize(
    "contract", [hypervisor.HypervisorDriver, network.NetworkDriver, storage.StorageDriver], ids=lambda it: it.__name__
)
def test_contracts_are_small_and_say_what_they_do(contract: type) -> None:
    methods = [item for name, item in vars(contract).items() if getattr(item, "__isabstractmethod__", False)]
    assert 5 <= len(methods) <= 20
    assert all(inspect.getdoc(item) for item in methods)


@pytest.mark.parametrize("module", [errors, hypervisor_errors, network_errors, storage_errors])
def test_errors_are_of_one_family_and_survive_pickling(module: Any) -> None:
    kinds = [item for item in vars(module).values() if isinstance(item, type) and issubclass(item, errors.DriverError)]
    for kind in kinds:
        if kind is errors.DriverError:
            continue
        assert issubclass(kind, errors.RetryableError) != issubclass(kind, errors.AbortError)
        copy = pickle.loads(pickle.dumps(kind("words", details="secret", code="x")))
        assert (type(copy), copy.message, copy.details, copy.code) == (kind, "words", "secret", "x")
        assert "secret" not in str(copy)
        assert kind("words").code == kind.default_code


@pytest.mark.parametrize("loader", [hypervisors, networks, storages], ids=lambda it: it.__name__)
def test_loaders(loader: Any, tmp_path: Any) -> None:
    options = {"state_dir": tmp_path, "host": "h", "switch": "unix:/nowhere", "ceph_pool": "x"}
    options |= {"ceph_user": "u", "ceph_conf": "/nowhere", "ceph_keyring": "/nowhere"}
    for name, target in loader.KNOWN.items():
        assert f"{type(loader.load(name, options)).__module__}:{type(loader.load(name, options)).__name__}" == target
        loader.load(target, options)
    for name in ("nonesuch", "os:getcwd", "pathlib:Path", "no.such.module:Driver", "workers.drivers:Nothing", ""):
        with pytest.raises(DriverNotFound):
            loader.load(name, options)
    assert list(tmp_path.iterdir()) == []
