"""The suites: which of Tempest's tests belong to which service."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Suite:
    """A part of Tempest that is run and counted as one.

    ``service`` is the word on the command line, ``tempest`` the major version that ships the tests, ``pattern`` a
    regular expression for test ids, ``options`` what this suite needs beside tempest.conf, by section and key,
    ``in_ci`` whether CI runs it.
    """

    name: str
    service: str
    pattern: str
    tempest: int = 47
    options: dict[tuple[str, str], str] = field(default_factory=dict)
    in_ci: bool = True

    def selects(self, test: str) -> bool:
        return re.match(self.pattern, test) is not None


# Every role for itself: Tempest reads as a reader, and moves servers as their project's manager.
MANAGERS = {
    ("enforce_scope", "nova"): "true",
    ("compute-feature-enabled", "nova_policy_roles"): "admin,manager,member,reader",
}
SUITES = (
    Suite("identity v3", "identity", r"tempest\.api\.identity\.(?!.*\bv2\.)"),
    Suite(
        "identity v2.0",
        "identity",
        r"tempest\.api\.identity\..*v2\.",
        tempest=39,  # the last one with tests of v2.0
        options={
            ("identity-feature-enabled", "api_v2"): "true",
            ("identity-feature-enabled", "api_v2_admin"): "true",
        },
        in_ci=False,  # a separate Tempest has to be installed for it
    ),
    Suite("image", "image", r"tempest\.api\.image\."),
    Suite("compute", "compute", r"tempest\.api\.compute\.(?!.*ManagerWorkflow)"),
    Suite(
        "compute, project managers",
        "compute",
        r"tempest\.api\.compute\..*ManagerWorkflow",
        options=MANAGERS,
        in_ci=False,  # one test, for which Tempest would start once more
    ),
    Suite("network", "network", r"tempest\.api\.network\."),
    Suite("volume", "volume", r"tempest\.api\.volume\."),
)
# What needs several hosts, and proves more where these and their guests are real; one test that logs in to its guest.
LAB_SUITES = (
    Suite(
        "compute in the lab",
        "compute",
        r"tempest\.api\.compute\.(admin\.(test_live_migration|test_migrations|test_servers_on_multinodes)\."
        r"|servers\.test_server_actions\.ServerActionsV293)",
        options=MANAGERS,
    ),
)
SERVICES = tuple(dict.fromkeys(suite.service for suite in SUITES))
# Classes that wait long for servers or volumes, or prove what others prove too: left out of the part that runs in CI.
SLOW = re.compile(
    r"\.compute\.servers\.test_multiple_create|IpV6|\.api\.volume\.|\.compute\.(volumes|images)\.|BootFromVolume"
    r"|test_live_migration|test_servers_on_multinodes|test_server_rescue|test_server_personality"
    r"|test_server_actions|test_migrations|test_server_diagnostics|test_delete_server|test_disk_config"
)


def together(suites: Iterable[Suite]) -> list[list[Suite]]:
    """Return the suites in groups that one run of stestr can serve: of one Tempest, with the same options."""
    groups: list[list[Suite]] = []
    for suite in suites:
        for group in groups:
            if (group[0].tempest, group[0].options) == (suite.tempest, suite.options):
                group.append(suite)
                break
        else:
            groups.append([suite])
    return groups
