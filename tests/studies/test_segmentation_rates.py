"""Published units of study 3: no number anywhere compares two conditions that ran at different rates.

Rates are read from the files here, not through the library's own comparison.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from reprise.book.chapter import Chapter
from reprise.claims import claims
from reprise.claims.ledger import ledger, open_layer
from reprise.engine.config import StudyConfig
from reprise.engine.runner import gather
from reprise.engine.store import read
from reprise.engine.study import study
from reprise.places import Places
from reprise.studies.segmentation import figures, figures_rate, rates, tables
from reprise.studies.segmentation.families import family_seeds

ROOT = Path(__file__).parents[2]
SEGMENTATION = study("segmentation")
PUBLISHED = ("laptop", "camvid", "shapes")

# Every comparison of a rule: what stands in the name of its number → the two conditions.
PAIRS = {
    "encoder − nothing": ("segmentation", "none"),
    "both − encoder": ("segmentation, both", "segmentation"),
    "decoder − nothing": ("segmentation, decoder", "none"),
    "both ÷ encoder": ("segmentation, both", "segmentation"),
    "segmentation − classification": ("segmentation", "classification"),
    "reconstruction − classification": ("reconstruction", "classification"),
    "ImageNet → segmentation − ImageNet": ("segmentation", "imagenet"),
    "ImageNet → segmentation − ImageNet → classification": ("segmentation", "classification"),
    "proposal − nothing": ("contrastive-reconstruction", "none"),
    "proposal − contrast alone": ("contrastive-reconstruction", "contrastive"),
    "proposal − segmentation": ("contrastive-reconstruction", "segmentation"),
    "proposal − classification": ("contrastive-reconstruction", "classification"),
}


def rate(run: xr.Dataset) -> float:
    """The one rate that all units of a run say that they ran at."""
    (only,) = set(np.round(np.ravel(run["rate"].values).astype(float), 7).tolist())
    return only


def means(plate):
    """The marks of means in a figure of rows."""
    lines = plate.figure.axes[0].lines
    return [line for line in lines if line.get_markersize() == 6 and line.get_marker() != "None"]


def compared(name: str) -> tuple[str, str]:
    """The two conditions of a number by its name: the longest ending that fits."""
    (best,) = [words for words in PAIRS if words in name and not any(
        words != other and words in other and other in name for other in PAIRS
    )]  # fmt: skip
    return PAIRS[best]


@pytest.fixture
def published(tmp_path):
    return Places(ROOT / "data", ROOT / "results", tmp_path / "runs", ROOT)


@pytest.fixture(scope="module")
def families() -> Mapping[str, Mapping[str, Mapping[str, xr.Dataset]]]:
    """Preset → family → condition → published units along ``seed``, found by their settings."""
    by_settings: dict[str, dict[int, xr.Dataset]] = {}
    for path in sorted((ROOT / "results" / "segmentation").glob("*.nc")):
        unit = read(path)
        config = SEGMENTATION.config.model_validate_json(unit.attrs["config"])
        key = json.dumps(config.settings(), sort_keys=True)
        by_settings.setdefault(key, {})[int(unit["seed"])] = unit

    def runs(config: StudyConfig, seeds) -> list[xr.Dataset]:
        there = by_settings.get(json.dumps(config.settings(), sort_keys=True), {})
        return [there[seed] for seed in seeds if seed in there]

    found = {}
    for preset in PUBLISHED:
        base, seeds = SEGMENTATION.configure(preset, {}), SEGMENTATION.preset(preset).seeds
        found[preset] = {
            family: {
                name: gather(units, preset)
                for name, config in SEGMENTATION.family(family, base).items()
                if (units := runs(config, family_seeds(family, seeds)))
            }
            for family in ("encoders", "modes", "fractions", "ablation")
        }
    return found


def test_version_1_held_many_conditions_against_others_at_another_rate(families):
    """Why this file is here: without pairs at different rates the tests below would test nothing."""
    runs = families["laptop"]["encoders"] | families["laptop"]["modes"]
    there = [pair for pair in PAIRS.values() if set(pair) <= set(runs)]
    apart = [pair for pair in there if rate(runs[pair[0]]) != rate(runs[pair[1]])]
    assert len(apart) >= 4 and len(apart) < len(there)
    assert rate(families["camvid"]["encoders"]["segmentation"]) == pytest.approx(1e-3)
    assert rate(families["camvid"]["encoders"]["none"]) == pytest.approx(3e-4)


def test_no_present_verdict_has_a_number_of_a_pair_at_different_rates(families, published):
    entries = [
        entry for entry in ledger(open_layer(published, "published")) if entry.claim.study == "segmentation"
    ]
    seen, gone = 0, 0
    for entry in entries:
        for judged in entry.judged:
            if judged.case.preset not in PUBLISHED or judged.verdict.status == "not run":
                continue
            runs = families[judged.case.preset]["encoders"] | families[judged.case.preset]["modes"]
            for part in judged.verdict.parts:
                first, second = (rate(runs[name]) for name in compared(part.name))
                assert first == second, (entry.claim.id, judged.case.preset, part.name)
                seen += 1
            gone += judged.verdict.note.count("different rates: withdrawn")
            if "withdrawn" in judged.verdict.note:
                assert judged.verdict.status == "undecided"
    assert seen >= 5 and gone >= 10
    assert any(
        len(judged.verdict.parts) for entry in entries for old in entry.former for judged in old.judged
    )  # what version 1 said can still be read


def test_no_table_has_a_number_of_a_pair_at_different_rates(families):
    shown = {preset: own["encoders"] | own["modes"] for preset, own in families.items()}
    rows = [line.split("|")[1:-1] for line in tables.over_nothing(shown).splitlines()]
    counted = {"withdrawn": 0, "number": 0}
    for name, *cells in [[cell.strip() for cell in row] for row in rows]:
        if not name.endswith(" − none"):
            continue
        for (_, runs), cell in zip(shown.items(), cells, strict=True):
            if cell == "–":
                continue
            equal = rate(runs[name.removesuffix(" − none")]) == rate(runs["none"])
            assert ("withdrawn" in cell) != equal and bool(re.search(r"n = \d", cell)) == equal
            counted["number" if equal else "withdrawn"] += 1
    assert min(counted.values()) >= 2
    modes = families["laptop"]["modes"]
    for row in [line.split("|")[1:-1] for line in tables.parts(modes).splitlines()[2:]]:
        name, *cells = [cell.strip() for cell in row]
        a, b = name.split(" − ")
        assert ("withdrawn" in " ".join(cells)) == (rate(modes[a]) != rate(modes[b]))
    head, _, *lines = [line.split("|")[1:-1] for line in tables.results(modes).splitlines()]
    timed = [cell.strip() for cell in head].index("steps to level")
    for name, row in zip(modes, lines, strict=True):
        assert (row[timed].strip() == "–") == (rate(modes[name]) != rate(modes["segmentation"]))


def test_figures_draw_no_difference_and_mark_every_rate(families):
    import matplotlib.pyplot as plt

    ablation = families["laptop"]["ablation"]
    plate = figures.ablation(ablation)
    equal = [n for n, run in ablation.items() if n != "all" and rate(run) == rate(ablation["all"])]
    drawn = means(plate)
    labels = [label.get_text() for label in plate.figure.axes[0].get_yticklabels()]
    assert len(drawn) == len(equal) < len(ablation) - 1 == len(labels)
    assert sum("withdrawn" in label for label in labels) == len(labels) - len(equal)
    assert "at another learning rate than the whole" in plate.caption

    runs = families["laptop"]["encoders"] | families["laptop"]["modes"]
    plate = figures.quality(runs)
    marks = {round(float(np.ravel(line.get_ydata())[0]) - 0.12): line.get_marker() for line in means(plate)}
    by_name = dict(zip(reversed(list(runs)), [marks[y] for y in range(len(runs))], strict=True))
    for a in runs:
        for b in runs:
            assert (by_name[a] == by_name[b]) == (rate(runs[a]) == rate(runs[b]))
    assert "circles 0.001, squares 0.003" in plate.caption
    convergence = figures.convergence(families["laptop"]["modes"])
    assert "Learning rates differ: 0.001 for segmentation;" in convergence.caption
    assert "segmentation, both after" not in convergence.alt and "segmentation after" in convergence.alt
    plt.close("all")


def test_the_landing_page_shows_conditions_of_one_rate(families):
    modes = families["laptop"]["modes"]
    by_config = {config: name for name, config in SEGMENTATION.family("modes", laptop()).items()}
    shown = [modes[by_config[config]] for config in SEGMENTATION.landing(laptop()).values()]
    assert len(shown) == 2 and len({rate(run) for run in shown}) == 1


def laptop():
    return SEGMENTATION.configure("laptop", {})


def test_pairs_of_version_2_differ_in_nothing_but_their_start():
    """From settings alone, before any run: networks, crops, steps and rates of every compared pair."""
    for preset in ("full", "street", "street-imagenet", "street-camvid", "street-clothing", "street-nuclei"):
        base = SEGMENTATION.configure(preset, {})
        conditions = {
            name: xr.Dataset(attrs={"config": config.model_dump_json()})
            for family in ("encoders", "modes", "imagenet", "assay")
            for name, config in SEGMENTATION.family(family, base).items()
        }
        pairs = [*PAIRS.values(), ("assay: imagenet", "assay: none")]
        assert [pair for pair in pairs if rates.unequal(*(conditions[name] for name in pair))] == []
        shares = [conditions[name] for name in ("assay: none, 0.1", "assay: none, 1")]
        assert rates.unequal(*shares) == ["fraction"]


def test_the_assay_takes_units_that_other_families_have_too():
    """ImageNet's encoder and nothing beside it are those of the second start, whichever pair is assayed."""
    from reprise.engine.study import Unit

    street, imagenet = (SEGMENTATION.configure(name, {}) for name in ("street", "street-imagenet"))
    assay = SEGMENTATION.family("assay", street)
    known = SEGMENTATION.family("imagenet", imagenet)["imagenet"]
    nothing = SEGMENTATION.family("encoders", imagenet)["none"]
    fractions = SEGMENTATION.family("fractions", street)
    for name, other in (
        ("assay: imagenet", known),
        ("assay: none", nothing),
        ("assay: none, 0.1", fractions["none, 0.1"]),
        ("assay: none, 1", fractions["none, 1"]),
    ):
        assert Unit(assay[name], 200).id == Unit(other, 200).id, name


def test_version_2_is_judged_on_seeds_that_no_published_unit_had():
    fresh = set(range(200, 210))
    for name in ("full", "street", "street-imagenet"):
        assert set(SEGMENTATION.preset(name).seeds) == fresh
        assert (name,) in SEGMENTATION.deciding
    for name in ("street-camvid", "street-clothing", "street-nuclei"):
        assert set(SEGMENTATION.preset(name).seeds) < fresh and (name,) in SEGMENTATION.beside
    for claim in claims("segmentation"):
        decided = SEGMENTATION.deciding if claim.deciding is None else claim.deciding
        assert not {("laptop",), ("camvid",), ("shapes",)} & set(decided)
        for former in claim.former:
            assert former.deciding == (("laptop",),)


def test_nothing_without_transfer_was_run_again_at_the_encoders_rate(published):
    chapter = Chapter.load("segmentation", published, "camvid", "never")
    nothing = {"pretext": "none", "transfer": "none"}
    first = chapter.other("never", **nothing).run
    again = chapter.other("never", **nothing, rates=(1e-3,)).run
    assert rate(chapter.run) == rate(again) == pytest.approx(1e-3) and rate(first) == pytest.approx(3e-4)
    assert again["seed"].values.tolist() == [0, 1, 2, 3, 4]
    points = figures_rate.split(chapter.run, first, again)
    assert points["both"] == pytest.approx(points["start"] + points["rate"])
    assert points["start"] == pytest.approx(100 * (chapter.run["miou"].values - again["miou"].values))
    with pytest.raises(ValueError, match="different rates: withdrawn"):
        figures_rate.split(chapter.run, again, first)
    with pytest.raises(ValueError, match="nothing to split"):
        figures_rate.split(chapter.run, again, again)
