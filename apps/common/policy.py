"""One policy engine for every service: OpenStack's rule names and language (oslo.policy).

Each app lists its rules in ``policies.py`` and registers them when it starts. A rule that an operator wrote in
``<state>/policy.yaml`` replaces the default of the same name. A few words (``admin_or_owner``) have different meanings
in OpenStack's services: each app defines them for its own rules.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

import structlog
from django.conf import settings

from apps.common.context import RequestContext
from apps.common.exceptions import PolicyForbidden

ADMIN = "rule:context_is_admin"
PROJECT_MANAGER = "rule:project_manager_or_admin"
PROJECT_MEMBER = "rule:project_member_or_admin"
PROJECT_READER = "rule:project_reader_or_admin"
ANYBODY = ""
ANSWERS = 4096  # that a process keeps for each service
LONG = 64  # characters: ids are no longer, and whatever else a path may say is not kept

BUILDING_BLOCKS = {
    "context_is_admin": "role:admin",
    "admin_required": "rule:context_is_admin",
    "project_member": "role:member and project_id:%(project_id)s",
    "project_reader": "role:reader and project_id:%(project_id)s",
    "project_member_or_admin": "rule:project_member or rule:context_is_admin",
    "project_reader_or_admin": "rule:project_reader or rule:context_is_admin",
    "owner": "user_id:%(user_id)s",
    # Names that operators' own files refer to: Nova's, Neutron's and Keystone's.
    "admin_api": "rule:context_is_admin",
    "admin_only": "rule:context_is_admin",
    "admin_or_owner": "rule:context_is_admin or project_id:%(project_id)s",
    "project_manager": "role:manager and project_id:%(project_id)s",
    "project_manager_or_admin": "rule:project_manager or rule:context_is_admin",
    "project_manager_api": "rule:project_manager",
    "project_member_api": "rule:project_member",
    "project_reader_api": "rule:project_reader",
    "service_role": "role:service",
    "service_api": "role:service",
    "service_or_admin": "rule:admin_required or rule:service_role",
    "token_subject": "user_id:%(target.token.user_id)s",
    "admin_or_token_subject": "rule:admin_required or rule:token_subject",
    "service_admin_or_token_subject": "rule:service_or_admin or rule:token_subject",
    "domain_managed_target_role": (
        "'manager':%(target.role.name)s or 'member':%(target.role.name)s or 'reader':%(target.role.name)s"
    ),
}
_registered: dict[str, str] = dict(BUILDING_BLOCKS)
_vocabularies: dict[str, dict[str, str]] = {"": {}}  # meanings of words in one service's rules
_service_of: dict[str, str] = {}
_former: dict[str, str] = {}  # rule -> the one that was checked in its place before
_good: dict[str, dict[str, "_Engine"]] = {}  # the engines that the last readable file made, by path
log = structlog.get_logger("celerity.policy")


class BadPolicyFile(RuntimeError):
    """The operator's rules cannot be read: nothing starts with them."""


@dataclass(frozen=True, slots=True)
class _Engine:
    """The rules of a service, with cached answers, which depend only on the caller and the target.

    ``answers`` is None if the operator overrides rules: these may query a server (``http:``).
    """

    enforcer: Any
    answers: dict[Any, bool] | None

    def judge(self, context: RequestContext, rule: str, target: Mapping[str, Any]) -> bool:
        if self.answers is None:
            return self._evaluate(context, rule, target)
        try:
            key = (rule, context.policy_key(), frozenset((name, type(value), value) for name, value in target.items()))
            allowed = self.answers.get(key)
        except TypeError:  # a value that is a list or an object
            return self._evaluate(context, rule, target)
        if allowed is None:
            allowed = self._evaluate(context, rule, target)
            if not any(isinstance(value, str) and len(value) > LONG for value in target.values()):
                if len(self.answers) >= ANSWERS:
                    self.answers.clear()
                self.answers[key] = allowed
        return allowed

    def _evaluate(self, context: RequestContext, rule: str, target: Mapping[str, Any]) -> bool:
        # oslo.policy compares texts: None would equal None, and a caller without a project would own rows without one.
        known = {key: value for key, value in target.items() if value is not None}
        if "project_id" in known:
            known.setdefault("tenant_id", known["project_id"])  # Neutron's older name, on both sides
        who = {key: value for key, value in context.credentials().items() if value is not None}
        # Enforcer.enforce() would copy both sides and look for changed files at every check.
        return bool(self.enforcer.rules[rule](known, who, self.enforcer, rule))


def register(
    rules: Mapping[str, str],
    *,
    service: str = "",
    words: Mapping[str, str] | None = None,
    former: Mapping[str, str] | None = None,
) -> None:
    """Add the default rules of an app: name -> check string. ``words``: building blocks that mean these in them.

    ``former``: rule -> the one that was checked in its place before. An operator's text of that one holds for the rule
    too, unless the file has the rule.
    """
    for name, check in rules.items():
        if _registered.get(name, check) != check:
            raise ValueError(f"policy rule {name} is registered twice")
        _registered[name], _service_of[name] = check, service
    _vocabularies.setdefault(service, {}).update(words or {})
    _former.update(former or {})
    _engines.cache_clear()


@lru_cache(maxsize=1)
def _engines(overrides: str, _changed: int) -> dict[str, _Engine]:
    """Return each service's engine with the defaults and the overrides of the operator's file.

    oslo.policy would look for files at every check; a stat of one file is all that is needed. A file that cannot be
    read leaves the rules that were good before in force; without such (at start) it raises BadPolicyFile.
    """
    from oslo_policy import policy

    written: Mapping[str, Any] = {}
    if _changed:
        try:
            written = _with_former(policy.Rules.load(Path(overrides).read_text()))
        except Exception as error:
            if overrides in _good:
                log.error("policy.yaml cannot be read; the rules of before hold", error=str(error)[:500])
                return _good[overrides]
            raise BadPolicyFile(f"{overrides} cannot be read: {error}") from error
    _good[overrides] = {
        service: _Engine(_enforcer_of({**_registered, **words}, written), None if written else {})
        for service, words in _vocabularies.items()
    }
    return _good[overrides]


def _with_former(written: Mapping[str, Any]) -> dict[str, Any]:
    """Return an operator's rules, and what those with former names mean for the rules of now."""
    meant = {name: old for name, old in _former.items() if old in written and name not in written}
    if meant:
        log.warning("policy.yaml has no line for rules that former ones hold for; add one for each", rules=meant)
    return {**written, **{name: written[old] for name, old in meant.items()}}


def _late(check: EntryPoint) -> Callable[[str, str], Any]:
    """Return a kind of check that is loaded when a rule first names it."""
    return lambda kind, match: check.load()(kind, match)


def _enforcer_of(defaults: Mapping[str, str], written: Mapping[str, Any]) -> Any:
    from oslo_config import cfg
    from oslo_policy import _checks, policy

    # oslo.policy would load `requests` for the kinds `http:` and `https:`, 3 MiB, whether a rule asks a server or not.
    _checks.extension_checks = {check.name: _late(check) for check in entry_points(group="oslo.policy.rule_checks")}
    conf = cfg.ConfigOpts()
    conf([], default_config_files=[], default_config_dirs=[])
    merged = policy.Rules.from_dict(dict(defaults))
    merged.update(written)
    engine = policy.Enforcer(conf, rules=merged, use_conf=False)
    if written and not engine.check_rules():  # oslo.policy logs which rules
        log.warning("policy.yaml has circular rules, or rules with unknown names; these allow nothing")
        for name in [name for name, check in engine.rules.items() if engine._cycle_check(check)]:
            engine.rules[name] = _checks.FalseCheck()
    return engine


def _engine(rule: str) -> _Engine:
    path = f"{settings.STATE_DIR}/policy.yaml"  # a text: this runs at every check
    try:
        changed = os.stat(path).st_mtime_ns
    except FileNotFoundError:
        changed = 0
    return _engines(path, changed)[_service_of.get(rule, "")]


def warm() -> None:
    """Load the engines and their rules now and not with the first request."""
    _engine("")


def allowed(context: RequestContext, rule: str, target: Mapping[str, Any] | None = None) -> bool:
    """Return whether ``rule`` lets the caller act on ``target`` (default: on its own project)."""
    if rule not in _registered:
        raise KeyError(f"policy rule {rule} is not registered")
    subject = target if target is not None else {"project_id": context.project_id, "user_id": context.user_id}
    return _engine(rule).judge(context, rule, subject)


def check(context: RequestContext, rule: str, target: Mapping[str, Any] | None = None) -> None:
    """Raise ``PolicyForbidden`` (403) unless ``rule`` lets the caller act on ``target``."""
    if not allowed(context, rule, target):
        raise PolicyForbidden(rule=rule)


def rules() -> dict[str, str]:
    """Return every registered rule with its default check string."""
    return dict(_registered)


def vocabularies() -> dict[str, dict[str, str]]:
    """Return by service the words that mean something else in its rules, with their check strings."""
    return {service: dict(words) for service, words in _vocabularies.items() if words}
