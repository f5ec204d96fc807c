"""Tables of clients' commands: each is run once, when the cloud is idle, and gives what stands behind it.

    [admin: ]COMMAND [~ its print | ! what it is refused with | = NAME STATUS, of a server or volume without a task]

``$(COMMAND)`` stands for the first line that an ``openstack`` command prints, ``@NAME`` for the ID of what has that
name, or had it last.
"""

import contextlib
import re
from collections.abc import Callable, Iterable
from functools import partial
from types import ModuleType

from tests.api.clients.commands import Commands, Done
from tests.cloud import Cloud, wait_for

PATIENCE_SECONDS = 20.0
_ROW = re.compile(r"(?P<admin>admin: )?(?P<line>.+?)(?: +(?P<sign>[~!=]) (?P<gives>.+))?")
_INNER = re.compile(r"\$\(([^()]*)\)")
_NAMED = re.compile(r"@(\w+)")
_PATHS = {"compute_server": "/compute/v2.1/servers", "volumes_volume": "/volume/v3/volumes"}
_TABLES = (
    *_PATHS,
    *(f"volumes_{name}" for name in ("snapshot", "backup", "group", "qosspec", "volumetype", "transfer")),
)
_GLOBAL = re.compile(r"--os-\S+ \S+ ")
SURROUNDINGS = """
network create net
subnet create --network net --subnet-range 10.5.0.0/24 --allocation-pool start=10.5.0.100,end=10.5.0.200 net
router create way
router add subnet way net
router set --external-gateway public way
security group create open
volume create --size 1 data = data available
"""


class Table:
    """Runs the rows of a table for a member and an administrator, with one of the clients."""

    def __init__(self, cloud: Cloud, run: Commands, admin: Commands, program: str = "openstack") -> None:
        self.cloud, self.people, self.program = cloud, {False: run, True: admin}, program
        self.commands: list[str] = []
        self._had: dict[str, str] = {}

    def run(self, text: str, *, at_rest: bool = True) -> None:
        """Run the rows; without ``at_rest`` each until it gives what it must, while something is under way.

        Raises AssertionError that names each row that gives something else.
        """
        lines = [line for line in text.strip().splitlines() if line]
        wrong = [said for line in lines if (said := self._row(line, at_rest))]
        assert not wrong, "\n".join(wrong)

    def _row(self, text: str, at_rest: bool) -> str:
        """Run a row. Return what is wrong with it, "" for nothing."""
        found = _ROW.fullmatch(text)
        assert found, text
        self.commands.append(_GLOBAL.sub("", found["line"]))
        self._rest(at_rest)
        said = self._give(found)

        def gives() -> bool:
            nonlocal said
            said = self._give(found)
            return not said

        if said and not at_rest:
            with contextlib.suppress(AssertionError):
                wait_for(gives, what=text, seconds=PATIENCE_SECONDS)
        if said or found["sign"] != "=":
            return f"{text}\n    {said}" if said else ""
        name, status = found["gives"].rsplit(" ", 1)
        self._rest(at_rest)
        with contextlib.suppress(AssertionError):
            wait_for(lambda: self._status(name) == status, what=status, seconds=1 if at_rest else PATIENCE_SECONDS)
        return "" if (now := self._status(name)) == status else f"{text}\n    {name} is {now}"

    def _rest(self, at_rest: bool) -> None:
        wait_for(lambda: not (at_rest and self.cloud.open_runs()), what="rest")

    def _give(self, row: re.Match[str]) -> str:
        """Run a row's command. Return what it ends with, if that is not what it must give."""
        person = self.people[bool(row["admin"])]
        line = _INNER.sub(lambda inner: (person.done(inner[1]).output.splitlines() or ["none"])[0].strip(), row["line"])
        line = _NAMED.sub(self._named, line)
        done = self._done(person)(line)
        said = f"{done.output}{done.errors}"
        right = (done.code != 0) == (row["sign"] == "!") and (row["sign"] not in ("!", "~") or row["gives"] in said)
        return "" if right else f"{done.code}: {said.strip()}"

    def _done(self, person: Commands) -> Callable[[str], Done]:
        return person.done if self.program == "openstack" else partial(person.other, self.program)

    def _status(self, name: str) -> str:
        for table, path in _PATHS.items():
            if key := self._id(table, name):
                answer = self.cloud.call("GET", f"{path}/{key}", admin=True).json()
                return str(next(iter(answer.values()))["status"])
        return "gone"

    def _id(self, table: str, name: str) -> str:
        found = self.cloud.rows(
            f"SELECT id FROM {table} t WHERE name = %s AND to_jsonb(t) ->> 'deleted_at' IS NULL", name
        )
        return str(found[0][0]) if found else ""

    def _named(self, found: re.Match[str]) -> str:
        """Return what has a name, or had it last."""
        key = next((key for table in _TABLES if (key := self._id(table, found[1]))), self._had.get(found[1], found[0]))
        self._had[found[1]] = key
        return key


def left_out(names: Iterable[str], commands: Iterable[str]) -> set[str]:
    """Return those of a client's ``names`` that no command is."""
    every = set(names)
    for command in commands:
        words = command.split()
        every -= {max((name for name in names if words[: len(name.split())] == name.split()), key=len, default="")}
    return every


def subcommands(shell: ModuleType) -> set[str]:
    """Return the commands of a module of `nova` or `cinder`."""
    return {name.removeprefix("do_").replace("_", "-") for name in vars(shell) if name.startswith("do_")}
