"""manage.py why SUBJECT: explain the state of one server, or another subject of runs, on one page."""

from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand, CommandError

if TYPE_CHECKING:
    from apps.compute.models import Server
    from apps.operations.explain.collect import Story


class Command(BaseCommand):
    help = "Print the history of one server: the request, each step, its resources, and the meaning."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("server", help="a server's id or name; deleted servers are found too")
        parser.add_argument("--no-workers", action="store_true", help="do not ask workers over the broker (up to 1 s)")

    def handle(self, *args: Any, **options: Any) -> None:
        from apps.compute.selectors import servers
        from apps.operations.explain import collect, text

        wanted, ask_workers = options["server"], not options["no_workers"]
        matches = servers.named(text=wanted)
        story: Story | None = None
        if len(matches) == 1:
            story = collect.of_server(matches[0], ask_workers=ask_workers)
        elif not matches:
            story = self._of_another(wanted, ask_workers=ask_workers)
        if story is None:
            self._list(matches)
        else:
            self.stdout.write(text.render(story, colours=self.stdout.isatty()))

    def _of_another(self, wanted: str, *, ask_workers: bool) -> "Story":
        """Return the story of a subject of another kind. 1 query for each kind."""
        from apps.operations.explain import collect
        from apps.workflow import catalogue

        subjects = collect.named(text=wanted)
        if not subjects:
            kinds = ", ".join(subject.name for subject in catalogue.subjects())
            raise CommandError(f"Nothing has the id or the name {wanted} (searched: {kinds}).")
        if len(subjects) > 1:
            listed = ", ".join(f"{subject.name} {key}" for subject, key in subjects)
            raise CommandError(f"Several have this name; name one by its id: {listed}")
        return collect.of_subject(*subjects[0], ask_workers=ask_workers)

    def _list(self, matches: "list[Server]") -> None:
        from apps.operations.explain import format

        self.stdout.write(f"{format.plural(len(matches), 'server')} have this name; name one by its id:")
        for match in matches:
            state = "deleted" if match.deleted_at else match.status
            self.stdout.write(f"  {match.id}  {state:8} {format.moment(match.created_at)}  {match.host or '-'}")
