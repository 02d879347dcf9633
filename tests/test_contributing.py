"""CONTRIBUTING.md's five changes, made as they are written there."""

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import nbformat
import numpy as np
import pytest

from reprise.book.build import book_sources
from reprise.book.chapter import Chapter
from reprise.claims.claim import find_claim
from reprise.claims.predictions import read, seal
from reprise.claims.record import RECORD, unrecorded
from reprise.engine.runner import units
from reprise.engine.study import study
from reprise.places import UserError
from reprise.similarity import measures

ROOT = Path(__file__).parents[1]


def test_the_measure_is_the_one_that_every_explorer_is_tested_with(further):
    assert further.id == "gram-cosine"
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 12, 7))
    grams = [np.array([[a @ b for b in z] for a in z]) for z in (x, y)]
    expected = np.sum(grams[0] * grams[1]) / np.prod([np.sqrt(np.sum(g**2)) for g in grams])
    assert further(x, y) == pytest.approx(expected, abs=1e-12)
    assert further.id in [entry["id"] for entry in measures.measure_menu()]


def test_the_figure_is_shown_with_provenance(tiny_run, tiny_places, tiny_settings, walks, monkeypatch):
    from reprise.studies.maml import figures

    block = "from __future__ import annotations\n" + walks["lib/reprise/studies/maml/figures.py"]
    exec(compile(block, "figures.py", "exec"), figures.__dict__)
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda item: shown.append(item.data))
    chapter = Chapter.load("maml", tiny_places, "smoke", "never", (0, 1), **tiny_settings)
    cell = walks["chapters/maml/maml.ipynb"]
    try:
        exec(compile(cell, "cell", "exec"), {"chapter": chapter, "figures": figures, "run": chapter.run})
    finally:
        monkeypatch.delattr(figures, "from_the_start")
    (page,) = shown
    final = 1 - float(
        tiny_run["start_similarity"].sel(measure="rsa-correlation", layer="logits")[:, -1].mean()
    )
    assert 'id="maml-from-the-start"' in page and "2 units · seeds 0..1" in page
    assert f"logits {final:.2f}." in page


def test_the_preset_is_listed_and_names_the_units_of_its_settings(walks, last_value, monkeypatch):
    from reprise.studies.maml import presets

    maml = study("maml")
    preset = last_value(walks["lib/reprise/studies/maml/presets.py"], dict(vars(presets)))
    monkeypatch.setitem(presets.PRESETS, "quick", preset)
    given = maml.configure("sweep", {"iterations": "60", "evaluation_tasks": "50"})
    assert units(maml.configure("quick", {}), preset.seeds) == units(given, (0, 1, 2))
    assert maml.preset("quick").expects is None


def test_the_rule_has_a_version_a_record_and_sealed_predictions(walks, tmp_path):
    old = find_claim("M3a")
    names = {"M3A_V1": old, "replace": replace}
    exec(compile(walks["lib/reprise/studies/maml/claims.py"], "claims.py", "exec"), names)
    new = names["M3A"]
    assert (new.version, new.former, new.seeds) == (old.version + 1, (old,), tuple(range(10, 20)))
    assert any("not in the record" in line for line in unrecorded([new]))
    book = tmp_path / "rules.toml"
    entry = walks["lib/reprise/claims/rules.toml"]
    book.write_text(RECORD.read_text("utf-8") + "\n" + entry, "utf-8")
    assert unrecorded([new], book) == []
    # Changed words under the same version are refused.
    assert "its text was changed" in unrecorded([replace(new, words=old.words)], book)[0]
    expected = tmp_path / "m3.toml"
    expected.write_text(walks["predictions/m3.toml"], "utf-8")
    with pytest.raises(UserError, match="not what was sealed"):
        read(expected)
    seal(expected)
    (row,) = read(expected)
    assert (row.claim, row.version, row.n) == (new.id, new.version, len(new.seeds))


def notebook(source):
    """Cells that are written one after another, each below its id."""
    cells = []
    for part in source.split("# %% ")[1:]:
        name, text = part.split("\n", 1)
        tags = ["parameters"] if name == "parameters" else []
        cells.append(nbformat.v4.new_code_cell(text.strip(), id=name, metadata={"tags": tags}))
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})


@pytest.fixture(scope="module")
def checkout(walks, tmp_path_factory):
    """The library with a study more, and a book with its chapter."""
    root = tmp_path_factory.mktemp("checkout")
    shutil.copytree(ROOT / "lib", root / "lib", ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    for path in (path for path in walks if "/waves/" in path):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        if path.endswith(".ipynb"):
            nbformat.write(notebook(walks[path]), root / path)
        else:
            (root / path).write_text(walks[path])
    (root / "_toc.yml").write_text("format: jb-book\nroot: chapters/waves/waves\n")
    return root


def reprise(root, *words):
    environment = {**os.environ, "PYTHONPATH": str(root / "lib"), "REPRISE_STORE": str(root / "runs")}
    command = [sys.executable, "-m", "reprise.cli", *words]
    return subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)


def test_the_study_is_found_run_and_shown_by_its_folder_and_chapter_alone(checkout):
    done = reprise(checkout, "run", "waves", "--preset", "smoke", "units=8")
    assert done.returncode == 0, done.stderr
    assert "final loss" in done.stdout
    (executed,) = (checkout / "runs" / "notebooks").glob("waves-smoke-*.ipynb")
    cells = {cell.id: cell for cell in nbformat.read(executed, as_version=4).cells}
    html = {
        name: "".join(o["data"].get("text/html", "") for o in cell.get("outputs", []) if "data" in o)
        for name, cell in cells.items()
    }
    assert 'id="claim-w1"' in html["verdicts"] and "n = 2" in html["verdicts"]
    assert 'id="waves-loss"' in html["loss"] and "units=8" in html["loss"]
    assert "start_similarity" in html["run"]
    assert "def output_changes_more" in cells["rules"].outputs[0]["data"]["text/markdown"]
    refused = reprise(checkout, "run", "waves", "--preset", "smoke", "unit=8")
    assert refused.returncode == 2 and "did you mean units?" in refused.stderr
    assert "Steps of gradient descent." in reprise(checkout, "describe", "waves").stdout


def test_the_line_of_the_table_of_contents_puts_the_chapter_into_the_book(walks, tmp_path):
    whole = (ROOT / "_toc.yml").read_text().rstrip() + "\n" + walks["_toc.yml"]
    for path in book_sources(ROOT):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    chapter = tmp_path / "chapters" / "waves" / "waves.ipynb"
    chapter.parent.mkdir(parents=True)
    chapter.touch()
    (tmp_path / "_toc.yml").write_text(whole)
    assert book_sources(tmp_path)[-1] == chapter.relative_to(tmp_path)
