"""The answer to a dry run."""

from typing import Any

from rest_framework import serializers

from apps.compute.services.dry_runs import DryRun


class DryRunAnswer(serializers.Serializer[Any]):
    """The answer of a dry run; ``hosts`` and ``explanation`` for administrators only."""

    fits = serializers.BooleanField()
    servers_asked = serializers.IntegerField()
    servers_fitting = serializers.IntegerField()
    message = serializers.CharField()
    hosts = serializers.ListField(child=serializers.CharField(), required=False)
    explanation = serializers.DictField(required=False)


class DryRunDocument(serializers.Serializer[Any]):
    dry_run = DryRunAnswer()


def render(result: DryRun, *, full: bool) -> dict[str, Any]:
    """``full``: with hosts and the scheduler's explanation, which only administrators see."""
    document: dict[str, Any] = {
        "fits": result.fits,
        "servers_asked": result.asked,
        "servers_fitting": len(result.hosts),
        "message": result.message,
    }
    if full:
        document |= {"hosts": result.hosts, "explanation": result.explanation}
    return document
