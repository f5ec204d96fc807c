"""A rule of many `{}` became a regular expression that tried every way to divide a segment: one call took hours.

Place by place it took 15 ms a rule, and a credential has a hundred of them. RE2 takes microseconds.
"""

import random
import re
import time

import pytest

from apps.identity import access_rules
from apps.identity.api.serializers.application_credentials import AccessRuleSerializer

PATHS = ("/v2.1/servers/" + "{}" * 50 + "/y", "/" + "**/" * 40 + "y", "*{}" * 40, "**{}" * 31 + "/y")


@pytest.mark.parametrize("rule", PATHS)
def test_a_rule_costs_little_whatever_it_says(rule: str) -> None:
    rules = [("compute", "GET", rule, "1")]
    path = "/compute/v2.1/servers/" + "a" * 200
    began = time.process_time()
    access_rules.allow(rules, method="GET", path=path)
    access_rules.allow(rules, method="GET", path=path + "/b" * 200)
    assert time.process_time() - began < 1


@pytest.mark.parametrize("rule", ["/v2.1/servers/" + "*a" * 55, *PATHS, "/v2.1/" + "a" * 110 + "**a", "{}a" * 42])
@pytest.mark.parametrize("tail", ["a" * 900, "a/" * 450, "ab" * 450])
def test_all_rules_of_a_credential_cost_little_together(rule: str, tail: str) -> None:
    rules = [("compute", "GET", rule, str(number)) for number in range(100)]
    path = f"/compute/v2.1/servers/{tail}/b"
    access_rules.allow(rules, method="GET", path=path)
    costs = []
    for _ in range(3):
        began = time.process_time()
        access_rules.allow(rules, method="GET", path=path)
        costs.append(time.process_time() - began)
    assert min(costs) < 0.03  # 1.5 s before


def test_the_same_answers_as_an_expression_gives() -> None:
    """Against keystonemiddleware's own translation, on rules and paths short enough for it."""
    chance = random.Random(7)
    for _ in range(3000):
        rule = "".join(chance.choice(("a", "b", "/", "*", "**", "{x}")) for _ in range(chance.randrange(7)))
        path = "".join(chance.choice("ab/") for _ in range(chance.randrange(8)))
        # What counts as ** is read from the left, as there.
        expression = re.sub(r"\*\*|\*|\{x\}", lambda found: ".*" if found[0] == "**" else "[^/]+", rule)
        assert access_rules.matches(rule, path) is (re.fullmatch(expression, path) is not None), (rule, path)


@pytest.mark.parametrize(
    ("rule", "path", "good"),
    [
        ("/v2.1/servers", "/v2.1/servers", True),
        ("/v2.1/servers", "/v2.1/servers/", False),
        ("/v2.1/servers/*", "/v2.1/servers/a", True),
        ("/v2.1/servers/*", "/v2.1/servers/", False),
        ("/v2.1/servers/*", "/v2.1/servers/a/b", False),
        ("/v2.1/servers/{id}/action", "/v2.1/servers/a/action", True),
        ("/v2.1/servers/{id}/action", "/v2.1/servers/a/b/action", False),
        ("/v2.1/**", "/v2.1/servers/a/b", True),
        ("/v2.1/**", "/v2.1/", True),
        ("/v2.1/**/action", "/v2.1/servers/a/action", True),
        ("**", "", True),
        ("*", "", False),
        ("/v2.1/a.c", "/v2.1/abc", False),
    ],
)
def test_what_a_path_covers(rule: str, path: str, good: bool) -> None:
    assert access_rules.matches(rule, path) is good


@pytest.mark.parametrize(("wildcards", "good"), [(16, True), (17, False)])
@pytest.mark.parametrize("wildcard", ["*", "{id}", "**/"])
def test_a_new_rule_has_few_wildcards(wildcard: str, wildcards: int, good: bool) -> None:
    rule = {"service": "compute", "method": "GET", "path": "/" + f"{wildcard}a" * wildcards}
    assert AccessRuleSerializer(data=rule).is_valid() is good
