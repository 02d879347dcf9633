"""The case of the learning rate: the page's numbers from the published files, and that it runs elsewhere."""

import json
import re
from pathlib import Path

import nbformat
import numpy as np
import pytest
from scipy import stats

from reprise.book.driver import execute_notebook
from reprise.engine.store import read

ROOT = Path(__file__).parents[2]
CHAPTER = ROOT / "chapters" / "segmentation" / "rate.ipynb"


def shown(notebook, kind):
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    return [output["data"][kind] for output in outputs if kind in output.get("data", {})]


def published():
    """Mean IoU on CamVid's other drives: (pre-training, rate) → seed → value, from the files alone."""
    found: dict[tuple[str, float], dict[int, float]] = {}
    for path in sorted((ROOT / "results" / "segmentation").glob("*.nc")):
        unit = read(path)
        config = json.loads(unit.attrs["config"])
        if (config["dataset"], config["fraction"], config["pretext"] in ("none", "segmentation")) != (
            "camvid", 0.1, True,
        ):  # fmt: skip
            continue
        key = config["pretext"], round(float(unit["rate"]), 6)
        found.setdefault(key, {})[int(unit["seed"])] = float(unit["miou"])
    return found


def spelled(first, second):
    """A difference in points with its interval, as the page says it."""
    gaps = 100 * np.array([first[seed] - second[seed] for seed in sorted(first)])
    half = stats.t.ppf(0.975, len(gaps) - 1) * gaps.std(ddof=1) / len(gaps) ** 0.5
    mean, low, high = (
        f"{x:.1f}".replace("-", "−") for x in (gaps.mean(), gaps.mean() - half, gaps.mean() + half)
    )
    return f"**{'+' if gaps.mean() > 0 else ''}{mean} [{low}, {high}]**"


def test_the_page_says_what_the_files_say(tmp_path, monkeypatch, without_source):
    monkeypatch.setenv("REPRISE_STORE", str(tmp_path / "runs"))
    execute_notebook(CHAPTER, tmp_path / "out.ipynb", {"compute": "never"}, progress=False)
    notebook = nbformat.read(tmp_path / "out.ipynb", as_version=4)
    said = without_source("\n".join(shown(notebook, "text/markdown")))
    files = published()
    assert set(files) == {("segmentation", 0.001), ("none", 0.0003), ("none", 0.001)}
    assert all(sorted(values) == [0, 1, 2, 3, 4] for values in files.values())
    encoder, none, equal = (
        files[key] for key in (("segmentation", 0.001), ("none", 0.0003), ("none", 0.001))
    )
    for pair in ((encoder, none), (encoder, equal), (equal, none)):
        assert spelled(*pair) in said
    assert "nan" not in said.lower()
    (figure,) = [page for page in shown(notebook, "text/html") if "<figure" in page]
    assert 'id="segmentation-rate"' in figure and "n = 5" in figure
    count = re.search(r"Of (\d+) comparisons (\d+) are withdrawn", said)
    assert count and int(count[2]) == said.count("*withdrawn*") and int(count[1]) == 17


@pytest.mark.slow
def test_it_runs_on_another_pair_and_trains_what_is_missing(tmp_path, monkeypatch):
    monkeypatch.setenv("REPRISE_STORE", str(tmp_path / "runs"))
    monkeypatch.setenv("REPRISE_DATA", str(tmp_path / "data"))
    parameters = {"preset": "smoke", "seeds": "0..1"}
    execute_notebook(CHAPTER, tmp_path / "out.ipynb", parameters, progress=False)
    notebook = nbformat.read(tmp_path / "out.ipynb", as_version=4)
    said = "\n".join(shown(notebook, "text/markdown"))
    assert "there is nothing to take apart" in said or "The rate alone makes" in said
    assert "--preset smoke" in said
