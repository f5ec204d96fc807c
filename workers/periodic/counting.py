"""Keeps the metrics' counters cheap: adds the counts of old runs to tallies."""

from apps.workflow.services import counters, tallies


def count() -> None:
    counters.fold()
    tallies.add(name="periodic_rounds", counts={"": 1})  # that this grows says that beat and a scheduler are alive
