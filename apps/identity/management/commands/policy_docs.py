"""``manage.py policy_docs``: writes docs/policies.md from the registered rules and the table of calls."""

import json
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from apps.common import policy

TABLE = Path(settings.BASE_DIR) / "apps" / "common" / "policy_calls.json"  # a test records it; see there
PAGE = Path(settings.BASE_DIR) / "docs" / "policies.md"

INTRODUCTION = """# Policies

Made by `manage.py policy_docs`; do not edit.

Who may do what is said by rules in the language of oslo.policy, under OpenStack's names. A line in
`<state>/policy.yaml` replaces the default of the same name at once, without a restart:

```yaml
"os_compute_api:servers:create": "role:builder and project_id:%(project_id)s"
```

`(empty)` lets everyone in who has a token. A caller sees no object of another project, whatever a rule says, unless
the rule that ends in `any_project`, `any_owner`, `any_user` or `get_all_tenants` lets it.

Roles: **reader** reads, **member** works in its project, **manager** manages what is in its domain, **admin** does all,
**service** is what services have among themselves. Each of admin, manager and member implies the next. What is
cloud-wide can be read with a token for the system.
"""


def _section(title: str, rules: dict[str, str], guarded: dict[str, list[str]]) -> list[str]:
    lines = [f"## {title}", "", "| Rule | Default | Guards |", "|---|---|---|"]
    for name, check in sorted(rules.items()):
        shown = "<br>".join(f"`{call}`" for call in guarded.get(name, [])) or "-"
        lines.append(f"| `{name}` | {_shown(check)} | {shown} |")
    return [*lines, ""]


def _shown(check: str) -> str:
    return f"`{check}`".replace("|", "\\|") if check else "(empty)"


def page(rules: dict[str, str], calls: dict[str, list[str]]) -> str:
    """Return the page. ``calls`` maps "GET /compute/…" to the rules that it is checked against."""
    guarded: dict[str, list[str]] = {}
    for call, names in sorted(calls.items()):
        if not call.startswith("HEAD "):
            for name in names:
                guarded.setdefault(name, []).append(call.replace("<str:", "<"))
    titles = {"identity:": "Identity", "os_compute_api:": "Compute"}
    sections: dict[str, dict[str, str]] = {
        "Identity": {},
        "Compute": {},
        "Image and network": {},
        "Building blocks": {},
    }
    for name, check in rules.items():
        title = next((title for prefix, title in titles.items() if name.startswith(prefix)), "")
        building = name in policy.BUILDING_BLOCKS
        sections[title or ("Building blocks" if building else "Image and network")][name] = check
    lines = [INTRODUCTION]
    for title, chosen in sections.items():
        lines += _section(title, chosen, guarded)
    lines += ["In one service's rules some of these mean what that service means by them:", ""]
    lines += ["| Rules of | Word | Means |", "|---|---|---|"]
    for service, words in sorted(policy.vocabularies().items()):
        lines += [f"| {service} | `{word}` | {_shown(check)} |" for word, check in sorted(words.items())]
    lines.append("")
    return "\n".join(lines)


class Command(BaseCommand):
    help = "Write docs/policies.md: every rule, its default, and the calls that it guards."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--output", default=str(PAGE))

    def handle(self, *args: Any, **options: Any) -> None:
        calls = json.loads(TABLE.read_text()) if TABLE.exists() else {}
        output = Path(options["output"])
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(page(policy.rules(), calls))
