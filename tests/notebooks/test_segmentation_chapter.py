"""The chapter of study 3: its parameters, and that it executes on units of a few steps."""

import re
from pathlib import Path

import nbformat
import pytest

from reprise.book.driver import ChapterError, execute_notebook
from reprise.book.units import published_records
from reprise.engine import runner
from reprise.engine.study import study
from reprise.places import Places
from reprise.studies.segmentation import SegmentationConfig

ROOT = Path(__file__).parents[2]
CHAPTER = ROOT / "chapters" / "segmentation" / "segmentation.ipynb"


def test_the_protocol_that_is_stated_is_that_of_the_laptop_preset():
    config = study("segmentation").configure("laptop", {})
    assert isinstance(config, SegmentationConfig)
    text = "\n".join(
        c.source for c in nbformat.read(CHAPTER, as_version=4).cells if c.cell_type == "markdown"
    )
    for words in (
        f"crops of {config.pretrain_crop} pixels",
        f"cosine; {config.pretrain_steps} steps",
        f"rising to {config.pretrain_rate:g} ",
        f"{config.batch} crops of {config.crop} pixels",
        f"{config.steps} steps on",
        f"temperature {config.temperature:g}, on a {config.projection}-dimensional",
        f"{config.choice_images} validation pictures after a run of {config.choice_steps} steps",
        f"use {config.curve_images} test pictures, every {config.curve_every} steps",
        "0.0003, 0.001 and 0.003",
        "128, 64, 32, 16 and 16 channels",
        "Fifty crops",
    ):
        assert words in text, words
    assert config.rates == (3e-4, 1e-3, 3e-3) and config.decoder_channels == (128, 64, 32, 16, 16)
    assert config.probe_images == 50 and config.pretrain_jitter == config.jitter == 0.3


def test_with_compute_never_missing_units_are_named(tmp_path, monkeypatch):
    monkeypatch.setenv("REPRISE_STORE", str(tmp_path / "runs"))
    wanted = {"preset": "smoke", "seeds": "0..1", "compute": "never"}
    with pytest.raises(ChapterError) as caught:
        execute_notebook(CHAPTER, tmp_path / "out.ipynb", wanted, progress=False)
    assert caught.value.cause.startswith("UnitsMissing: 2 of 2 units of segmentation")


@pytest.mark.slow
def test_the_chapter_executes_and_shows_its_figures_and_verdicts(
    tmp_path, monkeypatch, verdicts_of, without_source
):
    monkeypatch.setenv("REPRISE_STORE", str(tmp_path / "runs"))
    monkeypatch.setenv("REPRISE_DATA", str(tmp_path / "data"))
    parts = study("segmentation"), Places(tmp_path / "data", tmp_path / "results", tmp_path / "runs")
    for family in ("fractions", "ablation"):  # which the chapter shows but does not compute
        for config in parts[0].family(family, parts[0].configure("smoke", {})).values():
            runner.run(parts[0], config, (0, 1), parts[1], progress=False)
    execute_notebook(CHAPTER, tmp_path / "out.ipynb", {"preset": "smoke", "seeds": "0..1"}, progress=False)
    outputs = [
        o for c in nbformat.read(tmp_path / "out.ipynb", as_version=4).cells for o in c.get("outputs", [])
    ]
    pages = [o["data"]["text/html"] for o in outputs if "text/html" in o.get("data", {})]
    figures = [page for page in pages if "<figure" in page]
    # Other pairs of source and target come from the published layer.
    published = {
        record.preset for record in published_records(ROOT / "results") if record.study == "segmentation"
    }
    other = ["targets"] if published & {"laptop", "camvid", "shapes"} else []
    drawn = ["pictures-shapes"] if "shapes" in published else []
    names = [
        "miou", "convergence", "boundary", "fractions", "pictures", *other, *drawn, "ablation", "depth",
        "specification",
    ]  # fmt: skip
    assert len(figures) == len(names)
    for name, page in zip(names, figures, strict=True):
        assert f'id="segmentation-{name}"' in page and "<figcaption" in page
        assert name in drawn or "smoke" in page
    # ImageNet's weights are not at hand.
    assert sorted(verdicts_of(pages).values()) == ["not run"] * 2 + ["undecided"] * 11
    said = "\n".join(o["data"]["text/markdown"] for o in outputs if "text/markdown" in o.get("data", {}))
    assert "The assay cannot tell: " in said and not re.search(r"\bnan\b", without_source(said))
    assert not [o.text for o in outputs if o.get("name") == "stderr" and "Warning" in o.text]
