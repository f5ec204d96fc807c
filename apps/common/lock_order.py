"""The order in which a transaction takes locks: the ranks of docs/decisions/lock-order.md.

A function of a ``locks.py`` carries its rank as an attribute. Nothing reads it in production; the tests do.
"""

from collections.abc import Callable
from enum import IntEnum, auto
from typing import Any, TypeVar

Function = TypeVar("Function", bound=Callable[..., Any])


class Rank(IntEnum):
    """What is locked first has the lowest rank."""

    SESSION = 0  # held beyond transactions, and tried, never waited for: no part of the order
    NAME = auto()  # an advisory lock until the commit, but those below
    COUNTED = auto()  # the name under which an owner's rows of a resource are counted
    PROJECT = auto()  # domains too
    USER = auto()
    IDENTITY = auto()  # any other row of identity
    CREDENTIAL = auto()
    DOMAIN_OPTION = auto()
    IMAGE = auto()
    BLOB = auto()
    FLAVOR = auto()
    VOLUME_TYPE = auto()
    SERVER_GROUP = auto()
    SERVER = auto()
    VOLUME = auto()  # with its attachments
    SNAPSHOT = auto()
    BACKUP = auto()
    VOLUME_KEY = auto()
    RUN = auto()
    STEP = auto()
    ADDRESS_SCOPE = auto()
    SUBNETPOOL = auto()
    ROUTER = auto()
    NETWORK = auto()
    SUBNET = auto()
    TRUNK = auto()
    PORT = auto()  # with its addresses
    FLOATING_IP = auto()
    SECURITY_GROUP = auto()
    QOS_POLICY = auto()
    AGGREGATE = auto()
    HOST = auto()
    INVENTORY = auto()
    USAGE = auto()


def ranked(rank: Rank | Callable[..., Rank]) -> Callable[[Function], Function]:
    """Note the rank of a function that locks; ``rank`` may be a function of its arguments."""

    def mark(function: Function) -> Function:
        function.rank = rank  # type: ignore[attr-defined]
        return function

    return mark
