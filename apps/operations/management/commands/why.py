"""manage.py why SERVER: the whole story of one server in one page."""

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

        found = servers.named(text=options["server"])
        if not found:
            raise CommandError(f"No server has the id or the name {options['server']}.")
        if len(found) > 1:
            self.stdout.write(f"{format.plural(len(found), 'server')} have this name; name one by its id:")
            for one in found:
                state = "deleted" if one.deleted_at else one.status
                self.stdout.write(f"  {one.id}  {state:8} {format.moment(one.created_at)}  {one.host or '-'}")
            return
        story = collect.of_server(found[0], ask_workers=not options["no_workers"])
        self.stdout.write(text.render(story, colours=self.stdout.isatty()))
