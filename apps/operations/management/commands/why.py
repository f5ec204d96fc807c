"""manage.py why SERVER: explain the state of one server on one page."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError


class Command(BaseCommand):
    help = "Print the history of one server: the request, each step, its resources, and the meaning."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("server", help="a server's id or name; deleted servers are found too")
        parser.add_argument("--no-workers", action="store_true", help="do not ask workers over the broker (up to 1 s)")

    def handle(self, *args: Any, **options: Any) -> None:
        from apps.compute.selectors import servers
        from apps.operations.explain import collect, format, text

        matches = servers.named(text=options["server"])
        if not matches:
            raise CommandError(f"No server has the id or the name {options['server']}.")
        if len(matches) > 1:
            self.stdout.write(f"{format.plural(len(matches), 'server')} have this name; name one by its id:")
            for match in matches:
                state = "deleted" if match.deleted_at else match.status
                self.stdout.write(f"  {match.id}  {state:8} {format.moment(match.created_at)}  {match.host or '-'}")
            return
        story = collect.of_server(matches[0], ask_workers=not options["no_workers"])
        self.stdout.write(text.render(story, colours=self.stdout.isatty()))
