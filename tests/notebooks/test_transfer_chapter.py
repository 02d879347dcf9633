"""The chapters of study 2: parameters, what they state, and that they execute on units of a few steps."""

import re
from pathlib import Path

import nbformat
import pytest

from reprise.book.driver import ChapterError, execute_notebook
from reprise.engine import runner
from reprise.engine.study import study
from reprise.places import Places
from reprise.studies.transfer import TransferConfig
from reprise.studies.transfer.endpoints import EQUAL

FOLDER = Path(__file__).parents[2] / "chapters" / "transfer"
TINY = {
    "images": 160, "epochs": 2, "target_images": 100, "target_epochs": 2, "probe_images": 20,
    "fresh_networks": 1,
}  # fmt: skip
TRANSFER = study("transfer")


def code(name):
    return [c for c in nbformat.read(FOLDER / f"{name}.ipynb", as_version=4).cells if c.cell_type == "code"]


def prose(name):
    cells = nbformat.read(FOLDER / f"{name}.ipynb", as_version=4).cells
    return "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")


def test_the_protocol_that_is_stated_is_that_of_the_presets():
    config = TRANSFER.configure("laptop", {})
    assert isinstance(config, TransferConfig)
    text = prose("transfer")
    for words in (
        f"SGD at {config.rate:g} with momentum {config.momentum:g} and batches of {config.batch}",
        f"pre-trained for {config.epochs} epochs and fine-tuned for {config.target_epochs}",
        f"first {config.target_images} images of the *test* split",
        f"{config.probe_images} test images that nothing",
        "three fresh random networks",
        f"pre-trains on at most {config.images} images",
        f"within ±{EQUAL:g} of what a fresh",
    ):
        assert words in text, words
    assert config.fresh_networks == 3 and f"the difference is {EQUAL:g} or more" in prose("audit")
    sizes = [str(one.model_dump()["images"]) for one in TRANSFER.family("sizes", config).values()]
    assert f"first {', '.join(sizes)} or all images" in text
    audit = TRANSFER.family("audit", config)["pre-training, as described"]
    assert f"({audit.model_dump()['images']} images on a laptop)" in prose("audit")


def test_no_result_is_typed_by_hand():
    """Prose holds settings and rules; shares, accuracies and similarities come from data."""
    for name in ("transfer", "audit"):
        found = re.findall(r"\b\d+(?:\.\d+)? ?%|\b0\.\d+", prose(name))
        assert set(found) <= {"95 %", "90 %", "0.001", "0.9", "0.05"}, name


def test_every_command_that_is_named_exists():
    for name in ("transfer", "audit"):
        text = prose(name) + "\n".join(cell.source for cell in code(name))
        families = set(re.findall(r"--family ([a-z-]+)", text)) - {"all"}
        assert families and families <= set(TRANSFER.families), families


@pytest.mark.parametrize("name", ["transfer", "audit"])
def test_with_compute_never_missing_units_are_named(name, tmp_path, monkeypatch):
    monkeypatch.setenv("REPRISE_STORE", str(tmp_path / "runs"))
    wanted = {"preset": "smoke", "seeds": "1..2", "compute": "never"}
    with pytest.raises(ChapterError) as caught:
        execute_notebook(FOLDER / f"{name}.ipynb", tmp_path / "out.ipynb", wanted, progress=False)
    assert caught.value.cause.startswith("UnitsMissing: 2 of 2 units of transfer")


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    folder = tmp_path_factory.mktemp("transfer-chapter")
    return Places(folder / "data", folder / "results", folder / "runs")


def executed(name, places, patch, without_source, **more):
    patch.setenv("REPRISE_STORE", str(places.local))
    patch.setenv("REPRISE_DATA", str(places.data))
    target = places.local / f"{name}.ipynb"
    wanted = {"preset": "smoke", "seeds": "1..2", **more}
    fields = TransferConfig.model_fields
    execute_notebook(FOLDER / f"{name}.ipynb", target, wanted, progress=False, accepted=fields)
    outputs = [o for c in nbformat.read(target, as_version=4).cells for o in c.get("outputs", [])]
    assert not [o.text for o in outputs if o.get("name") == "stderr" and "Warning" in o.text]
    pages = [o["data"]["text/html"] for o in outputs if "text/html" in o.get("data", {})]
    said = "\n".join(o["data"]["text/markdown"] for o in outputs if "text/markdown" in o.get("data", {}))
    # The run is shown as xarray prints it: there a value that was not measured is a nan.
    written = [page for page in pages if "xr-wrap" not in page]
    assert not re.search(r"\bnan\b", without_source(said) + "".join(written))
    return pages, said


def names_of(pages):
    return [re.search('<figure id="transfer-([a-z-]+)"', page)[1] for page in pages if "<figure" in page]  # type: ignore[index]


@pytest.mark.slow
def test_the_chapter_shows_what_is_there_and_says_what_is_not(
    places, monkeypatch, verdicts_of, without_source
):
    base = TRANSFER.configure("smoke", TINY)
    for config in TRANSFER.family("equal-steps", base).values():
        runner.run(TRANSFER, config, (1, 2), places, progress=False)
    pages, said = executed("transfer", places, monkeypatch, without_source, **TINY)
    assert names_of(pages) == [
        "layers", "pretrained-or-initial", "excess", "epochs-targets", "maps-targets", "layers-degrees",
        "epochs-degrees", "gain", "layers-sizes", "layers-steps", "epochs-sizes", "maps-sizes", "learning",
        "authors", "levels", "stimuli", "specification",
    ]  # fmt: skip
    for page in pages:
        assert "<figure" not in page or ("<figcaption" in page and "preset smoke" in page)
    found = verdicts_of(pages)
    assert len(found) == 9 and [claim for claim in found if found[claim] == "not run"] == ["t1b", "t2"]
    assert (
        all(f"--family {name}` makes them" in said for name in ("freezing", "statistics"))
        and "- `--family degrees`" in said
    )
    assert "- `--family targets`" not in said and "35 rows" in said


@pytest.mark.slow
def test_the_chapter_opens_with_the_pre_training_alone_and_with_another_measure(
    places, monkeypatch, verdicts_of, without_source
):
    base = TRANSFER.configure("smoke", {**TINY, "noise": 3})
    runner.run(TRANSFER, base, (1, 2), places, progress=False)
    more = {**TINY, "noise": 3, "compute": "never", "measure": "rsa-correlation"}
    pages, said = executed("transfer", places, monkeypatch, without_source, **more)
    found = verdicts_of(pages)
    assert len(found) == 9 and set(found.values()) <= {"not run", "undecided"}
    for family in ("targets", "freezing", "equal-steps"):
        assert f"--family {family}` makes them" in said or f"- `--family {family}`" in said


@pytest.mark.slow
def test_the_audit_says_which_findings_matter(places, monkeypatch, without_source):
    pages, said = executed("audit", places, monkeypatch, without_source)
    assert names_of(pages) == ["audit-start", "audit-pretrained", "audit-initial"]
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in said.splitlines()]
    at = next(i for i, cells in enumerate(lines) if cells and cells[0] == "switch")
    rows = {cells[0]: cells[1:] for cells in lines[at + 2 : at + 7]}
    cells = [cell for row in rows.values() for cell in row]
    assert len(cells) == 15 and cells.count("–") == 3
    assert all(re.search(r"matters|small|nothing|no difference", cell) for cell in cells if cell != "–")
    # Channels of conv4 are fewer than 500, so cutting them changes nothing at all.
    assert rows["channels cut"] == ["changes nothing"] * 3
    assert "**Not run** without a GPU" in said and "--family collision` makes them" in said
