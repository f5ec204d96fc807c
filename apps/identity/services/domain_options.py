"""Writing a domain's own configuration."""

from collections.abc import Mapping
from typing import Any

import orjson
from django.db import transaction

from apps.common import audit
from apps.identity import domain_options, locks
from apps.identity.exceptions import BadConfig, NotFound
from apps.identity.models import Domain, DomainOption
from apps.identity.selectors import domain_options as selectors
from apps.identity.services import credentials

MAX_VALUE_BYTES = 4096


def _validated(config: Mapping[str, Any]) -> dict[tuple[str, str], Any]:
    """Return (group, option) -> value. Raises BadConfig (403), as Keystone does, and changes nothing."""
    if not config:
        raise BadConfig(reason="No options specified")
    values = {}
    for group, options in config.items():
        selectors.refuse_unknown(group)
        if not isinstance(options, dict) or not options:
            raise BadConfig(
                reason=f"The value of group {group} specified in the config should be a dictionary of options"
            )
        for option, value in options.items():
            selectors.refuse_unknown(group, option)
            values[group, option] = _checked(group, option, value)
    return values


def _checked(group: str, option: str, value: Any) -> Any:
    raw = orjson.dumps(value)
    if len(raw) > MAX_VALUE_BYTES or b"\\u0000" in raw or isinstance(value, dict):
        raise BadConfig(reason=f"The value of option {option} in group {group} is too long or of a wrong kind")
    if (group, option) in domain_options.SECRET:
        if not isinstance(value, str):
            raise BadConfig(reason=f"The value of option {option} in group {group} should be a string")
        return credentials.seal(value)
    return value


def _locked(domain_id: str) -> Domain:
    domain = locks.row(Domain.objects.all(), domain_id)
    if domain is None:
        raise NotFound(noun="domain", id=domain_id[:64])
    return domain


def _store(domain: Domain, values: Mapping[tuple[str, str], Any]) -> None:
    DomainOption.objects.bulk_create(
        [DomainOption(domain=domain, group=group, option=option, value=value)
         for (group, option), value in values.items()],
        update_conflicts=True, unique_fields=["domain", "group", "option"], update_fields=["value"],
    )  # fmt: skip
    changed = sorted(f"{group}.{option}" for group, option in values)
    audit.record("update", "domain", domain.pk, details={"configured": changed})


@transaction.atomic
def replace(*, domain_id: str, config: Mapping[str, Any]) -> bool:
    """Put ``config`` in the place of all that there was. Returns whether there was nothing before."""
    domain = _locked(domain_id)
    values = _validated(config)
    deleted, _ = DomainOption.objects.filter(domain=domain).delete()
    _store(domain, values)
    return not deleted


@transaction.atomic
def update(*, domain_id: str, config: Mapping[str, Any], group: str | None = None, option: str | None = None) -> None:
    """Merge options in; with ``group`` (and ``option``) only that, which has to be there already."""
    domain = _locked(domain_id)
    selectors.refuse_unknown(group, option)
    if group is not None and option is not None:
        config = {group: config}  # the body names the option alone
    values = _validated(config)
    if group is not None and (
        {named for named, _ in values} != {group} or (option and set(values) != {(group, option)})
    ):
        what = f"option {option} in group {group}" if option else f"group {group}"
        raise BadConfig(reason=f"Trying to update {what}, so that, and only that, must be specified in the config")
    if group is not None and not selectors.exists(domain_id, group, option):
        raise selectors.missing(domain_id, group, option)
    _store(domain, values)


@transaction.atomic
def delete(*, domain_id: str, group: str | None = None, option: str | None = None) -> None:
    """Delete all options, a group or one option. Raises NotFound (404) for an unknown group or option."""
    domain = _locked(domain_id)
    selectors.refuse_unknown(group, option)
    if group is not None and not selectors.exists(domain_id, group, option):
        raise selectors.missing(domain_id, group, option)
    wanted = {name: value for name, value in (("group", group), ("option", option)) if value is not None}
    DomainOption.objects.filter(domain=domain, **wanted).delete()
    audit.record("update", "domain", domain.pk, details={"configuration_deleted": wanted})
