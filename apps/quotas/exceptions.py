"""Refusals of quotas.

Frozen: clients match codes, kinds and sentences. They are API; none is ever changed, a new case gets a new class.
"""

from apps.common.exceptions import BadRequest, Forbidden


class QuotaExceeded(Forbidden):
    """403, naming the resource and what was asked, used and allowed (nova/exception.py, TooManyInstances)."""

    kind = "OverQuota"
    template = "Quota exceeded for {resource}: Requested {requested}, but already used {used} of {allowed} {resource}"


class UnknownOwner(BadRequest):
    template = "Project ID {owner} is not a valid project."
