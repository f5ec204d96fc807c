"""manage.py schedule: show where servers would go, and why, without booting any."""

import io
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.text import Text

from apps.common.exceptions import CloudError

WIDTH = 100


class Command(BaseCommand):
    help = "Show where the scheduler would place servers now. Writes nothing; exits with 1 if not all fit."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--flavor", required=True, help="id or name")
        parser.add_argument("--image", required=True, help="id or name")
        parser.add_argument("--count", type=int, default=1, help="how many servers (at most 100)")
        parser.add_argument("--zone", default="", help="availability zone")
        parser.add_argument("--host", default="", help="this host and no other")
        parser.add_argument("--hint", action="append", default=[], metavar="KEY=VALUE", help="may be repeated")
        parser.add_argument("--project", default="", help="id or name: with its quotas, groups and aggregates")

    def handle(self, *args: Any, **options: Any) -> None:
        from apps.compute.services import dry_runs
        from apps.networking.values import InterfacePermissions

        if options["count"] < 1:
            raise CommandError("--count: at least 1.")
        try:
            context, values = _request(options)
            hints = _hints(options["hint"])
            result = dry_runs.run(
                context=context,
                values=values,
                hints=hints,
                permissions=InterfacePermissions(external=True),
                counted=bool(options["project"]),
            )
        except CloudError as error:
            raise CommandError(error.message) from error
        self.stdout.write(_page(result, options, colours=self.stdout.isatty()))
        if not result.fits:
            raise CommandError("Not everything fits.", returncode=1)


def _request(options: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """Return the caller and the body's values, as the API would have them."""
    from apps.common.context import RequestContext
    from apps.common.identifiers import parse_uuid
    from apps.compute.selectors import flavors
    from apps.identity.selectors import projects
    from apps.images.selectors import images

    project_id = "-"
    if options["project"]:
        project = projects.find(options["project"]) or projects.any_named(options["project"])
        if project is None:
            raise CommandError(f"No project has the id or the name {options['project']}.")
        project_id = project.id
    context = RequestContext(user_id="operator", project_id=project_id, roles=("admin", "member"), is_admin=True)
    flavor = flavors.everything().filter(name=options["flavor"]).first()
    named = list(images.visible(context=context).filter(name=options["image"], os_hidden=False).distinct()[:2])
    if len(named) > 1:
        raise CommandError(f"Several images are called {options['image']}. Use the id.")
    if not named and parse_uuid(options["image"]) is None:
        raise CommandError(f"No image has the id or the name {options['image']}.")
    values = {
        "row": {"name": "schedule"},
        "flavorRef": flavor.flavor_id if flavor else options["flavor"],
        "imageRef": str(named[0].id) if named else options["image"],
        "networks": "none",
        "min_count": options["count"],
        "max_count": options["count"],
        "availability_zone": options["zone"],
        "host": options["host"],
    }
    return context, values


def _hints(pairs: list[str]) -> dict[str, Any]:
    """Return hints as the API takes them; one that is repeated is a list."""
    from rest_framework.serializers import ValidationError

    from apps.common.api.errors import sentence
    from apps.compute.api.serializers.scheduler_hints import SchedulerHints

    hints: dict[str, Any] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals:
            raise CommandError(f"--hint {pair} is not KEY=VALUE.")
        hints[key] = [*(hints[key] if isinstance(hints[key], list) else [hints[key]]), value] if key in hints else value
    parsed = SchedulerHints(data=hints)
    try:
        parsed.is_valid(raise_exception=True)
    except ValidationError as error:
        raise CommandError(f"--hint: {sentence(error.detail)}") from error
    return hints


def _page(result: Any, options: dict[str, Any], *, colours: bool) -> str:
    from apps.operations.explain import choices, format

    console = Console(file=io.StringIO(), width=WIDTH, highlight=False, force_terminal=colours, no_color=not colours)
    with console.capture() as captured:
        asked = format.plural(result.asked, "server")
        console.rule(Text(f"{asked} of {options['flavor']} from {options['image']}"), align="left", characters="=")
        console.print(Text(result.message, style="bold"))
        for number, host in enumerate(result.hosts, start=1):
            console.print(Text(f"  {number:3}. {host}"))
        console.rule(choices.checked_hosts(result.explanation), align="left", characters="-")
        choices.show(console, result.explanation)
    return "\n".join(line.rstrip() for line in captured.get().splitlines())
