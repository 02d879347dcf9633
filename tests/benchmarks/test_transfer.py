"""What the benchmark of study 2 compares learns the same, and it reports honestly."""

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


def test_ours_and_the_loop_learn_the_same(bench):
    transfer, ways = bench("transfer"), bench("transfer_ways")
    assert transfer.difference(70, "cpu") < 1e-5
    shuffled = ways.Loader(ways.pictures(70), "cpu", 0).run()
    assert len(shuffled) == 3 and shuffled.isfinite().all()


def test_several_seeds_have_the_losses_of_the_first_alone(bench):
    ways = bench("transfer_ways")
    data = ways.pictures(64)
    together = ways.Together(data, "cpu", 2)
    assert together.seeds == 2
    torch.testing.assert_close(together.run(), ways.Ours(data, "cpu").run(), rtol=1e-4, atol=1e-5)


def test_pictures_of_the_loader_are_those_of_the_set(bench):
    ways = bench("transfer_ways")
    data = ways.pictures(5)
    files = ways.Files(data)
    image, label = files[3]
    torch.testing.assert_close(image, data.images[3].float() / 127.5 - 1, rtol=0, atol=1e-6)
    assert len(files) == 5 and label == int(data.labels[3])


def test_other_losses_stop_the_benchmark(bench, monkeypatch):
    transfer, ways = bench("transfer"), bench("transfer_ways")
    monkeypatch.setattr(ways.Loader, "run", lambda self: torch.full((2,), 1.0))
    with pytest.raises(ArithmeticError, match="losses differ by"):
        transfer.difference(64, "cpu")


def test_the_table_holds_ratio_target_and_shares(bench, monkeypatch):
    transfer = bench("transfer")
    monkeypatch.setattr(transfer, "probes", lambda *_: dict(FOUND))
    measured = transfer.measure(64, "cpu", 1, 1)
    (row,) = measured["rows"]
    assert row["ours"] == "one seed" and row["peer"] == "loop, 0 workers" and row["target"] is None
    assert row["ratio"] == pytest.approx(row["ours_rate"] / row["peer_rate"]) and row["ours_rate"] > 0
    slow = {**row, "ours": "2 seeds side by side", "threads": 2, "ratio": 1.1, "target": 1.25}
    text = transfer.table([measured, {**measured, "rows": [slow]}], {"one seed": 12.3})
    assert "| ≥ 1.25 | **no** |" in text and "| 16.0% | ≤ 15% | **no** |" in text
    assert "34 times in 150 epochs on 4096 images" in text and "| one seed | 12 |" in text


FOUND = {"similarity": 0.16, "accuracy": 0.3, "looks": 34, "images": 4096, "epochs": 150}


def test_probes_are_those_of_the_laptop_preset(bench, monkeypatch):
    costs = bench("transfer_costs")
    grams = []
    kept = importlib.import_module("reprise.studies.transfer.measure").grams

    def counted(model, images, view):
        grams.append(len(images))
        return kept(model, images, view)

    monkeypatch.setattr("reprise.studies.transfer.measure.grams", counted)
    found = costs.probes(64, "cpu", rate=1000.0)
    assert (found["looks"], found["images"], found["epochs"]) == (35, 4096, 150)
    assert set(grams) == {500, 50} and 0 < found["similarity"] < 10 and found["accuracy"] > 0


def test_the_readme_has_a_place_for_each_table():
    marks = (FOLDER / "README.md").read_text()
    for name in ("transfer cpu", "transfer cuda"):
        assert f"<!-- {name} -->\n" in marks and f"<!-- /{name} -->\n" in marks
