"""Locks are taken in the order of docs/decisions/lock-order.md: every test asserts it of each transaction it runs.

A lock is a call of a function of a ``locks.py``, or a statement that changes rows of a ranked table. Within one
transaction a rank that is not held yet may not be lower than one that is. Other processes are not seen.
"""

import re
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, wraps
from importlib import import_module
from types import ModuleType
from typing import Any

import pytest
from django.db import DEFAULT_DB_ALIAS, connections, transaction
from django.db.backends.signals import connection_created
from django.db.transaction import Atomic

from apps.common.lock_order import Rank
from apps.common.sql.planned import Planned

APPS = ("compute", "identity", "images", "networking", "quotas", "scheduling", "volumes", "workflow")
TABLES = {
    "compute_flavor": Rank.FLAVOR,
    "compute_servergroup": Rank.SERVER_GROUP,
    "compute_server": Rank.SERVER,
    "identity_credential": Rank.CREDENTIAL,
    "identity_domainoption": Rank.DOMAIN_OPTION,
    "identity_project": Rank.PROJECT,
    "identity_user": Rank.USER,
    "images_image": Rank.IMAGE,
    "networking_addressgroup": Rank.SECURITY_GROUP,
    "networking_addressscope": Rank.ADDRESS_SCOPE,
    "networking_fixedip": Rank.PORT,
    "networking_floatingip": Rank.FLOATING_IP,
    "networking_network": Rank.NETWORK,
    "networking_port": Rank.PORT,
    "networking_qospolicy": Rank.QOS_POLICY,
    "networking_router": Rank.ROUTER,
    "networking_securitygroup": Rank.SECURITY_GROUP,
    "networking_subnet": Rank.SUBNET,
    "networking_subnetpool": Rank.SUBNETPOOL,
    "networking_trunk": Rank.TRUNK,
    "quotas_usage": Rank.USAGE,
    "scheduling_aggregate": Rank.AGGREGATE,
    "scheduling_host": Rank.HOST,
    "scheduling_inventory": Rank.INVENTORY,
    "volumes_attachment": Rank.VOLUME,
    "volumes_backup": Rank.BACKUP,
    "volumes_pool": Rank.INVENTORY,
    "volumes_snapshot": Rank.SNAPSHOT,
    "volumes_volume": Rank.VOLUME,
    "volumes_volumetype": Rank.VOLUME_TYPE,
    "workflow_run": Rank.RUN,
    "workflow_step": Rank.STEP,
}
SUBJECTS = {Rank.SERVER, Rank.VOLUME, Rank.SNAPSHOT, Rank.BACKUP}
RUN_OR_STEP = (Rank.RUN, Rank.STEP)
WRITTEN = re.compile(
    r'\bUPDATE\s+"?(\w+)|\bDELETE\s+FROM\s+"?(\w+)|\bFROM\s+"?(\w+)[^()]*?\bFOR\s+(?:NO\s+KEY\s+)?UPDATE|\bLOCK\s+TABLE\s+(\w+)'
)
_bodies: dict[str, str] = {}  # EXECUTE … -> the statement that it runs
_held: dict[int, list[tuple[Rank, int]]] = {}  # connection -> ranks, with the depth of the block that took each
_falls: list[str] = []


@cache
def written(statement: str) -> tuple[Rank, ...]:
    """Return the ranks of the rows that a statement changes or locks, in the order of its text."""
    names = (next(filter(None, match), "") for match in WRITTEN.findall(_bodies.get(statement, statement)))
    return tuple(TABLES[name] for name in names if name in TABLES)


def blocks(connection: Any) -> int:
    """Return how many blocks of the code, not of the test itself, are open."""
    return sum(not getattr(block, "_from_testcase", False) for block in connection.atomic_blocks)


def take(rank: Rank, what: str, *, by_statement: bool = False) -> None:
    """Note a lock of this thread's transaction; a fall of ranks is kept for the test's end."""
    connection: Any = connections[DEFAULT_DB_ALIAS]
    depth = blocks(connection)
    if not depth or rank is Rank.SESSION:
        return
    held = _held.setdefault(id(connection), [])
    ranks = {held_rank for held_rank, _ in held}
    if rank in ranks:
        return
    if ranks and rank < max(ranks) and not is_allowed(rank, ranks):
        lines = [f"{frame.filename}:{frame.lineno}" for frame in traceback.extract_stack() if is_ours(frame.filename)]
        if by_statement and not lines:
            return  # the test's own statement
        order = " → ".join(held_rank.name for held_rank, _ in held)
        _falls.append(f"{order} → {rank.name} ({what.strip()[:80]}) at {', '.join(lines[-4:])}")
    held.append((rank, depth))


def is_ours(path: str) -> bool:
    return "/apps/" in path or "/workers/" in path


def is_allowed(rank: Rank, held: set[Rank]) -> bool:
    """Return whether the decision has a sentence for this fall."""
    # The end of a step is the last statement of its transaction, which has locked the subject before those other rows.
    return rank in RUN_OR_STEP and (bool(held & SUBJECTS) or held <= set(RUN_OR_STEP))


def install() -> None:
    """Watch the functions that lock, the statements, and the ends of transactions, for the life of this process."""
    for app in APPS:
        watch(import_module(f"apps.{app}.locks"))
    connection_created.connect(attach, weak=False)
    attach(connections[DEFAULT_DB_ALIAS])
    text, leave = Planned.text, Atomic.__exit__

    def noted(self: Planned) -> str:
        _bodies.setdefault(self._execute, self._prepare)
        return text(self)

    def left(self: Atomic, kind: Any, value: Any, trace: Any) -> None:
        try:
            leave(self, kind, value, trace)
        finally:
            connection = connections[DEFAULT_DB_ALIAS]
            if id(connection) in _held:
                forget(connection, failed=kind is not None)

    Planned.text = noted  # type: ignore[method-assign]
    Atomic.__exit__ = left  # type: ignore[method-assign]


def forget(connection: Any, *, failed: bool) -> None:
    """A transaction's end gives back its locks, a savepoint's rollback those that were taken since."""
    depth = blocks(connection)
    if not depth:
        del _held[id(connection)]
    elif failed:
        _held[id(connection)] = [pair for pair in _held[id(connection)] if pair[1] <= depth]
    else:
        _held[id(connection)] = [(rank, min(taken, depth)) for rank, taken in _held[id(connection)]]


def watch(module: ModuleType) -> None:
    for name, function in list(vars(module).items()):
        if hasattr(function, "rank"):
            setattr(module, name, watched(function, f"{module.__name__}.{name}"))


def watched(function: Callable[..., Any], name: str) -> Callable[..., Any]:
    rank = function.rank  # type: ignore[attr-defined]

    @wraps(function)
    def call(*arguments: Any, **keywords: Any) -> Any:
        take(rank if isinstance(rank, Rank) else rank(*arguments, **keywords), name)
        return function(*arguments, **keywords)

    return call


def attach(connection: Any, **_: Any) -> None:
    if connection.alias == DEFAULT_DB_ALIAS and execute not in connection.execute_wrappers:
        connection.execute_wrappers.append(execute)


def execute(run: Callable[..., Any], sql: Any, parameters: Any, many: bool, context: Any) -> Any:
    if isinstance(sql, str):
        for rank in written(sql):
            take(rank, sql, by_statement=True)
    return run(sql, parameters, many, context)


@contextmanager
def undone() -> Iterator[None]:
    """Undo what the block writes. The transaction is the test's, so locks that the code takes one by one stay apart."""
    block: Any = transaction.atomic()
    block._from_testcase = True
    with block:
        yield
        transaction.set_rollback(True)


@pytest.fixture(scope="session", autouse=True)
def _watching() -> None:
    install()


@pytest.fixture(autouse=True)
def _in_order(_watching: None) -> Iterator[None]:
    _falls.clear()
    yield
    assert not _falls, "locks out of order:\n" + "\n".join(dict.fromkeys(_falls))
