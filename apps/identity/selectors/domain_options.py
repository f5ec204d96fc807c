"""Reading a domain's own configuration, and the defaults. Secrets are never among them."""

from typing import Any

from django.conf import settings

from apps.identity import domain_options
from apps.identity.exceptions import BadConfig, NotFound
from apps.identity.models import DomainOption
from apps.identity.states import DEFAULT_DOMAIN_ID

Config = dict[str, dict[str, Any]]


def refuse_unknown(group: str | None, option: str | None = None) -> None:
    """Raise BadConfig (403) for a group or an option that no domain may have."""
    if group is not None and group not in domain_options.DEFAULTS:
        raise BadConfig(reason=f"Group {group[:64]} is not supported for domain specific configurations")
    if group is not None and option is not None and not domain_options.is_known(group, option):
        raise BadConfig(
            reason=f"Option {option[:64]} in group {group} is not supported for domain specific configurations"
        )


def exists(domain_id: str, group: str | None = None, option: str | None = None) -> bool:
    """Return whether the domain has any such option, secret ones included."""
    return bool(_rows(domain_id, group, option).exists())


def _rows(domain_id: str, group: str | None, option: str | None) -> Any:
    rows = DomainOption.objects.filter(domain_id=domain_id)
    wanted = {name: value for name, value in (("group", group), ("option", option)) if value is not None}
    return rows.filter(**wanted)


def config(domain_id: str) -> Config:
    """Return all of a domain's options, by group."""
    options: Config = {}
    for row in _rows(domain_id, None, None):
        if (row.group, row.option) not in domain_options.SECRET:
            options.setdefault(row.group, {})[row.option] = row.value
    return options


def part(domain_id: str, group: str | None = None, option: str | None = None) -> dict[str, Any]:
    """Return all groups, one group, or one option, as Keystone nests them. Raises BadConfig and NotFound."""
    refuse_unknown(group, option)
    return _part(config(domain_id), domain_id, group, option)


def default_part(group: str | None = None, option: str | None = None) -> dict[str, Any]:
    """Return the defaults. Raises BadConfig (403) for unknown or secret options."""
    refuse_unknown(group, option)
    if group is not None and option is not None and (group, option) in domain_options.SECRET:
        raise BadConfig(reason=f"Reading the default for option {option} in group {group} is not supported")
    return _part(domain_options.DEFAULTS, "", group, option)


def _part(options: Config, domain_id: str, group: str | None, option: str | None) -> dict[str, Any]:
    if group is None and options:
        return options
    if group is not None and option is None and group in options:
        return {group: options[group]}
    if group is not None and option is not None and option in options.get(group, {}):
        return {option: options[group][option]}
    raise missing(domain_id, group, option)


def missing(domain_id: str, group: str | None, option: str | None) -> NotFound:
    what = f"option {option} in group {group}" if option else f"group {group}" if group else "any options"
    return NotFound(f"Could not find {what} in domain configuration for domain {domain_id[:64]}.")


def security_compliance(domain_id: str, option: str | None = None) -> dict[str, Any]:
    """Return the public rules for passwords, for forms. Raises BadConfig."""
    if domain_id != DEFAULT_DOMAIN_ID:
        raise BadConfig(
            reason="Reading security compliance information for any domain other than the default domain is not "
            "allowed or supported."
        )
    regex = settings.PASSWORD_REGEX or None
    rules = {"password_regex": regex, "password_regex_description": f"It has to match {regex}." if regex else None}
    if option is None:
        return {domain_options.SECURITY: rules}
    if option not in rules:
        raise BadConfig(
            reason="Reading security compliance values other than password_regex and password_regex_description is "
            "not allowed."
        )
    return {option: rules[option]}
