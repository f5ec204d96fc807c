"""Kill any process at any moment of any step: the pipeline ends, and nothing is left behind."""

import os
import time
from collections.abc import Callable

import pytest

from tests.cloud import Cloud
from tests.matrix import cells
from tests.matrix.batches import Batch, batches
from tests.matrix.cells import Cell
from tests.matrix.moments import Moments
from tests.matrix.subjects import kind_of
from tests.matrix.ways import way
from workers.pipelines.registry import PIPELINES


def run(cloud: Cloud, moments: Moments, chosen: list[Cell]) -> None:
    """Run all batches. A batch that fails does not keep those behind it from running."""
    failures: list[str] = []
    for batch in batches(chosen):
        began = time.monotonic()
        killing = Batch(cloud, moments, batch)
        try:
            killing.run()
        except AssertionError as error:
            failures.append(f"{batch[0].victim}: {error}")
            print(f"FAILED {failures[-1]}")
        finally:
            killing.end()
        print(f"{batch[0].victim}: {len(batch)} cells in {time.monotonic() - began:.1f} s")
    assert not failures, "\n".join(failures)


SAMPLE = cells.sample(cells.seed())
SECONDS: dict[str, float] = {}  # how long the sample of each victim took
SAMPLE_SECONDS = 240  # of all


@pytest.mark.processes
@pytest.mark.parametrize("victim", sorted({cell.victim for cell in cells.everything()}))
def test_sample(matrix_cloud: Cloud, moments: Moments, victim: str) -> None:
    """The agent at a fifth of the steps of each pipeline, and a quarter of a pairwise sample of the rest."""
    began = time.monotonic()
    run(matrix_cloud, moments, [cell for cell in SAMPLE if cell.victim == victim])
    SECONDS[victim] = time.monotonic() - began


@pytest.mark.processes
def test_the_sample_takes_four_minutes_at_most(record_property: Callable[[str, object], None]) -> None:
    if set(SECONDS) != {cell.victim for cell in cells.everything()}:
        pytest.skip("the sample was not run in full")
    took = sum(SECONDS.values())
    record_property("kill matrix", f"{len(SAMPLE)} cells in {took:.0f} s of {SAMPLE_SECONDS}")
    assert took <= SAMPLE_SECONDS, SECONDS


@pytest.mark.processes
@pytest.mark.heavy
@pytest.mark.matrix
@pytest.mark.timeout(3600)
def test_everything(matrix_cloud: Cloud, moments: Moments) -> None:
    """`make matrix`: all of it, or what PIPELINE and VICTIM choose."""
    pipeline, victim = os.environ.get("MATRIX_PIPELINE", ""), os.environ.get("MATRIX_VICTIM", "")
    chosen = cells.chosen(pipeline=pipeline, victim=victim)
    assert chosen, f"no cell of PIPELINE={pipeline} VICTIM={victim}"
    run(matrix_cloud, moments, chosen)


def test_every_pipeline_is_in_it() -> None:
    assert {cell.pipeline for cell in SAMPLE} == set(PIPELINES)
    for name in PIPELINES:
        assert way(name) and kind_of(name)
