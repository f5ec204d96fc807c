"""A pipeline as data: its subject, its steps, and its reactions to failures."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from apps.workflow.catalogue import Entry, OnHostDead, OnHostDown, Subject
from apps.workflow.states import REVERT
from workers.engine.steps import HOST, HOST_ROLES, SCHEDULER, Step


@dataclass(frozen=True, kw_only=True)
class Pipeline:
    """An ordered tuple of steps for one subject. Its name is ``<subject>.<verb>``.

    ``on_retryable``: after a Retryable failure the run starts over on another host (``reschedule``), or on the same one
    after a short delay (``repeat``). ``chooses``: the role whose host is another one then.
    ``on_host_down``: a run that waits for a host which went down goes ``elsewhere``, continues on the ``rows_only``,
    waits (``wait``) or fails (``fail``): one word, or one for each role. ``on_host_dead``: what a waiting one does once
    an operator has declared that host dead. ``pivot``: the step after which the run is no longer reverted. Later steps
    are repeated, not reverted. If their host is lost, they continue on the rows alone, and the host's recovery removes
    orphans. The other fields are those of ``apps.workflow.catalogue.Entry``, where apps read them.
    """

    name: str
    subject: Subject
    steps: tuple[Step[Any], ...]
    on_retryable: Literal["reschedule", "repeat"] = "repeat"
    chooses: str = HOST
    on_host_down: OnHostDown | Mapping[str, OnHostDown] = "wait"
    on_host_dead: OnHostDead = "fail"
    pivot: str | None = None
    creates: bool = False
    releases: bool = False
    io_heavy: bool = False
    deadline_seconds: float | None = None
    noun: str = ""
    when_failed: str = ""

    def __post_init__(self) -> None:
        if not self.name.startswith(f"{self.subject.name}.") or not self.steps:
            raise ValueError(f"the pipeline {self.name} needs steps, and a name that begins with its subject's")
        self._check_steps()
        self._check_roles()
        leaves = {role for role in self.roles if self._when_down(role) == "elsewhere"}
        if leaves and not (self.reschedules and leaves == {self.chooses}):
            raise ValueError(f"the pipeline {self.name} cannot go elsewhere: it does not choose these hosts")
        if self.pivot is not None and self.pivot not in self.step_names():
            raise ValueError(f"the pipeline {self.name} has no step {self.pivot}")

    def _check_steps(self) -> None:
        names = self.step_names()
        if len(set(names)) < len(names) or REVERT in names:
            raise ValueError(f"the pipeline {self.name} has two steps of one name, or a step named {REVERT}")
        for step in self.steps:
            if step.role not in (SCHEDULER, *HOST_ROLES):
                raise ValueError(f"the pipeline {self.name} has a step {step.name} of an unknown role: {step.role}")
            if step.long and step.role == SCHEDULER:
                raise ValueError(f"the pipeline {self.name} has a long step {step.name} without a host")

    def _check_roles(self) -> None:
        named = set() if isinstance(self.on_host_down, str) else set(self.on_host_down)
        if self.reschedules:
            named.add(self.chooses)
        if unknown := named - self.roles:
            raise ValueError(f"the pipeline {self.name} has no step of these roles: {', '.join(sorted(unknown))}")

    @cached_property
    def roles(self) -> frozenset[str]:
        """The roles that have a host."""
        return frozenset(step.role for step in self.steps if step.role != SCHEDULER)

    @cached_property
    def has_hosts(self) -> bool:
        """Whether its runs have several hosts, and keep them by role."""
        return bool(self.roles - {HOST})

    @property
    def reschedules(self) -> bool:
        return self.on_retryable == "reschedule"

    def _when_down(self, role: str) -> OnHostDown:
        return self.on_host_down if isinstance(self.on_host_down, str) else self.on_host_down.get(role, "wait")

    @property
    def entry(self) -> Entry:
        """Return its entry in the catalogue."""
        words: OnHostDown | Mapping[str, OnHostDown] = self.on_host_down
        if not isinstance(words, str) or self.pivot is not None:
            words = {
                step.name: "rows_only" if self.is_behind_pivot(step.name) else self._when_down(step.role)
                for step in self.steps
            }
        return Entry(
            name=self.name,
            subject=self.subject.name,
            steps=tuple(self.step_names()),
            creates=self.creates,
            releases=self.releases,
            io_heavy=self.io_heavy,
            on_host_down=words,
            on_host_dead=self.on_host_dead,
            lost={step: self._lost(step) for step in self.step_names()} if self.has_hosts else {},
            deadline_seconds=self.deadline_seconds,
            pivot=self.pivot,
            chooses_at=next((step.name for step in self.steps if step.chooses_host), ""),
            noun=self.noun,
            when_failed=self.when_failed,
        )

    def _lost(self, step: str) -> dict[str, OnHostDown]:
        """Return the roles that a run at ``step`` needs to get to its end or its pivot, and the words for the loss of
        their hosts. Where a lost host is waited for, or its rows are enough, nothing happens before its step's turn.
        """
        rest = [later for later in self.steps[self.index(step) :] if not self.is_behind_pivot(later.name)]
        roles = {role for later in rest for role in (later.role, *later.needs)} - {SCHEDULER}
        words = {role: self._when_down(role) for role in sorted(roles)}
        return {role: word for role, word in words.items() if word in ("elsewhere", "fail")}

    def step_names(self) -> list[str]:
        return [step.name for step in self.steps]

    def task_name(self, step: str) -> str:
        return f"{self.name}.{step}"

    def index(self, step: str) -> int:
        return self.step_names().index(step)

    def following(self, step: str) -> Step[Any] | None:
        """Return the step after ``step``; None after the last."""
        rest = self.steps[self.index(step) + 1 :]
        return rest[0] if rest else None

    def is_behind_pivot(self, step: str) -> bool:
        return self.pivot is not None and bool(step) and self.index(step) > self.index(self.pivot)

    def undone(self, failed: str, *, revert_from: str = "") -> tuple[Step[Any], ...]:
        """Return the steps with something to revert after ``failed`` failed ("" for any), the last one first; from
        ``revert_from`` on if the later ones are reverted already.
        """
        if self.is_behind_pivot(failed):
            return ()
        last = revert_from or failed
        begun = self.steps[: self.index(last) + 1 if last else None]
        return tuple(step for step in reversed(begun) if step.undoes)
