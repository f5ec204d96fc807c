"""What apps know of pipelines and their subjects. Filled once at start from workers' pipelines (cloud/celery.py)."""

import uuid
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from django.conf import settings

BOOTED = "server"  # the subject whose making is a boot
OnHostDown = Literal["elsewhere", "rows_only", "wait", "fail"]
OnHostDead = Literal["rows_only", "fail"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A kind of row that runs work on.

    ``name``: its type in runs and in the keys of leases, its ID's key in logs and traces, its word in messages, and the
    first part of its pipelines' names. ``model``: the label of its model ("compute.Server"), which has the table and
    the admin's page. ``existing`` returns which IDs have a row that is not deleted. ``names`` returns the names by ID,
    of deleted rows too. ``like`` returns the IDs of rows whose names contain a text, deleted ones too. 1 query each.
    """

    name: str
    model: str
    existing: Callable[[Collection[uuid.UUID]], set[uuid.UUID]]
    names: Callable[[Collection[uuid.UUID]], Mapping[uuid.UUID, str]]
    like: Callable[[str], Collection[uuid.UUID]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One pipeline.

    ``subject``: the name of its subject ("server"). ``steps``: their names, in order. ``creates``: it makes its
    subject; of a server that is a boot. ``releases``: it releases the subject's resources, so that it is never
    cancelled. ``io_heavy``: it writes much to its host's disks (Nova's I/O operations of a host). ``on_host_down``:
    what happens to a run that waits for a host which went down: one word, or one for each step.
    ``on_host_dead``: what happens to one that waits (``wait``) once an operator has declared that host dead, so that
    nothing runs there. ``lost``: for each step the roles of several hosts that the run needs from there on, and what
    happens when the host of one goes down.
    ``deadline_seconds``: for the whole run; None: INSTANCE_BUILD_TIMEOUT. ``pivot``: the step after which a run is no
    longer undone; its last steps are repeated instead. ``chooses_at``: the step that chooses a host. For operators'
    pages and messages: ``noun`` is a run in a word, ``when_failed`` says where the subject is left after the last
    revert.
    """

    name: str
    subject: str
    steps: tuple[str, ...]
    creates: bool = False
    releases: bool = False
    io_heavy: bool = False
    on_host_down: OnHostDown | Mapping[str, OnHostDown] = "wait"
    on_host_dead: OnHostDead = "fail"
    lost: Mapping[str, Mapping[str, OnHostDown]] = field(default_factory=dict)
    deadline_seconds: float | None = None
    pivot: str | None = None
    chooses_at: str = ""
    noun: str = ""
    when_failed: str = ""

    def __post_init__(self) -> None:
        if not self.noun:
            object.__setattr__(self, "noun", self.name.rpartition(".")[2])

    def when_down(self, step: str) -> OnHostDown:
        """Return what happens to a run that waits for ``step`` on a host which went down."""
        return self.on_host_down if isinstance(self.on_host_down, str) else self.on_host_down.get(step, "wait")

    def is_behind_pivot(self, step: str) -> bool:
        """Return whether a run that is at ``step`` can no longer be undone."""
        if self.pivot is None or step not in self.steps:
            return False
        return self.steps.index(step) > self.steps.index(self.pivot)


_entries: dict[str, Entry] = {}
_subjects: dict[str, Subject] = {}


def fill(entries: Iterable[Entry]) -> None:
    """Replace the pipelines. Raises ValueError for two entries of one name."""
    listed = list(entries)
    by_name = {entry.name: entry for entry in listed}
    if len(by_name) != len(listed):
        raise ValueError("two pipelines have one name")
    _entries.clear()
    _entries.update(by_name)


def fill_subjects(subjects: Iterable[Subject]) -> None:
    """Replace the subjects; one may be listed several times. Raises ValueError for two subjects of one name."""
    by_name: dict[str, Subject] = {}
    for subject in subjects:
        if by_name.setdefault(subject.name, subject) != subject:
            raise ValueError(f"two subjects have the name {subject.name}")
    _subjects.clear()
    _subjects.update(by_name)


def subjects() -> list[Subject]:
    return list(_subjects.values())


def subject(name: str) -> Subject | None:
    """Return the subject of this name, or None: rows may be left of a kind that is no more."""
    return _subjects.get(name)


def names(keys: Collection[tuple[str, uuid.UUID]]) -> dict[tuple[str, uuid.UUID], str]:
    """Return the names of subjects, given as (type, id), that have a row. 1 query for each type."""
    result: dict[tuple[str, uuid.UUID], str] = {}
    for name, kind in _subjects.items():
        wanted = [key for subject_type, key in keys if subject_type == name]
        if wanted:
            result |= {(name, key): text for key, text in kind.names(wanted).items()}
    return result


def everything() -> list[Entry]:
    return list(_entries.values())


def get(name: str) -> Entry:
    """Return a pipeline's entry. Raises KeyError when there is no such pipeline."""
    return _entries[name]


def find(name: str) -> Entry:
    """Return a pipeline's entry, or a neutral one: rows also record actions without a pipeline."""
    return _entries.get(name) or Entry(name=name, subject=name.partition(".")[0], steps=())


def creating(subject: str) -> list[Entry]:
    """Return the pipelines that make a subject of this type."""
    return sorted(
        (entry for entry in _entries.values() if entry.creates and entry.subject == subject),
        key=lambda entry: entry.name,
    )


def boots() -> list[str]:
    """Return the names of the pipelines that make a server."""
    return [entry.name for entry in creating(BOOTED)]


def longest_boot_seconds() -> float:
    """Return how long a boot may take at most."""
    limits = (entry.deadline_seconds or 0 for entry in creating(BOOTED))
    return float(max((settings.INSTANCE_BUILD_TIMEOUT, *limits)))


def choosing() -> list[str]:
    """Return the steps that choose a host, as ``<pipeline>.<step>``."""
    return [f"{entry.name}.{entry.chooses_at}" for entry in _entries.values() if entry.chooses_at]


def io_heavy() -> list[str]:
    """Return the names of the pipelines that count as I/O operations of their host."""
    return sorted(entry.name for entry in _entries.values() if entry.io_heavy)
