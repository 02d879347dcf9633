"""What the benchmark of study 3 compares learns the same, and it reports honestly."""

import importlib
from pathlib import Path

import pytest
import torch

FOLDER = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def bench(monkeypatch):
    """Imports a module of the folder, which is no package."""
    monkeypatch.syspath_prepend(str(FOLDER))
    return importlib.import_module


def test_both_versions_and_the_loop_learn_the_same(bench):
    assert bench("segmentation").difference() < 1e-3
    loop = bench("segmentation_ways").Loop(bench("segmentation_ways").pictures(4), "cpu", 0)
    assert loop.run(1).isfinite().all()


def test_other_losses_stop_the_benchmark(bench, monkeypatch):
    monkeypatch.setattr(bench("segmentation_ways").Loop, "step", lambda *_: 1.0)
    with pytest.raises(ArithmeticError, match="losses differ by"):
        bench("segmentation").difference()


def test_parts_of_a_step_are_all_of_it(bench):
    ways = bench("segmentation_ways")
    way = ways.Ours(ways.pictures(4), "cpu", True)
    before = [p.detach().clone() for p in way.network.parameters()]
    parts = way.parts()
    assert tuple(parts) == ways.PARTS and min(parts.values()) > 0
    assert any(not torch.equal(a, b) for a, b in zip(before, way.network.parameters(), strict=True))


def test_the_table_says_whether_the_target_is_met(bench):
    segmentation = bench("segmentation")
    ms = {
        segmentation.TODAY: 90.0,
        segmentation.BEST: 75.0,
        "loop, 0 workers": 120.0,
        "loop, 1 workers": 100.0,
    }
    text = segmentation.table({"ms": ms, "parts": {}, "difference": 1e-5}, "cpu")
    assert "| version 2, two jobs | 75.0 | 1.20 | 1.33 | ≥ 1.5 | **no** |" in text
    ms[segmentation.BEST] = 50.0
    assert "| 1.80 | 2.00 | ≥ 1.5 | yes |" in segmentation.table(
        {"ms": ms, "parts": {}, "difference": 1e-5}, "cpu"
    )
