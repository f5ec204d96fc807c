"""A host's certificate comes to an end: its agent asks the machine with the authority, over the hosts' own TLS."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.cloud import wait_for
from tests.lab.cloud import LabCloud
from tests.lab.test_outages import follows, kill
from workers.system.pki import renewal

pytestmark = [pytest.mark.lab, pytest.mark.libvirt, pytest.mark.slow, pytest.mark.heavy, pytest.mark.timeout(900)]


def test_a_host_renews_its_certificate(cloud: LabCloud) -> None:
    first, second = cloud.lab.plan.hosts[:2]
    authority, mine = renewal.authority_of(first.state), renewal.host_of(second.state)
    then = datetime.now(UTC) - timedelta(days=300)
    mine.install(authority.sign(mine.request(second.name), second.name, then), authority.certificate())
    assert mine.is_due()
    kill(second, "host-agent")  # it looks as soon as it starts
    wait_for(lambda: not mine.is_due(), what="a new certificate", seconds=90)
    assert not renewal.authority_of(second.state).exists()
    kill(second, "ovn-controller")
    wait_for(lambda: follows(second), what="an ovn-controller with the new certificate")
