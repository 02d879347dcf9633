"""Rules of study 3, version 2, on simulated replicates: effects and none, the assay, rates that disagree."""

import json
from typing import Any

import numpy as np
import pytest
import xarray as xr
from scipy import stats

from reprise.claims import claims, judge
from reprise.studies.segmentation.assay import cannot_tell
from reprise.studies.segmentation.contrasts import contrast, withdrawn
from reprise.studies.segmentation.presets import PRESETS
from reprise.studies.segmentation.rates import trained_at
from reprise.studies.segmentation.rules import not_above

STEPS = np.array([0, *range(10, 201, 10), *range(225, 601, 25)])
RATES = (1e-3, 3e-3)
PROPOSAL = "contrastive-reconstruction"
NAMES = (
    "none", "classification", "segmentation", "segmentation, decoder", "segmentation, both",
    "reconstruction", "contrastive", PROPOSAL, "imagenet",
)  # fmt: skip


def replicates(rng, points, seeds=10, spread=1.0, rise=60.0, start="random", choose=None, **settings):
    """Units of protocol 2 with a chosen quality, in points, at both rates or at each of them.

    Seeds differ by ``spread`` points, and in speed by a tenth; a replicate keeps the rate that is better for
    it, or the one that ``choose`` names.
    """
    levels = np.broadcast_to(np.asarray(points, float), 2) + rng.normal(0, spread, (seeds, 1))
    levels = levels / 100
    speeds = np.broadcast_to(np.asarray(rise, float), 2) * np.exp(rng.normal(0, 0.1, (seeds, 1)))
    curves = levels[..., None] * (1 - np.exp(-STEPS / speeds[..., None]))
    best = levels.argmax(1) if choose is None else np.full(seeds, choose)
    own = np.arange(seeds), best
    dims = ("seed", "candidate_rate")
    config = {**PRESETS["street"].values, "initial": start, **settings}
    return xr.Dataset(
        {
            "miou": ("seed", levels[own]),
            "dice": ("seed", 1 - levels[own]),
            "rate": ("seed", np.array(RATES, np.float32)[best]),
            "curve_miou": (("seed", "curve_step"), curves[own]),
            "rate_miou": (dims, levels),
            "rate_dice": (dims, 1 - levels),
            "rate_curve_miou": ((*dims, "curve_step"), curves),
            "baseline": (("seed", "baseline_name"), np.tile([0.1, np.nan, np.nan], (seeds, 1))),
        },
        coords={
            "seed": ("seed", 200 + np.arange(seeds)),
            "candidate_rate": list(RATES),
            "curve_step": STEPS,
            "baseline_name": ["majority", "threshold", "otsu"],
            "scored": 3,
        },
        attrs={"config": json.dumps(config), "preset": "street"},
    )


def assay(rng, few=20.0, many=28.0, known=30.0, nothing=24.0):
    """What the gate takes, and passes."""
    lite: dict[str, Any] = {"encoder": "tf_efficientnet_lite0"}
    return {
        "assay: none, 0.1": replicates(rng, few, 5, fraction=0.1),
        "assay: none, 1": replicates(rng, many, 5, fraction=1.0),
        "assay: none": replicates(rng, nothing, 5, **lite),
        "assay: imagenet": replicates(rng, known, 5, pretext="imagenet", transfer="encoder", **lite),
    }


def simulated(rng, **changed):
    """Every condition at 30 points, but for those that are named (spelt with underscores), and the assay."""
    own = {name: {} for name in NAMES}
    for word, options in changed.items():
        name = word.replace("__", ", ").replace("_", "-")
        own[name] = options if isinstance(options, dict) else {"points": options}
    return {
        **{name: replicates(rng, **{"points": 30.0, **one}) for name, one in own.items()},
        **assay(rng),
    }


def all_from_imagenet(runs):
    def marked(run):
        config = {**json.loads(run.attrs["config"]), "initial": "imagenet"}
        return run.assign_attrs(config=json.dumps(config))

    return {name: run if name.startswith("assay") else marked(run) for name, run in runs.items()}


def s5(**changed):
    return lambda rng: all_from_imagenet(simulated(rng, **changed))


def others(**changed):
    return lambda rng: simulated(rng, **changed)


def speeds(rise):
    """Ends that differ by less than the last level leaves open: a run that never gets there is no support."""
    return others(segmentation__both={"rise": rise, "spread": 0.2}, segmentation={"spread": 0.2})


# Claim, an effect of six points (or 1.7 times the speed), and its opposite.
EFFECTS = [
    ("S1", others(segmentation=36), others(segmentation=24)),
    ("S2a", others(), others(segmentation__both=36)),
    ("S2b", others(), others(segmentation__decoder=36)),
    ("S2", others(), others(segmentation__both=36, segmentation__decoder=36)),
    ("S3", speeds(35), speeds(100)),
    (
        "S4",
        others(segmentation=36, reconstruction=36),
        others(classification=36),
    ),
    ("S5a", s5(segmentation=36), s5(segmentation=24)),
    ("S5b", s5(segmentation=36), s5(segmentation=24)),
    ("S5", s5(segmentation=36), s5(segmentation=24)),
    ("S6a", others(contrastive_reconstruction=36), others(contrastive_reconstruction=24)),
    ("S6b", others(contrastive_reconstruction=36), others(contrastive_reconstruction=24)),
    ("S6c", others(), others(contrastive_reconstruction=24)),
    ("S6", others(contrastive_reconstruction=36), others(contrastive_reconstruction=24)),
]

# Claim, results without an effect (or just at the margin), and the chance of each wrong verdict.
NOTHING = [
    ("S1", others(), {"supported": 0.025, "contradicted": 0.025}),
    ("S2a", others(segmentation__both=32), {"supported": 0.05, "contradicted": 0.05}),
    ("S2b", others(segmentation__decoder=32), {"supported": 0.025}),
    ("S2", others(segmentation__both=32, segmentation__decoder=32), {"supported": 0.025}),
    ("S3", speeds(60), {"supported": 0.025, "contradicted": 0.025}),
    ("S4", others(), {"supported": 0.025, "contradicted": 0.05, "mixed": 0.05}),
    ("S5a", s5(), {"supported": 0.025, "contradicted": 0.025}),
    ("S5b", s5(), {"supported": 0.025, "contradicted": 0.025}),
    ("S5", s5(), {"supported": 0.025, "contradicted": 0.05, "mixed": 0.025}),
    ("S6a", others(), {"supported": 0.025, "contradicted": 0.025}),
    ("S6b", others(), {"supported": 0.025, "contradicted": 0.025}),
    ("S6c", others(contrastive_reconstruction=28), {"supported": 0.025}),
    ("S6", others(), {"supported": 0.025}),
]


def shares(claim, make, runs):
    rng = np.random.default_rng(5)
    statuses = [judge(claim, make(rng)).status for _ in range(runs)]
    return {status: statuses.count(status) / runs for status in set(statuses)}


@pytest.mark.parametrize(("claim", "effect", "opposite"), EFFECTS, ids=[claim for claim, *_ in EFFECTS])
def test_an_effect_is_found_and_its_opposite_contradicted(claim, effect, opposite):
    assert shares(claim, effect, 10).get("supported", 0) >= 0.8
    assert shares(claim, opposite, 10).get("contradicted", 0) >= 0.8


def too_often(claim, make, chances, runs):
    """Wrong verdicts that come more often than in 99.9 % of simulations with their chance."""
    found = shares(claim, make, runs)
    most = {status: stats.binom.ppf(0.999, runs, chance) / runs for status, chance in chances.items()}
    return {status: found[status] for status, bound in most.items() if found.get(status, 0) > bound}


@pytest.mark.parametrize(("claim", "make", "chances"), NOTHING, ids=[claim for claim, *_ in NOTHING])
def test_without_an_effect_wrong_verdicts_are_rare(claim, make, chances):
    assert too_often(claim, make, chances, 10) == {}


@pytest.mark.slow
@pytest.mark.parametrize(("claim", "make", "chances"), NOTHING, ids=[claim for claim, *_ in NOTHING])
def test_without_an_effect_wrong_verdicts_are_as_rare_as_stated(claim, make, chances):
    assert too_often(claim, make, chances, 200) == {}


def test_every_rule_has_its_rates_tested_and_says_what_holds_and_fails():
    found = {claim.id: claim for claim in claims("segmentation")}
    assert set(found) == {claim for claim, *_ in EFFECTS} == {claim for claim, *_ in NOTHING}
    assert all(one.positive and one.negative and "assay" in one.rule for one in found.values())
    assert {name: one.version for name, one in found.items() if one.version == 1}.keys() == {
        "S2a", "S2b", "S5a", "S5b", "S6c",
    }  # fmt: skip
    assert found["S2b"].source == found["S6b"].source == found["S6c"].source == "ours"


def test_equivalence_takes_ten_seeds_and_has_two_sides():
    rng = np.random.default_rng(1)
    nine = {name: run.isel(seed=slice(9)) for name, run in simulated(rng).items()}
    assert judge("S2a", nine).status == judge("S2b", nine).status == "undecided"
    assert judge("S2a", simulated(rng, segmentation__both=24)).status == "contradicted"
    # Alone, a decoder that harms does not help.
    assert judge("S2b", simulated(rng, segmentation__decoder=24)).status == "supported"
    mixed = judge("S2", simulated(rng, segmentation__decoder=36))
    assert mixed.status == "mixed" and [part.status for part in mixed.parts] == ["supported", "contradicted"]


def test_not_above_0_is_contradicted_by_any_gain():
    steady = np.linspace(-0.1, 0.1, 10)
    assert not_above("x", 1.0 + steady).status == "contradicted"
    assert not_above("x", steady).status == not_above("x", steady - 3).status == "supported"
    assert not_above("x", 1.0 + 30 * steady).status == "undecided"
    assert not_above("x", 1.0 + steady[:4]).status == "undecided"


def test_s2_and_s3_hold_pairs_at_one_rate():
    """Both reach more, but only at the rate that the encoder's validation pictures do not choose."""
    rng = np.random.default_rng(2)
    encoder = {"points": [30, 29], "choose": 0, "spread": 0.1}
    both = {"points": [30, 36], "choose": 1, "spread": 0.1, "rise": [60, 20]}
    runs = simulated(rng, segmentation=encoder, segmentation__both=both)
    even = judge("S2a", runs)
    assert even.parts[0].estimate == pytest.approx(0, abs=0.3)
    assert even.status == "mixed" and even.note.startswith("Mixed (rate)")
    assert judge("S3", runs).parts[0].estimate == pytest.approx(0, abs=0.1)


def test_a_verdict_that_a_fixed_rate_turns_round_is_mixed():
    rng = np.random.default_rng(3)
    turned = judge("S1", simulated(rng, segmentation=[40, 20]))
    assert turned.status == "mixed" and turned.parts[0].low > 0
    assert turned.note.startswith("Mixed (rate): the sign flips between the rates.")
    assert "at rate 0.001" in turned.note and "at rate 0.003" in turned.note
    steady = judge("S1", simulated(rng, segmentation=[40, 34]))
    assert steady.status == "supported" and "Mixed" not in steady.note
    assert steady.note.count("points at rate") == 2
    # What is not decided has no sign to flip.
    open_still = judge("S1", simulated(rng, segmentation={"points": [31, 29], "spread": 8}))
    assert open_still.status == "undecided"
    turning = {
        "segmentation": {"choose": 0, "spread": 0.2},
        "segmentation__both": {"rise": [30, 200], "spread": 0.2},
    }
    faster = judge("S3", simulated(rng, **turning))
    assert faster.status == "mixed" and faster.parts[0].high < 0


def test_a_run_that_never_gets_there_cannot_support_that_it_is_faster():
    rng = np.random.default_rng(4)
    runs = speeds(5)(rng)
    assert judge("S3", runs).status == "supported"
    for name in ("curve_miou", "rate_curve_miou"):
        runs["segmentation, both"][name][0] *= 0.5
    verdict = judge("S3", runs)
    assert verdict.parts[0].high < 0  # by the numbers alone it would be faster
    assert verdict.status == "undecided" and "never reached 3 times of 30" in verdict.note


def test_s4_needs_both_calls_one_alone_mixed_and_wants_another_set_of_classes():
    rng = np.random.default_rng(6)
    assert judge("S4", simulated(rng, segmentation=36)).status == "mixed"
    assert judge("S4", simulated(rng, segmentation=36, reconstruction=24)).status == "mixed"
    runs = simulated(rng, segmentation=36, reconstruction=36)
    for name, run in runs.items():
        config = {**json.loads(run.attrs["config"]), "source": "camvid-source", "dataset": "camvid"}
        runs[name] = run.assign_attrs(config=json.dumps(config))
    verdict = judge("S4", runs)
    assert verdict.status == "undecided" and "one set of classes" in verdict.note
    assert all(part.low > 0 for part in verdict.parts)


def test_s5_wants_pre_training_to_start_from_imagenet():
    rng = np.random.default_rng(7)
    runs = simulated(rng, segmentation=36)
    for name in ("S5a", "S5b", "S5"):
        verdict = judge(name, runs)
        assert verdict.status == "undecided" and "the data are not matched" in verdict.note
        assert verdict.parts == ()
    half = judge("S5", all_from_imagenet(simulated(rng, segmentation=36, imagenet=42)))
    assert half.status == "mixed" and [part.status for part in half.parts] == ["contradicted", "supported"]


def test_the_proposal_must_beat_contrast_and_not_fall_behind_labels():
    rng = np.random.default_rng(8)
    behind = judge("S6", simulated(rng, contrastive_reconstruction=36, segmentation=42))
    assert behind.status == "mixed"
    assert [part.bound for part in behind.parts] == ["above 0", "above 0", "above −2", "above −2"]


def test_another_measure_of_quality_is_read_where_it_is_asked_for():
    """Dice turned upside down: what mean IoU supports it contradicts, in its own words."""
    runs = simulated(np.random.default_rng(9), segmentation=36)
    usual, other = judge("S1", runs), judge("S1", runs, "Dice")
    assert (usual.status, other.status) == ("supported", "contradicted")
    assert usual.parts[0].name == "mean IoU, points, encoder − nothing" and usual.parts[0].unit == "points"
    assert other.parts[0].name == "mean Dice score, points, encoder − nothing"
    assert "−6" in other.note or "−5" in other.note  # the fixed rates by the same measure


def test_missing_conditions_are_not_run_and_few_seeds_decide_nothing():
    runs = simulated(np.random.default_rng(10), segmentation=36)
    missing = judge("S5a", {name: run for name, run in runs.items() if name != "imagenet"})
    assert missing.status == "not run" and missing.parts == () and "imagenet" in missing.note
    few = {name: run.isel(seed=slice(4)) for name, run in runs.items() if "assay" not in name}
    assert judge("S1", {**runs, **few}).status == "undecided"


# --- the assay


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"few": 26.0, "many": 27.0}, "from 10 % to 100 % of the labels nothing transferred gains "),
        ({"known": 24.0}, "ImageNet's encoder is not seen to help"),
        ({"known": 18.0}, "ImageNet's encoder is not seen to help"),
    ],
)
def test_an_assay_that_fails_decides_nothing_and_says_why(wrong, words):
    rng = np.random.default_rng(11)
    runs = simulated(rng, segmentation=36)
    assert judge("S1", runs).status == "supported" and cannot_tell(runs, ("none", "segmentation")) == ""
    verdict = judge("S1", {**runs, **assay(rng, **wrong)})
    assert verdict.status == "undecided" and verdict.note.startswith("The assay cannot tell: ")
    assert words in verdict.note and all(part.status == "undecided" for part in verdict.parts)


@pytest.mark.parametrize(
    ("level", "words"),
    [("majority", "the commonest class"), ("threshold", "one brightness"), ("otsu", "Otsu's threshold")],
)
def test_every_level_without_a_network_must_be_passed(level, words):
    runs = simulated(np.random.default_rng(12), segmentation=36)
    for name in ("segmentation", "none"):
        runs[name]["baseline"].loc[{"baseline_name": level}] = 0.35  # the better one is at 36
    assert "cannot tell" not in judge("S1", runs).note
    for name in ("segmentation", "none"):
        runs[name]["baseline"].loc[{"baseline_name": level}] = 0.365
    verdict = judge("S1", runs)
    assert verdict.status == "undecided" and f"(segmentation) does not lie above {words}" in verdict.note


@pytest.mark.parametrize(
    ("missing", "words"),
    [
        ("assay: none, 1", "nothing transferred was not run from 10 % to 100 %"),
        ("assay: imagenet", "ImageNet's encoder was not run"),
    ],
)
def test_an_assay_that_was_not_run_tells_nothing(missing, words):
    runs = simulated(np.random.default_rng(13), segmentation=36)
    verdict = judge("S1", {name: run for name, run in runs.items() if name != missing})
    assert verdict.status == "undecided" and words in verdict.note


def test_the_assay_asks_for_equal_rates_too_and_for_five_seeds():
    rng = np.random.default_rng(14)
    runs = simulated(rng, segmentation=36)
    other = replicates(rng, 28.0, 5, fraction=1.0, rates=(1e-3, 1e-2))
    assert "different rates from 10 %" in judge("S1", {**runs, "assay: none, 1": other}).note
    three = runs["assay: imagenet"].isel(seed=slice(3))
    assert "n = 3" in judge("S1", {**runs, "assay: imagenet": three}).note


# --- pairs that are not pairs


def condition(run, rate, **settings):
    """A run as version 1 had it: one rate, chosen for all seeds."""
    config = {**json.loads(run.attrs["config"]), "choice": "condition", **settings}
    names = [name for name in run.data_vars if str(name).startswith("rate_")]
    plain = run.drop_vars(names).assign(rate=("seed", np.full(run.sizes["seed"], rate, np.float32)))
    return plain.assign_attrs(config=json.dumps(config))


@pytest.mark.parametrize("claim", ["S1", "S2a", "S2b", "S3", "S4", "S6a", "S6b", "S6c"])
def test_pairs_at_different_rates_are_withdrawn_and_have_no_number(claim):
    """The effect is large, and every pair has two rates; at one rate the same runs are supported."""
    rng = np.random.default_rng(15)
    runs = simulated(rng, segmentation__both={"rise": 20}, segmentation=36, reconstruction=36)
    runs |= {PROPOSAL: replicates(rng, 42)}
    runs["segmentation, both"] = replicates(rng, 36, rise=20, spread=0.5)
    rates = dict.fromkeys(NAMES, 3e-4) | {
        "segmentation": 1e-3, "segmentation, decoder": 1e-3, "reconstruction": 1e-3, PROPOSAL: 3e-3,
    }  # fmt: skip
    apart = {name: condition(run, rates[name]) for name, run in runs.items() if name in rates}
    verdict = judge(claim, {**runs, **apart})
    assert verdict.status == "undecided" and verdict.parts == ()
    assert "the two conditions ran at different rates: withdrawn (0." in verdict.note
    together = {name: condition(run, 1e-3) for name, run in runs.items() if name in rates}
    verdict = judge(claim, {**runs, **together})
    assert verdict.status == "supported" and "withdrawn" not in verdict.note


def test_of_several_pairs_those_at_one_rate_keep_their_numbers():
    rng = np.random.default_rng(16)
    runs = simulated(rng, segmentation=36, reconstruction=36)
    rates = {"segmentation": 1e-3, "reconstruction": 3e-3, "classification": 3e-3}
    verdict = judge("S4", {**runs, **{name: condition(runs[name], rate) for name, rate in rates.items()}})
    (part,) = verdict.parts
    assert verdict.status == part.status == "undecided"
    assert part.name.endswith("reconstruction − classification")


def test_what_counts_is_the_rate_that_was_run_not_what_it_was_chosen_from():
    rng = np.random.default_rng(17)
    a, b = (condition(replicates(rng, 30), rate, rates=[rate]) for rate in (1e-3, 3e-4))
    again = condition(replicates(rng, 30), 1e-3, rates=[3e-4, 1e-3, 3e-3], choice_steps=7)
    assert trained_at(a) == trained_at(again) == [0.001] and trained_at(b) == [0.0003]
    assert withdrawn(a, again) == ""
    assert "(0.001 against 0.0003)" in withdrawn(a, b)
    assert withdrawn(a, condition(replicates(rng, 30), 1e-3, crop=96)) == (
        "the two conditions differ in crop: withdrawn"
    )
    # Replicates that choose their own rates may end at different ones; what they choose from is the same.
    low, high = replicates(rng, 30, choose=0), replicates(rng, 30, choose=1)
    assert withdrawn(low, high) == ""
    found = contrast("x", a, b, lambda *_: pytest.fail("compared"))
    assert found.part is None and found.note.startswith("x: the two conditions ran at different rates")
