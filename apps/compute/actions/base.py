"""A row of the catalogue of server actions, and its button."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from apps.common.microversions import Range, Version, since
from apps.common.policy import PROJECT_MEMBER
from apps.compute import action_bodies as bodies
from apps.compute.action_bodies import Schema

SERVICE_RULES = "os_compute_api:"
ALWAYS = since("2.1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hard:
    """How an action without regard for the guest differs: its states, and the task states of runs that it replaces."""

    vm_states: tuple[str, ...]
    task_state: str
    after: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Button:
    """How operators' pages show an action; it is done with the row's ``defaults``.

    ``done`` is the sentence afterwards, with the ``{server}``'s name, the arguments and the service's ``{result}``.
    ``interrupts`` somebody's work, or ``destroys`` something for good. ``confirm`` asks for it on the page before it;
    ``title`` and ``explains`` replace the row's. ``asks``: values of the body that the operator fills in.
    """

    done: str
    confirm: str = ""
    title: str = ""
    explains: str = ""
    asks: tuple[str, ...] = ()
    interrupts: bool = False
    destroys: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ServerAction:
    """One thing that is done to a server.

    ``name`` is the one that os-instance-actions shows; ``key`` is the one of POST /servers/{id}/action ("": not done
    by that call), in ``versions``. ``rule`` guards it, with ``who`` as its default, and so do ``others``, rules of
    other services. ``body`` is the schema of the key's value
    in ``body_versions`` (others ignore it), unless ``bodies`` has another for a range; ``arguments`` makes the
    service's keyword arguments from it; ``defaults`` are those of a button or of a run that is tried again. ``answer``
    is the key of a 200 document in ``answer_versions``; without one the answer is empty, with ``code``.
    ``makes_image``: its service returns the ID of an image, if any, which the 202 names.

    ``vm_states`` admit it while no task is under way (nova/compute/api.py, check_instance_state); None: any state. It
    enters ``task_state`` and starts ``pipeline`` on the server's host, whose later steps enter ``task_states`` in this
    order; in a pipeline with several hosts the server's has ``host_role``. ``ignores_lock``: a locked server admits it
    too. ``variants`` are pipelines that its service starts in some states instead. ``service`` ("module.function" of
    the services) does that, or the common way (server_actions.begin) without one. ``changes`` is False where it only
    reads: such a service takes no context. ``recorded``: the service itself writes the audit event.
    """

    name: str
    title: str
    icon: str
    explains: str
    rule: str
    who: str = PROJECT_MEMBER
    others: tuple[str, ...] = ()
    key: str = ""
    versions: Range = ALWAYS
    body: Schema = field(default_factory=lambda: bodies.ANYTHING)
    body_versions: Range = ALWAYS
    bodies: Mapping[Range, Schema] = field(default_factory=dict)
    arguments: Callable[[Any], dict[str, Any]] = lambda body: {}
    defaults: Mapping[str, Any] = field(default_factory=dict)
    answer: str = ""
    answer_versions: Range = ALWAYS
    code: int = 202
    makes_image: bool = False
    vm_states: tuple[str, ...] | None = None
    ignores_lock: bool = False
    task_state: str = ""
    task_states: tuple[str, ...] = ()
    hard: Hard | None = None
    pipeline: str = ""
    variants: tuple[str, ...] = ()
    host_role: str = ""
    service: str = ""
    changes: bool = True
    recorded: bool = False
    repeatable: bool = False
    button: Button | None = None

    @property
    def policy(self) -> str:
        return SERVICE_RULES + self.rule

    @property
    def event(self) -> str:
        """Return its name in the audit trail."""
        return f"server.{self.key or self.name}"

    def body_of(self, version: Version) -> Schema:
        """Return the schema of its body in a version."""
        return next((body for versions, body in self.bodies.items() if version in versions), self.body)

    def admission(self, *, hard: bool = False) -> tuple[tuple[str, ...] | None, str]:
        """Return the vm_states that admit it, and the task_state that it enters."""
        return (self.hard.vm_states, self.hard.task_state) if hard and self.hard else (self.vm_states, self.task_state)

    def replaces(self, *, hard: bool = False) -> tuple[str, ...]:
        """Return the task_states in which it cancels the run under way and begins."""
        return self.hard.after if hard and self.hard else ()
