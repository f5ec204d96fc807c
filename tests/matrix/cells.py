"""The kill matrix as data: every pipeline × step × moment × victim. A new pipeline is in it by itself."""

import itertools
import os
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tests.matrix.moments import AFTER, MOMENTS, REVERT
from workers.engine.pipeline import Pipeline
from workers.engine.steps import Step
from workers.pipelines.registry import PIPELINES

HOSTS = ("sim-001", "sim-002", "sim-003", "sim-004")
FIRST, SECOND = HOSTS[0], HOSTS[1]
SHARED = ("scheduler", "api", "beat", "redis", "postgresql")
DOWN = " down"


@dataclass(frozen=True)
class Cell:
    """One case: ``victim`` dies while a run of ``pipeline`` is held at a moment of a step.

    Victims: a process or service that all share, or a role: the agent of the host that has this role in the run.
    "<role> down": it does not come back before the run has ended.
    """

    pipeline: str
    step: str
    moment: str
    victim: str

    @property
    def name(self) -> str:
        return f"{self.pipeline}-{self.step}-{self.moment}-{self.victim}".replace(" ", "-").replace("_", "-")

    @property
    def role(self) -> str:
        return self.victim.removesuffix(DOWN)

    @property
    def ends(self) -> set[str]:
        """How the run may end. It fails where it comes to a step whose host is down, if its pipeline says so; it may
        fail where a later step works with such a host, which others notice only after a while.
        """
        pipeline = PIPELINES[self.pipeline]
        if not self.victim.endswith(DOWN):
            return {"succeeded"}
        to_come = pipeline.steps if self.moment == REVERT else pipeline.steps[pipeline.index(self.step) :]
        entry = pipeline.entry
        fatal = {step.name for step in to_come if step.role == self.role and entry.when_down(step.name) == "fail"}
        if not fatal:
            noticed = entry.lost.get(to_come[0].name, {}).get(self.role) == "fail"
            return {"succeeded", "failed"} if noticed else {"succeeded"}
        # The finish of the step may be written although its worker died.
        return {"succeeded", "failed"} if fatal == {self.step} and self.moment == AFTER else {"failed"}


def victims(pipeline: Pipeline) -> list[str]:
    roles = sorted(pipeline.roles)
    return [*roles, *SHARED, *(f"{role}{DOWN}" for role in roles)]


def everything() -> Iterator[Cell]:
    for pipeline in PIPELINES.values():
        for step, moment, victim in itertools.product(pipeline.step_names(), MOMENTS, victims(pipeline)):
            if moment != REVERT or not (pipeline.is_behind_pivot(step) or _is_repeated(pipeline, step)):
                yield Cell(pipeline.name, step, moment, victim)


def _is_repeated(pipeline: Pipeline, step: str) -> bool:
    """Return whether the step, once its work is done, is repeated and never reverted."""
    pivot = pipeline.steps[pipeline.index(step)]
    return step == pipeline.pivot and type(pivot).has_passed is not Step.has_passed


def chosen(*, pipeline: str = "", victim: str = "") -> list[Cell]:
    """Return the cells of `make matrix`: all, or those of a pipeline, of a victim ("agent": of every role)."""
    return [
        cell
        for cell in everything()
        if pipeline in ("", cell.pipeline) and (victim in ("", cell.victim) or (victim == "agent" and is_agents(cell)))
    ]


def is_agents(cell: Cell) -> bool:
    return cell.victim not in SHARED and not cell.victim.endswith(DOWN)


def sample(seed: int) -> list[Cell]:
    """Return an agent's death at a fifth of each pipeline's steps, at one moment each, and a quarter of a sample of the
    rest that has each pair of pipeline and victim, victim and moment, pipeline and moment. Seeds take others.
    """
    chance = random.Random(seed)
    cells = list(everything())
    chance.shuffle(cells)
    agents: dict[tuple[str, str, str], Cell] = {}
    for cell in filter(is_agents, cells):
        agents.setdefault((cell.pipeline, cell.step, cell.victim), cell)
    by_pipeline: dict[str, list[Cell]] = {}
    for cell in agents.values():
        by_pipeline.setdefault(cell.pipeline, []).append(cell)
    deaths = [cell for own in by_pipeline.values() for cell in own[: -(-len(own) // 5)]]
    return [*deaths, *itertools.islice(_pairwise([cell for cell in cells if not is_agents(cell)]), 0, None, 4)]


def _pairs(cell: Cell) -> set[tuple[str, str]]:
    return {(cell.pipeline, cell.victim), (cell.victim, cell.moment), (cell.pipeline, cell.moment)}


def _pairwise(cells: Sequence[Cell]) -> Iterator[Cell]:
    """Yield the cell with the most new pairs, until all pairs are covered."""
    missing = set().union(*map(_pairs, cells))
    while missing:
        best = max(cells, key=lambda cell: len(_pairs(cell) & missing))
        missing -= _pairs(best)
        yield best


def seed() -> int:
    return int(os.environ["MATRIX_SEED"])  # tests/conftest.py
