"""No guest stays frozen because its agent answered late."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from workers.drivers.hypervisor.errors import QuiesceFailed

libvirt = pytest.importorskip("libvirt")

from workers.drivers.hypervisor.libvirt import guest_agent  # noqa: E402

MUTE, COMMAND = libvirt.VIR_ERR_AGENT_UNRESPONSIVE, libvirt.VIR_ERR_INTERNAL_ERROR
FOREVER = 10**6


class Domain:
    """A guest whose agent fails some calls: for each, how often and with which code."""

    def __init__(self, **failures: tuple[int, int]) -> None:
        self.failures, self.calls = failures, list[str]()

    def call(self, name: str) -> None:
        self.calls.append(name)
        times, code = self.failures.get(name, (0, 0))
        if self.calls.count(name) <= times:
            error = libvirt.libvirtError("")
            error.err = (code, 10, "no", 2, "", None, None, -1, -1)
            raise error

    def name(self) -> str:
        return "s"

    def XMLDesc(self) -> str:
        target = "<target name='org.qemu.guest_agent.0' state='connected'/>"
        return f"<domain><devices><channel>{target}</channel></devices></domain>"

    def agentSetResponseTimeout(self, seconds: int) -> None:
        """Each call fails at once."""

    def getTime(self) -> None:
        self.call("time")

    def fsFreeze(self) -> None:
        self.call("freeze")

    def fsThaw(self) -> None:
        self.call("thaw")


@pytest.mark.parametrize(
    ("failures", "calls", "error"),
    [
        ({}, ["time", "freeze", "block", "thaw"], None),
        ({"time": (1, MUTE)}, ["time", "block"], None),  # a freeze is not sent that may be done later
        ({"thaw": (2, MUTE)}, ["time", "freeze", "block", "thaw", "thaw", "thaw"], None),
        ({"freeze": (1, MUTE), "thaw": (1, MUTE)}, ["time", "freeze", "thaw", "thaw", "block"], None),
        ({"freeze": (1, COMMAND), "thaw": (1, COMMAND)}, ["time", "freeze", "thaw", "block"], None),  # it answered
        ({"thaw": (FOREVER, MUTE)}, None, QuiesceFailed),
        ({"freeze": (1, MUTE), "thaw": (FOREVER, MUTE)}, None, QuiesceFailed),
    ],
)
def test_a_thaw_is_asked_for_until_it_is_answered(
    monkeypatch: pytest.MonkeyPatch, failures: Any, calls: Any, error: Any
) -> None:
    clock = [0.0]
    time = SimpleNamespace(monotonic=lambda: clock[0], sleep=lambda seconds: clock.append(clock.pop() + seconds))
    monkeypatch.setattr(guest_agent, "time", time)
    domain = Domain(**failures)
    if error is None:
        with guest_agent.frozen(domain, "if_possible"):
            domain.call("block")
        assert domain.calls == calls
    else:
        with pytest.raises(error, match="hard"), guest_agent.frozen(domain, "if_possible"):
            domain.call("block")
        assert clock[0] > guest_agent._THAW_S
