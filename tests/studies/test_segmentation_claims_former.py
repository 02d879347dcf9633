"""Version 1 of study 3's rules on simulated runs: what it said stays readable, and says it still."""

import json
from collections.abc import Iterable

import numpy as np
import pytest
import xarray as xr

from reprise.claims import claims
from reprise.studies.segmentation.endpoints import (
    above_trivial,
    gain,
    paired,
    steps_to,
    times_to_level,
)

STEPS = np.arange(0, 401, 20)


def judge(claim, runs, measure=None):
    """By version 1 of its rule."""
    (former,) = next(one for one in claims("segmentation") if one.id == claim).former
    return former.judge(runs, measure)


def run(
    miou: float | list | np.ndarray,
    seeds: Iterable[int] = range(5),
    rise: float | np.ndarray = 100.0,
    baseline=0.5,
    preset="laptop",
    source="camvid-source",
    target="nuclei",
):
    """Units with a chosen quality in the end and a chosen speed of getting there."""
    seeds = list(seeds)
    quality = np.broadcast_to(np.asarray(miou, float), len(seeds))
    rises = np.broadcast_to(np.asarray(rise, float), len(seeds))
    curves = quality[:, None] * (1 - np.exp(-STEPS / rises[:, None]))
    return xr.Dataset(
        {
            "miou": ("seed", quality),
            "baseline": (("seed", "baseline_name"), np.tile([0.3, baseline, 0.8], (len(seeds), 1))),
            "curve_miou": (("seed", "curve_step"), curves),
        },
        coords={
            "seed": ("seed", seeds),
            "curve_step": STEPS,
            "baseline_name": ["majority", "threshold", "otsu"],
        },
        attrs={"config": json.dumps({"dataset": target, "source": source}), "preset": preset},
    )


def noisy(mean, rng, seeds=range(5), spread=0.01, **options):
    return run(mean + rng.normal(0, spread, len(list(seeds))), seeds, **options)


def test_runs_pair_by_seed_whatever_their_order_and_number():
    first, second = run([0.1, 0.2, 0.3], [5, 1, 3]), run([0.5, 0.6, 0.7, 0.8], [3, 4, 1, 2])
    a, b = paired(first, second)
    assert a["seed"].values.tolist() == b["seed"].values.tolist() == [1, 3]
    assert gain(first, second) == pytest.approx([0.2 - 0.7, 0.3 - 0.5])
    with pytest.raises(ValueError, match="no seed in common"):
        paired(run(0.5, [1]), run(0.5, [2]))


def test_the_trivial_baseline_is_the_better_one_and_never_otsu():
    assert above_trivial(run([0.7, 0.6], [0, 1])) == pytest.approx([0.2, 0.1])


def test_steps_to_a_level_are_interpolated_and_may_never_come():
    curves = run(0.6, [0, 1, 2])
    curves["curve_miou"][:, :4] = [[0.0, 0.2, 0.4, 0.4], [0.5, 0.1, 0.6, 0.6], [0.0, 0.1, 0.1, 0.1]]
    curves["curve_miou"][2, 4:] = 0.1
    assert steps_to(curves, np.array([0.3, 0.5, 0.3])).tolist() == [30.0, 0.0, np.inf]


def test_times_count_censored_runs_with_all_their_steps():
    encoder = run(0.8, range(5), rise=50)
    slow = run([0.8, 0.8, 0.8, 0.8, 0.3], range(5), rise=100)
    times, reference, censored = times_to_level(slow, encoder)
    assert censored == 1 and times[-1] == 400
    level = 0.9 * (1 - np.exp(-400 / 50))
    assert reference == pytest.approx(-50 * np.log(1 - level), abs=2)
    assert times[:4] == pytest.approx(-100 * np.log(1 - level), abs=4)


@pytest.mark.parametrize(
    ("claim", "better", "worse"),
    [
        ("S1", "segmentation", "none"),
        ("S5", "segmentation", "imagenet"),
        ("S6a", "contrastive-reconstruction", "none"),
        ("S6b", "contrastive-reconstruction", "contrastive"),
    ],
)
def test_contrasts_above_zero(claim, better, worse):
    rng = np.random.default_rng(0)
    for status, difference in (("supported", 0.06), ("contradicted", -0.06)):
        assert judge(claim, {better: noisy(0.8 + difference, rng), worse: noisy(0.8, rng)}).status == status


def test_without_an_effect_support_is_as_rare_as_stated():
    rng = np.random.default_rng(0)
    same = [judge("S1", {"segmentation": noisy(0.8, rng), "none": noisy(0.8, rng)}).status for _ in range(60)]
    assert same.count("supported") <= 6  # 2.5 % expected; the binomial 99.9 % bound of 60


def test_parts_are_in_points_with_interval_and_number_of_seeds():
    runs = {"segmentation": run([0.8, 0.81, 0.82, 0.8, 0.81]), "none": run(0.75)}
    verdict = judge("S1", runs)
    (part,) = verdict.parts
    assert part.estimate == pytest.approx(5.8) and part.n == 5 and part.level == 0.95
    assert (verdict.dataset, verdict.preset, verdict.measure) == ("nuclei", "laptop", "mIoU")


@pytest.mark.parametrize("claim", ["S1", "S2", "S4", "S5", "S6a", "S6b", "S6"])
def test_another_measure_of_quality_is_read_where_it_is_asked_for(claim):
    """Dice turned upside down: what mean IoU supports it contradicts, in its own words."""
    names = (
        "none", "classification", "segmentation", "segmentation, both", "segmentation, decoder",
        "reconstruction", "contrastive", "contrastive-reconstruction", "imagenet",
    )  # fmt: skip
    levels = (0.7, 0.72, 0.8, 0.8, 0.7, 0.81, 0.75, 0.82, 0.74)
    runs = {}
    for name, level in zip(names, levels, strict=True):
        rng = np.random.default_rng(len(runs))
        runs[name] = noisy(level, rng, range(10), 0.001).assign(
            dice=("seed", 1 - noisy(level, rng, range(10), 0.001)["miou"].values)
        )
    runs["segmentation, both"]["dice"] = runs["segmentation"]["dice"] + 0.1
    usual, other = judge(claim, runs), judge(claim, runs, "Dice")
    assert usual.status == "supported" and other.status == "contradicted"
    for part, turned in zip(usual.parts, other.parts, strict=True):
        assert part.unit == turned.unit == "points" and part.name.startswith("mean IoU, points, ")
        assert turned.name == part.name.replace("mean IoU", "mean Dice score")
        if claim != "S2":
            assert turned.estimate == pytest.approx(-part.estimate, abs=0.3)


def test_a_missing_condition_is_not_run():
    verdict = judge("S5", {"segmentation": run(0.8)})
    assert verdict.status == "not run" and verdict.parts == () and "imagenet" in verdict.note


@pytest.mark.parametrize("claim", ["S1", "S2", "S3", "S4", "S6a", "S6b"])
def test_a_setting_too_small_to_judge_decides_nothing(claim):
    rng = np.random.default_rng(0)
    names = (
        "none", "segmentation", "segmentation, both", "segmentation, decoder", "classification",
        "reconstruction", "contrastive", "contrastive-reconstruction",
    )  # fmt: skip
    level = dict(zip(names, (0.4, 0.58, 0.58, 0.4, 0.4, 0.59, 0.4, 0.59), strict=True))
    runs = {name: noisy(value, rng, range(10), 0.001) for name, value in level.items()}
    verdict = judge(claim, runs)
    assert verdict.status == "undecided" and "too small to judge" in verdict.note
    assert all(part.status == "undecided" for part in verdict.parts) and verdict.parts
    lower = {name: noisy(value, rng, range(10), 0.001, baseline=0.31) for name, value in level.items()}
    assert "too small" not in judge(claim, lower).note


def s2(difference, rng, seeds=range(10), **options):
    both = noisy(0.8 + difference, rng, seeds, 0.002, **options)
    encoder = noisy(0.8, rng, seeds, 0.002, **options)
    alone = {"segmentation, decoder": noisy(0.72, rng, seeds), "none": noisy(0.7, rng, seeds)}
    return judge("S2", {"segmentation": encoder, "segmentation, both": both, **alone})


def test_equivalence_takes_ten_seeds_and_the_margin_of_the_scale():
    rng = np.random.default_rng(1)
    assert s2(0.0, rng).status == "supported"
    assert s2(0.05, rng).status == "contradicted"
    assert s2(0.0, rng, range(9)).status == "undecided"
    verdict = s2(0.015, rng)
    assert verdict.status == "supported" and verdict.parts[0].bound == "within ±2"
    full = s2(0.015, rng, preset="full, crop=96")
    assert full.status == "contradicted" and full.parts[0].bound == "within ±1"
    assert "Decoder alone − nothing: 2." in verdict.note or "Decoder alone − nothing: 1." in verdict.note


def s3(rise, rng, **options):
    rises = rise * np.exp(rng.normal(0, 0.1, 10))
    runs = {"segmentation": run(0.8, range(10), rise=100), "segmentation, both": run(0.8, range(10), rises)}
    return judge("S3", runs)


def test_faster_means_a_ratio_below_one():
    rng = np.random.default_rng(2)
    faster, slower, same = s3(40, rng), s3(170, rng), s3(100, rng)
    assert (faster.status, slower.status) == ("supported", "contradicted")
    assert same.status in ("undecided", "contradicted", "supported") and abs(same.parts[0].estimate) < 0.1
    assert faster.parts[0].high < 0 and faster.parts[0].bound == "below 0"
    assert faster.parts[0].status == "supported"


def test_a_run_that_never_gets_there_cannot_support_that_it_is_faster():
    quality = np.array([0.8] * 9 + [0.5])
    rises = np.array([5.0] * 9 + [200.0])
    encoder = run(0.8, range(10), rise=100)
    verdict = judge("S3", {"segmentation": encoder, "segmentation, both": run(quality, range(10), rises)})
    assert verdict.parts[0].high < 0  # by the numbers alone it would be faster
    assert verdict.status == "undecided" and "1 of 10 runs never get there" in verdict.note


def s4(segmentation, reconstruction, rng, **options):
    levels = {"segmentation": segmentation, "reconstruction": reconstruction, "classification": 0.75}
    return judge("S4", {name: noisy(value, rng, **options) for name, value in levels.items()})


def test_s4_needs_both_and_calls_one_alone_mixed():
    rng = np.random.default_rng(3)
    assert s4(0.85, 0.85, rng).status == "supported"
    assert s4(0.65, 0.65, rng).status == "contradicted"
    assert s4(0.85, 0.65, rng).status == "mixed"
    assert s4(0.85, 0.75, rng).status == "mixed"
    assert s4(0.75, 0.75, rng).status == "undecided"


def test_s4_is_never_decided_within_one_set_of_classes():
    verdict = s4(0.85, 0.85, np.random.default_rng(4), target="camvid")
    assert verdict.status == "undecided" and "one set of classes" in verdict.note
    assert all(part.low > 0 for part in verdict.parts)


def test_fewer_than_five_seeds_decide_nothing():
    runs = {"segmentation": run(0.8, range(4)), "none": run(0.6, range(4))}
    assert judge("S1", runs).status == "undecided"


def test_every_former_claim_has_its_rule_in_words_and_its_own_presets():
    found = {claim.id: claim.former for claim in claims("segmentation") if claim.former}
    assert list(found) == ["S1", "S2", "S3", "S4", "S5", "S6a", "S6b", "S6"]
    for (claim,) in found.values():
        assert claim.version == 1 and "10 points" in claim.rule and claim.statement
        assert claim.deciding == (("laptop",),) and claim.beside == (("camvid",), ("shapes",))
