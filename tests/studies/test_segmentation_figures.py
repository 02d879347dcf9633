"""Figures of study 3 on simulated runs: what they show, what they say in words, and their labels."""

import json
import re

import numpy as np
import pytest
import xarray as xr
from scipy import stats

from reprise.studies.segmentation import figures as figures
from reprise.studies.segmentation import figures_views as views
from reprise.studies.segmentation import tables

LAYERS = [*(f"{part}{i}" for part in ("encoder", "decoder") for i in range(1, 6)), "logits"]
STEPS = np.arange(0, 401, 20)
NAMES = (
    "none",
    "classification",
    "segmentation",
    "reconstruction",
    "contrastive",
    "contrastive-reconstruction",
)
MODES = ("none", "segmentation", "segmentation, decoder", "segmentation, both")


def simulated(miou, seeds=5, rise=100.0, seed=0, classes=2):
    rng = np.random.default_rng([seed, int(1e4 * miou)])
    quality = miou + rng.normal(0, 0.01, seeds)
    curves = quality[:, None] * (1 - np.exp(-STEPS / rise))
    measure = ("seed", "measure", "layer")
    alike = np.clip(rng.normal(0.8, 0.05, (seeds, 1, len(LAYERS))), 0, 1)
    return xr.Dataset(
        {
            "miou": ("seed", quality),
            "dice": ("seed", quality + 0.05),
            "boundary": ("seed", quality - 0.2),
            "class_iou": (("seed", "class_name"), np.tile(quality[:, None], (1, classes))),
            "baseline": (("seed", "baseline_name"), np.tile([0.43, 0.54, 0.86], (seeds, 1))),
            "curve_miou": (("seed", "curve_step"), curves),
            "training_loss": (("seed", "curve_step"), 1 - curves / 2),
            "rate": ("seed", np.full(seeds, 1e-3)),
            "similarity": (measure, alike),
            "fresh_similarity": (measure, alike - 0.5 + rng.normal(0, 0.02, alike.shape)),
            "half_similarity": (("seed", "half", "measure", "layer"), np.stack([alike, alike + 0.01], 1)),
            "shown_classes": (
                ("seed", "shown", "row", "column"),
                rng.integers(0, classes, (seeds, 3, 32, 32)).astype(np.uint8),
            ),
        },
        coords={
            "seed": ("seed", np.arange(seeds)),
            "curve_step": STEPS,
            "baseline_name": ["majority", "threshold", "otsu"],
            "class_name": ["background", *(f"kind{i}" for i in range(1, classes))],
            "measure": ["rsa-correlation"],
            "layer": LAYERS,
            "shown_index": ("shown", [3, 9, 15]),
            "curve_images": 32,
            "probe_images": 50,
            "dataset": "nuclei",
        },
        attrs={"config": json.dumps({"dataset": "nuclei", "source": "camvid-source"}), "preset": "laptop"},
    )


@pytest.fixture(scope="module")
def encoders():
    levels = (0.8, 0.82, 0.85, 0.84, 0.81, 0.86)
    return {name: simulated(level) for name, level in zip(NAMES, levels, strict=True)}


@pytest.fixture(scope="module")
def modes():
    settings = zip(MODES, (0.8, 0.85, 0.8, 0.85), (120, 80, 100, 40), strict=True)
    return {name: simulated(level, 10, rise) for name, level, rise in settings}


def texts(plate):
    found = [text.get_text() for text in plate.figure.findobj(lambda x: hasattr(x, "get_text"))]
    return [text for text in found if text]


def check(plate, name):
    assert plate.name == name and plate.caption.strip() and plate.alt.strip()
    assert "nan" not in (plate.caption + plate.alt).lower()
    import matplotlib.pyplot as plt

    plt.close(plate.figure)


def test_quality_has_a_row_a_condition_all_seeds_and_the_levels(encoders, modes):
    plate = figures.quality({**encoders, **modes})
    (axes,) = plate.figure.axes
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert names[-1] == "no transfer" and names[0] == "segmentation, both" and len(names) == 8
    assert "contrast + reconstructions" in names
    drawn = [line for line in axes.lines if line.get_linewidth() == 0]
    assert sorted(np.size(line.get_xdata()) for line in drawn) == sorted(
        run.sizes["seed"] for run in {**encoders, **modes}.values()
    )
    assert {"commonest class", "one threshold", "Otsu's threshold"} <= set(texts(plate))
    assert "n = 5 to 10" in plate.caption and "0.8" in plate.alt
    check(plate, "segmentation-miou")
    check(figures.quality(encoders, "boundary"), "segmentation-boundary")


def test_targets_have_a_panel_each_with_the_same_rows_in_the_same_places(encoders, modes):
    fewer = {name: run for name, run in encoders.items() if name != "contrastive"}
    plate = figures.targets({"CamVid to nuclei": {**encoders, **modes}, "shapes to shapes": fewer})
    left, right = plate.figure.axes
    rows = [label.get_text() for label in left.get_yticklabels()]
    assert len(rows) == 8 and left.get_ylim() == right.get_ylim()
    assert [axes.get_title("left") for axes in (left, right)] == ["CamVid to nuclei", "shapes to shapes"]

    def heights(axes):
        means = [line for line in axes.lines if line.get_markersize() == 6]
        return {round(float(line.get_ydata()[0]) - 0.12) for line in means}

    assert heights(left) == set(range(8))
    absent = [rows[y] for y in heights(left) - heights(right)]
    assert sorted(absent) == ["contrastive", "segmentation, both", "segmentation, decoder"]
    assert (
        "n = 5 to 10" in plate.caption
        and f"reconstruction {float(fewer['reconstruction']['miou'].mean()):.3f}" in plate.alt
    )
    check(plate, "segmentation-targets")


def test_fractions_have_a_line_an_encoder_and_a_place_a_share(encoders):
    by_share = {
        name: {share: simulated(0.7 + 0.05 * i, 3) for i, share in enumerate((0.02, 0.1, 1.0))}
        for name in NAMES
    }
    plate = figures.label_fractions(by_share)
    assert {"2%", "10%", "100%"} <= set(texts(plate)) and "reconstruction" in texts(plate)
    assert "n = 3" in plate.caption and "commonest class 0." in plate.caption
    check(plate, "segmentation-fractions")


@pytest.mark.parametrize(
    ("miou", "cut", "beyond"),
    [
        # Three seeds far apart: t(0.975, 2) = 4.3, so their interval is 1.9 times as wide as their range.
        ([0.5, 0.7, 0.9], True, "commonest class 0.430"),
        ([0.8, 0.8, 0.8], False, "commonest class 0.430, one threshold 0.540, Otsu's threshold 0.860"),
    ],
)
def test_fractions_span_the_seeds_and_say_what_lies_beyond(miou, cut, beyond):
    run = simulated(0.7, 3).assign(miou=("seed", np.array(miou)))
    plate = figures.label_fractions({"none": {0.1: run, 1.0: run}})
    (axes,) = plate.figure.axes
    dots = [line for line in axes.lines if line.get_marker() == "."]
    assert [np.asarray(dot.get_ydata()).tolist() for dot in dots] == [miou, miou]
    low, high = axes.get_ylim()
    assert max(0, min(miou) - 0.05) < low < min(miou) and max(miou) < high < max(miou) + 0.05
    assert ("cut off" in plate.caption) == cut
    assert plate.caption.endswith(f"beyond the axis: {beyond}.")


def test_convergence_shows_the_level_that_is_timed(modes):
    plate = figures.convergence(modes)
    assert "90 % of segmentation, encoder alone" in texts(plate)
    (axes,) = plate.figure.axes
    drawn = [line for line in axes.lines if np.size(line.get_xdata()) == len(STEPS)]
    assert len(drawn) == 4 and len({line.get_linestyle() for line in drawn}) > 1
    both, encoder = (
        float(plate.alt.split(f"{name} after ")[1].split(" steps")[0]) for name in ("both", "segmentation")
    )
    assert both < encoder
    check(plate, "segmentation-convergence")


def test_ablation_draws_differences_to_the_whole(encoders):
    runs = {
        "all": simulated(0.85, 3),
        "without mask": simulated(0.82, 3),
        "contrast alone": simulated(0.86, 3),
    }
    plate = figures.ablation(runs)
    (axes,) = plate.figure.axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["contrast alone", "without mask"]
    assert "without mask -" in plate.alt or "without mask −" in plate.alt
    check(plate, "segmentation-ablation")


def test_pictures_stand_beside_the_truth_only_where_they_are_at_hand(encoders):
    alone = views.pictures(encoders, 2)
    assert len(alone.figure.axes) == 3 * 6 and "not at hand" in alone.caption
    check(alone, "segmentation-pictures")
    images = np.zeros((3, 32, 32, 3), np.uint8)
    masks = np.full((3, 32, 32), 255, np.uint8)
    masks[:, :16] = 1
    full = views.pictures(encoders, 2, images, masks)
    assert len(full.figure.axes) == 3 * 8 and "truth" in texts(full) and "not at hand" not in full.caption
    truth = full.figure.axes[1].images[0].get_array()
    assert truth is not None and (truth[20, 0] == 0).all() and truth[0, 0, 3] == 1
    assert "nucleus" not in texts(full) and {"background", "kind1"} <= set(texts(full))
    check(full, "segmentation-pictures")
    with pytest.raises(ValueError, match="seed 7 is not among those of none"):
        views.pictures(encoders, 7)


def test_classes_have_different_colours_up_to_many():
    for count in (2, 6, 11, 21):
        colours = views.class_colours(count)
        assert len(colours) == count and len(set(colours)) == count


def test_depth_goes_through_encoder_decoder_and_logits_with_its_null(modes):
    plate = views.depth(modes)
    said = texts(plate)
    assert {"logits", "null: a fresh network"} <= set(said)
    ticks = [label.get_text().split("\n") for label in plate.figure.axes[0].get_xticklabels()]
    assert [words[1] for words in ticks if len(words) > 1] == ["encoder", "decoder"]
    assert [words[0] for words in ticks] == [*"12345", *"12345", "logits"]
    assert "change, 1 − ρ (0 = none)" in said
    assert "encoder 0." in plate.alt
    check(plate, "segmentation-depth")


def test_a_single_seed_is_drawn_without_intervals():
    one = {name: simulated(0.8, 1) for name in MODES}
    for plate in (figures.quality(one), figures.convergence(one), views.depth(one)):
        assert plate.alt and "nan" not in plate.caption
        check(plate, plate.name)


def test_tables_have_a_row_a_condition(encoders, modes):
    table = tables.results({**encoders, **modes}).splitlines()
    assert len(table) == 2 + 8 and table[2].startswith("| none | 10 |")
    assert all(row.count("|") == table[0].count("|") for row in table)
    assert "[" in table[3] and "0.001" in table[3]
    ended = encoders["classification"]["training_loss"].values[:, -1].mean()
    assert f" | {ended:.3f} [" in table[3]
    assert tables.results({"none": encoders["none"]}).splitlines()[-1].endswith("| – |")
    several = tables.classes({"none": simulated(0.8, 5, classes=6)}).splitlines()
    assert several[0].count("|") == 8 and "kind5" in several[0] and "0.8" in several[2]


def test_parts_are_held_against_nothing_and_against_both(modes):
    rows = [row.strip("| ").split(" | ") for row in tables.parts(modes).splitlines()[2:]]
    decoder, both = "segmentation, decoder", "segmentation, both"
    pairs = [
        ("segmentation", "none"),
        (decoder, "none"),
        (both, "none"),
        (both, "segmentation"),
        (both, decoder),
    ]
    assert [row[0] for row in rows] == [f"{one} − {other}" for one, other in pairs]
    for row, (one, other) in zip(rows, pairs, strict=True):
        for cell, key in zip(row[2:], ("miou", "dice", "boundary"), strict=True):
            gaps = 100 * (modes[one][key].values - modes[other][key].values)
            half = stats.t.ppf(0.975, len(gaps) - 1) * gaps.std(ddof=1) / len(gaps) ** 0.5
            numbers = [float(number) for number in re.findall(r"[+-]\d+\.\d", cell.replace("−", "-"))]
            assert numbers == pytest.approx([gaps.mean(), gaps.mean() - half, gaps.mean() + half], abs=0.051)
            assert cell.startswith("**") == (abs(gaps.mean()) > half)
        assert row[1] == "10"


def test_starts_are_held_against_nothing_on_every_set_of_pictures(encoders, modes):
    encoders = {**encoders, "none": modes["none"]}  # ten seeds, of which five have a partner
    half = {name: run.isel(seed=slice(3)) for name, run in encoders.items() if name != "contrastive"}
    table = tables.over_nothing({"A": encoders, "B": half, "C": {"segmentation": encoders["segmentation"]}})
    rows = [row.strip("| ").split(" | ") for row in table.splitlines()]
    assert rows[0] == ["A", "B"] and len(rows) == 2 + 3 + len(encoders) - 1
    cells = {row[0]: row[1:] for row in rows[2:]}
    level = encoders["none"]["baseline"].sel(baseline_name=["majority", "threshold"]).values.max()
    assert cells["trivial level"] == [f"{level:.3f}"] * 2
    best = [max(run["miou"].values[:n].mean() for run in encoders.values()) for n in (10, 3)]
    assert cells["best start − trivial level"] == [f"{100 * (one - level):+.1f}" for one in best]
    for cell, n in zip(cells["none"], (10, 3), strict=True):
        assert cell.startswith(f"{encoders['none']['miou'].values[:n].mean():.3f} [")
    assert cells["contrastive − none"][1] == "–"
    for cell, n in zip(cells["classification − none"], (5, 3), strict=True):
        gaps = 100 * (encoders["classification"]["miou"].values - encoders["none"]["miou"].values[:5])[:n]
        assert f"{gaps.mean():+.1f} [".replace("-", "−") in cell and cell.endswith(f", n = {n}")
        reach = stats.t.ppf(0.975, n - 1) * gaps.std(ddof=1) / n**0.5
        assert cell.startswith("**") == (abs(gaps.mean()) > reach)


def test_changes_stand_beside_their_null(modes):
    rows = [row.split(" | ") for row in tables.changes(modes).splitlines()]
    assert len(rows) == 2 + 4 and {len(row) for row in rows[2:]} == {6}
    run = modes["segmentation"]
    named = [name.startswith("decoder") for name in LAYERS]
    changed, null = (1 - run[key].values[:, 0, named].mean(1) for key in ("similarity", "fresh_similarity"))
    (row,) = [row for row in rows if row[0] == "| segmentation"]
    assert row[4].startswith(f"{changed.mean():.2f} [")
    gap = f"{(changed - null).mean():+.2f}".replace("-", "−")
    assert row[5].startswith(f"**{gap} [")  # less than a fresh network by 0.5


def test_a_further_measure_is_drawn_where_units_hold_it(modes, further, holding):
    plate = views.depth({name: holding(run) for name, run in modes.items()}, further.id)
    assert further.title in plate.caption
    assert plate.figure.axes[0].get_ylabel() == "change, 1 − cosine (0 = none)"
