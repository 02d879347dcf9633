"""Rules of study 2 on simulated results, Holm's correction, and the authors' numbers beside ours."""

import json
import operator
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from reprise.claims import claims, judge
from reprise.claims.cases import runs_by_name
from reprise.claims.claim import find_claim
from reprise.claims.verdict import above_holm
from reprise.engine.study import study
from reprise.studies.transfer import authors, endpoints, findings, tables, tables_authors
from reprise.studies.transfer.rules import TARGETS
from reprise.studies.transfer.rules_freezing import CONTRASTS
from reprise.studies.transfer.states import MEASURES, REFERENCES

LAYERS = ["pool1", "pool2", "pool3", "pool4", "logits"]


def simulated(rng, kept, accuracy=0.7, images=1024, noise=0.01, losses=(2.3, 1.0, 0.1), seeds=5, **config):
    """Units with a chosen similarity by layer to every reference, reached in two steps from 1."""
    seeds = np.arange(1, seeds + 1)
    end = np.broadcast_to(np.asarray(kept, float), (len(LAYERS),))
    own = end + rng.normal(0, noise, (len(seeds), len(LAYERS)))
    curve = np.stack([np.ones_like(own), (1 + own) / 2, own], -1)[:, None, None]
    shape = (len(seeds), len(REFERENCES), len(MEASURES), len(LAYERS), 3)
    settings = {
        "dataset": "cifar10-jpeg", "model": "conv4", "target": "none", "epoch_steps": 0,
        "target_shift": False, "start": "pretrained", "moving": "all", "noise": 0, "target_noise": 0,
        "images": images, "target_images": 5000,
    } | config  # fmt: skip
    dims = ("seed", "reference", "measure", "layer", "epoch")
    hits = accuracy + rng.normal(0, 0.002, (len(seeds), 1))
    return xr.Dataset(
        {
            "similarity": (dims, np.broadcast_to(curve, shape).copy()),
            "test_accuracy": (("seed", "epoch"), np.tile(hits, 3)),
            "tested": ("seed", np.full(len(seeds), 5000)),
            "train_loss": (("seed", "epoch"), np.tile(losses, (len(seeds), 1))),
        },
        coords={
            "seed": ("seed", seeds),
            "reference": list(REFERENCES),
            "measure": list(MEASURES),
            "layer": LAYERS,
            "epoch": [0, 1, 2],
            "images": images,
        },
        attrs={"config": json.dumps(settings), "preset": "none"},
    )


@pytest.fixture
def rng():
    return np.random.default_rng(3)


HEAD_MOST, BODY_MOST = [0.99, 0.97, 0.92, 0.8, 0.3], [0.99, 0.97, 0.92, 0.5, 0.7]


def test_t1_is_mixed_where_targets_disagree(rng):
    both = {"true labels": simulated(rng, BODY_MOST), "random labels": simulated(rng, HEAD_MOST)}
    assert judge("T1", both).status == "mixed"
    assert judge("T1", {name: simulated(rng, HEAD_MOST) for name in TARGETS}).status == "supported"
    assert judge("T1", {name: simulated(rng, BODY_MOST) for name in TARGETS}).status == "contradicted"
    assert judge("T1", {name: simulated(rng, HEAD_MOST, seeds=4) for name in TARGETS}).status == "undecided"
    verdict = judge("T1", both)
    assert len(verdict.parts) == 4 and verdict.parts[0].estimate == pytest.approx(-0.2, abs=0.02)


def test_what_is_missing_keeps_a_verdict_open_and_is_named(rng):
    alone = judge("T1", {"true labels": simulated(rng, BODY_MOST)})
    assert alone.status == "undecided" and "Not run: shifted labels; random labels" in alone.note
    runs = {
        f"true labels, 100 images, {moving}": simulated(
            rng, HEAD_MOST, accuracy=0.5 + 0.2 * (moving == "all")
        )
        for moving in ("all", "after-2")
    }
    assert judge("T2", runs).status == "undecided"
    assert "Not run: other domain, 100 images" in judge("T2", runs).note


def test_every_claim_finds_its_runs_by_name(rng):
    base = simulated(rng, HEAD_MOST)
    one = simulated(rng, HEAD_MOST)
    families = {
        "targets": dict.fromkeys(TARGETS, one),
        "fresh": dict.fromkeys(TARGETS, one),
        "noise": {"true labels": base, "random labels": one},
        "sizes": {f"{n} images": simulated(rng, HEAD_MOST, images=n) for n in (64, 256, 1024)},
        "equal-steps": {
            f"{n} images, 32 steps an epoch": simulated(rng, HEAD_MOST, images=n) for n in (64, 256, 1024)
        },
        "freezing": {
            f"{domain}, 100 images, {moving}": one
            for domain in ("true labels", "other domain")
            for moving in ("all", "after-1", "after-2", "head")
        },
        "statistics": {f"{d}, 100 images, after-2": one for d in ("true labels", "other domain")},
        "target-degrees": {f"true labels, degree {d}": one for d in (0, 1, 2, 4, 9)},
    }

    def judge_all(families):
        runs = {"pre-training": base} | runs_by_name(claims("transfer"), families)
        return {claim.id: judge(claim.id, runs) for claim in sorted(claims("transfer"), key=lambda c: c.id)}

    judged = judge_all(families)
    assert {claim for claim, verdict in judged.items() if verdict.status == "not run"} == set()
    assert len(judged["T4"].parts) == 10 and len(judged["T2"].parts) == 9
    nothing = judge_all({})
    assert {verdict.status for verdict in nothing.values()} == {"not run"}
    assert tuple(judged) == ("T1", "T1b", "T2", "T3", "T3a", "T3b", "T3c", "T3d", "T4")


def test_t1_needs_both_kinds_of_cka(rng):
    run = simulated(rng, HEAD_MOST)
    debiased = MEASURES.index("cka-linear-debiased")
    run["similarity"][:, :, debiased, -1] = 0.95
    verdict = judge("T1", {"other domain": run})
    assert verdict.status == "undecided" and "disagree on other domain" in verdict.note


def frozen(rng, gains, counts=(100, 500), accuracy=0.6):
    """T2's runs: by way of freezing and domain, what freedom adds to accuracy."""
    runs = {}
    for domain in ("true labels", "other domain"):
        for n in counts:
            free = simulated(rng, HEAD_MOST, accuracy=accuracy)
            runs[f"{domain}, {n} images, all"] = free
            for name, (within, across) in gains.items():
                gain = within if domain == "true labels" else across
                less = simulated(rng, HEAD_MOST, accuracy=accuracy - gain)
                runs[name.format(f"{domain}, {n} images")] = less
    return runs


BLOCKS, WEIGHTS, HEAD = CONTRASTS.values()


def test_t2_needs_a_gain_on_both_domains_and_a_larger_one_across(rng):
    def verdict(*pair):
        return judge("T2", frozen(rng, dict.fromkeys(CONTRASTS.values(), pair)))

    assert verdict(0.05, 0.2).status == "supported"
    assert len(verdict(0.05, 0.2).parts) == 3 * (4 + 2)
    assert verdict(0.2, 0.05).status == "mixed"
    assert verdict(-0.05, -0.2).status == "contradicted"
    assert judge("T2", {"true labels, 100 images, all": simulated(rng, HEAD_MOST)}).status == "not run"


def test_t2_tells_frozen_weights_from_frozen_statistics(rng):
    """What version 1 took for a gain of early weights may be one of their statistics."""
    gains = {BLOCKS: (0.05, 0.2), WEIGHTS: (-0.05, -0.2), HEAD: (0.05, 0.2)}
    runs = frozen(rng, gains)
    verdict = judge("T2", runs)
    assert verdict.status == "mixed"
    assert "weights of the first two blocks frozen: contradicted" in verdict.note
    assert former("T2").judge(runs).status == "supported"
    del gains[WEIGHTS]
    open_ = judge("T2", frozen(rng, gains))
    assert open_.status == "undecided" and "Not run: weights of the first two blocks frozen" in open_.note


def tuned(rng, kept, debiased=None, **config):
    """Units with a chosen similarity of the conv layers to the pre-trained network; debiased another one."""
    run = simulated(rng, [0.99, 0.97, 0.9, kept, 0.5], **config)
    if debiased is not None:
        own = simulated(rng, [0.99, 0.97, 0.9, debiased, 0.5], **config)
        k = MEASURES.index(endpoints.DEBIASED)
        run["similarity"][:, :, k] = own["similarity"][:, :, k]
    return run


def labels(rng, true, random, shifted=(0.8, 0.5), **config):
    """T3's runs: similarity to the pre-trained network, fine-tuned and fresh, by what was learned."""
    runs = {}
    for name, (own, fresh) in {"true": true, "random": random, "shifted": shifted}.items():
        runs[f"{name} labels"] = tuned(rng, own, **config)
        runs[f"fresh: {name} labels"] = tuned(rng, fresh, start="fresh", **config)
    return runs


def statuses(runs):
    return [judge(claim, runs).status for claim in ("T3a", "T3b", "T3c", "T3")]


def former(claim):
    """The claim as version 1 judged it."""
    return find_claim(claim).former[-1]


def test_t3_holds_where_only_random_labels_erase(rng):
    assert statuses(labels(rng, true=(0.8, 0.5), random=(0.35, 0.34))) == ["supported"] * 4


def test_t3_is_not_about_what_would_be_learned_anyway(rng):
    """Where a fresh network gets as far, nothing was kept: version 1 supported such units."""
    relearned = labels(rng, true=(0.8, 0.8), random=(0.35, 0.34), shifted=(0.8, 0.8), noise=0.005)
    assert statuses(relearned) == ["undecided", "mixed", "supported", "mixed"]
    assert [former(claim).judge(relearned).status for claim in ("T3a", "T3b")] == ["supported"] * 2
    specific = judge("T3b", relearned).parts[1]
    assert specific.status == "contradicted" and "specificity" in specific.name


def test_t3_fails_where_random_labels_keep_as_much(rng):
    kept = labels(rng, true=(0.8, 0.5), random=(0.6, 0.3))
    assert statuses(kept)[1] == "mixed" and judge("T3b", kept).parts[0].status == "contradicted"
    more = labels(rng, true=(0.7, 0.6), random=(0.6, 0.3))
    assert statuses(more)[:1] == ["contradicted"]


def test_t3c_fails_where_shifted_labels_keep_nothing(rng):
    verdict = judge("T3c", labels(rng, true=(0.8, 0.5), random=(0.35, 0.34), shifted=(0.5, 0.5)))
    assert verdict.parts[0].status == "contradicted" and verdict.status in ("contradicted", "mixed")
    assert "true labels 0.30, shifted 0.0" in verdict.note


def test_t3_is_mixed_where_the_measures_disagree(rng):
    runs = labels(rng, true=(0.8, 0.5), random=(0.35, 0.34))
    runs["random labels"] = tuned(rng, 0.35, debiased=0.6)
    verdict = judge("T3b", runs)
    assert verdict.status == "mixed"
    assert "supported by cka-linear, mixed by cka-linear-debiased" in verdict.note
    assert {part.name.rpartition("(")[2] for part in verdict.parts} == {
        "cka-linear)",
        "cka-linear-debiased)",
    }


def test_t3_errs_as_rarely_as_it_says(rng):
    """Without any difference of the excesses T3a is supported in at most one of forty, T3b never."""
    found = {"T3a": 0, "T3b": 0}
    for _ in range(100):
        same = labels(rng, true=(0.6, 0.5), random=(0.6, 0.5), noise=0.03)
        for claim in found:
            found[claim] += judge(claim, same).status == "supported"
    assert found["T3a"] <= 6 and found["T3b"] == 0


def test_excess_is_read_where_all_have_the_same_training_loss(rng):
    slow = simulated(rng, HEAD_MOST, losses=(2.0, 1.0, 0.5), noise=0)
    fast = simulated(rng, HEAD_MOST, losses=(2.0, 1.0, 0.0), noise=0)
    (found,) = endpoints.excess((fast, slow))
    assert found.dims == ("seed", "layer")
    # half way between 0.9 at loss 1 and 0.8 at loss 0, minus 0.8
    np.testing.assert_allclose(found.sel(layer="pool4"), 0.05)
    same, other = endpoints.excess((fast, fast), (slow, slow))
    np.testing.assert_allclose([same, other], 0)


def test_t1b_follows_the_head_over_degrees_of_noise(rng):
    def degrees(logits):
        return {
            f"true labels, degree {d}": simulated(rng, [0.99, 0.97, 0.92, 0.6, kept])
            for d, kept in zip((0, 1, 2, 4, 9), logits, strict=True)
        }

    assert judge("T1b", degrees((0.7, 0.55, 0.4, 0.25, 0.05))).status == "supported"
    assert judge("T1b", degrees((0.05, 0.25, 0.4, 0.55, 0.7))).status == "contradicted"
    assert judge("T1b", degrees((0.7, 0.7, 0.7, 0.7, 0.7))).status in ("mixed", "contradicted")
    assert judge("T1b", dict(list(degrees([0.1] * 5).items())[:4])).status == "not run"


def test_t3_compares_at_equal_training_loss(rng):
    """A run that trained further is read where its loss was that of the other."""
    true = simulated(rng, HEAD_MOST, losses=(2.0, 1.0, 0.0), noise=0)
    slow = simulated(rng, HEAD_MOST, losses=(2.0, 1.0, 0.5), noise=0)
    fast, whole = endpoints.at_equal_loss(true, slow, "pretrained")
    np.testing.assert_allclose(whole, 0.8)
    np.testing.assert_allclose(fast, 0.85)  # half way between 0.9 at loss 1 and 0.8 at loss 0


def test_t3d_compares_two_pre_trainings(rng):
    runs = {
        "pre-training: true labels": simulated(rng, [0.99, 0.95, 0.9, 0.6, 0.2]),
        "pre-training: random labels": simulated(rng, [0.99, 0.95, 0.9, 0.4, 0.2]),
    }
    assert judge("T3d", runs).status == "supported"
    assert judge("T3d", dict(zip(runs, reversed(runs.values()), strict=True))).status == "contradicted"
    assert judge("T3d", runs).note == "At 1024 images to train on; of other numbers nothing is said."


def test_t4_needs_both_designs(rng):
    def design(name, sign):
        sizes = (64, 256, 1024, 4096)
        return {
            f"{name}: {n} images": simulated(rng, np.array(HEAD_MOST) - sign * 0.1 * i, images=n)
            for i, n in enumerate(sizes)
        }

    rising, falling = design("equal epochs", 1), design("equal steps", -1)
    assert judge("T4", {**rising, **design("equal steps", 1)}).status == "supported"
    assert judge("T4", {**rising, **falling}).status == "mixed"
    alone = judge("T4", rising)
    assert alone.status == "undecided" and "Only equal epochs" in alone.note
    assert all(former("T4").judge(runs).note != judge("T4", runs).note for runs in (rising, falling))
    slope = endpoints.slope_over_images(list(rising.values())).sel(layer="pool4").mean()
    assert float(slope) == pytest.approx(0.1 / np.log10(4), abs=0.01)


def test_t4_names_where_change_has_reached_its_end(rng):
    runs = {}
    for i, n in enumerate((64, 256, 1024)):
        run = simulated(rng, np.array([0.99, 0.95, 0.9, 0.8, 0.7]) - 0.1 * i, images=n, noise=0.005)
        run["similarity"][:, REFERENCES.index("fresh")] = 0.72
        runs[f"equal epochs: {n} images"] = run
    note = judge("T4", runs).note
    assert "equal epochs, 64 images (logits), 256 images (pool4, logits), 1024 images (pool3, " in note
    runs = {name: run.copy(deep=True) for name, run in runs.items()}
    for run in runs.values():
        run["similarity"][:, REFERENCES.index("fresh")] = 0.1
    assert "Every layer is more similar to its own start" in judge("T4", runs).note


def test_holm_tests_the_clearest_first_and_stops(rng):
    clear, weak = 1 + rng.normal(0, 0.1, 5), np.array([0.2, 1.1, -0.1, 0.9, 0.4])
    parts = above_holm({"weak": weak, "clear": clear, "few": clear[:4]})
    assert [part.name for part in parts] == ["weak", "clear", "few"]
    assert [part.status for part in parts] == ["undecided", "supported", "undecided"]
    assert parts[1].level == pytest.approx(1 - 0.05 / 3)
    # What stands behind an undecided one is undecided, however clear it would be alone.
    assert [part.status for part in above_holm({"a": clear, "b": weak})] == ["supported", "undecided"]


def test_holm_keeps_the_chance_of_any_error(rng):
    wrong = 0
    for _ in range(400):
        parts = above_holm({str(i): rng.normal(0, 1, 5) for i in range(4)})
        wrong += any(part.status in ("supported", "contradicted") for part in parts)
    assert wrong / 400 < 0.08


def test_seeds_are_paired_by_number(rng):
    first, second = simulated(rng, HEAD_MOST), simulated(rng, HEAD_MOST)
    turned = second.isel(seed=[4, 2, 0])
    kept = operator.sub(*(endpoints.similarity(run).sel(layer="pool4") for run in (first, turned)))
    expected = first["similarity"] - second["similarity"]
    np.testing.assert_allclose(
        kept.values, expected.isel(seed=[0, 2, 4], reference=0, measure=0, epoch=-1).sel(layer="pool4")
    )


ROOT = Path(__file__).parents[2]


def test_the_authors_table_is_whole():
    rows = authors.read_table(ROOT)
    assert len(rows) == 35 and {row.layer for row in rows} == set(LAYERS)
    (row,) = [r for r in rows if (r.stage, r.images, r.layer) == ("training", 64, "logits")]
    assert (row.mean, row.sd, row.seeds) == (0.3536, 0.0487, 5) and row.test_accuracy == pytest.approx(
        0.20988
    )


def test_ours_stand_beside_the_authors(rng):
    rows = authors.read_table(ROOT)
    ours = simulated(rng, [0.9978, 0.9706, 0.8951, 0.485, 0.4], images=1024)
    other = simulated(rng, HEAD_MOST, images=1024, epoch_steps=5)
    found = authors.beside(rows, {"other": other, "ours": ours})
    here = {
        row.published.layer: row
        for row in found
        if row.published.condition == "training, cifar10, 1024 images"
    }
    assert [row.matches for row in here.values()] == [True, True, True, True, False]
    logits = here["logits"]
    values = endpoints.similarity(ours).sel(layer="logits").values
    difference = values.mean() - 0.1971
    assert logits.joint_deviations == pytest.approx(difference / np.hypot(values.std(ddof=1), 0.0354))
    errors = np.sqrt(values.var(ddof=1) / 5 + 0.0354**2 / 5)
    assert logits.standard_errors == pytest.approx(difference / errors)
    missing = [row for row in found if row.published.images == 64]
    assert len(missing) == 5 and all(row.matches is None and np.isnan(row.mean) for row in missing)


def test_what_was_not_run_is_named_with_its_command(rng):
    transfer = study("transfer")
    config = transfer.configure("laptop", {})
    three, five = simulated(rng, HEAD_MOST, seeds=3), simulated(rng, HEAD_MOST)
    found = {"targets": {"true labels": five, "random labels": three}, "noise": {}}
    assert tables.missing(transfer, config, (1, 2, 3, 4, 5), found) == {
        "targets": [
            "shifted labels (0 of 5 seeds)",
            "random labels (3 of 5 seeds)",
            "other domain (0 of 5 seeds)",
        ],
        "noise": ["true labels (0 of 5 seeds)", "random labels (0 of 5 seeds)"],
    }
    whole = dict.fromkeys(transfer.family("noise", config), five)
    assert tables.missing(transfer, config, (1, 2, 3, 4, 5), {"noise": whole}) == {}
    said = tables.not_run("reprise run transfer --preset laptop --seeds 1..5", "targets", "fresh")
    assert "`reprise run transfer --preset laptop --seeds 1..5 --family targets --family fresh`" in said


def test_the_audit_says_what_matters_seed_against_seed(rng):
    described = simulated(rng, HEAD_MOST, seeds=3, noise=0.001)
    lower = described.copy(deep=True)
    lower["similarity"].loc[{"layer": "pool4", "epoch": 2}] -= np.array([0.1, 0.11, 0.12])[:, None, None]
    wide = described.copy(deep=True)
    wide["similarity"].loc[{"layer": "pool4", "epoch": 2}] -= np.array([-0.2, 0.3, 0.1])[:, None, None]
    runs = {"x, as described": described, "x, cut": lower, "x, same": described, "x, noisy": wide}
    found = findings.effects(runs, "x, as described", "start")
    words = {(e.finding, e.quantity): e.word for e in found}
    assert words["x, cut", "pool4"] == "matters" and words["x, noisy", "pool4"] == "not told apart"
    assert words["x, cut", "pool1"] == words["x, same", "pool4"] == "no difference"
    matter = findings.which_matter(found)
    assert [e.quantity for e in matter["x, cut"]] == ["pool4"] and not matter["x, same"]
    assert matter["x, cut"][0].difference.mean == pytest.approx(-0.11)
    words = tables.outcomes(found)
    assert words["cut"].startswith("**matters**: pool4 −0.11 [") and words["same"] == "changes nothing"
    assert words["noisy"].startswith("no difference that could be told from 0")
    table = tables.audit(found)
    assert "| cut | +0.000 [+0.000, +0.000] |" in table and "**−0.110 [" in table
    with pytest.raises(ValueError, match="no condition 'x'; there are: x, as described"):
        findings.effects(runs, "x", "start")


def test_tables_hold_the_numbers_and_show_what_differs(rng):
    ours = simulated(rng, [0.9978, 0.9706, 0.8951, 0.485, 0.4], images=1024)
    rows = authors.beside(authors.read_table(ROOT), {"ours": ours})
    text = tables_authors.beside_authors(rows)
    lines = [line.split("|")[1:-1] for line in text.splitlines()]
    assert {len(line) for line in lines} == {7} and lines[0][2:] == [f" {name} " for name in LAYERS]
    assert [line[1] for line in lines].count(" ours ") == text.count("*not run*") == 6
    (apart,) = (line[2:] for line in lines if line[1] == " apart, sd / se ")
    assert [cell.startswith(" **+") for cell in apart] == [False] * 4 + [True]
    logits = next(row for row in rows if row.seeds and row.published.layer == "logits")
    distances = f"{logits.joint_deviations:+.1f}\u202f/\u202f{logits.standard_errors:+.1f}"
    assert distances.replace("-", "−") in apart[4]
    said = tables_authors.agreement(rows)
    close = sum(abs(row.standard_errors) <= authors.BOUND for row in rows if row.seeds)
    assert f"Of 5 rows to compare, 4 agree within 2 joint standard deviations, {close} within 2" in said
    below = sum(row.difference < 0 for row in rows if row.seeds)
    assert f"Of 5 rows of training (1 condition) {below} lie below theirs" in tables_authors.sides(rows)
    assert tables_authors.sides([row for row in rows if not row.seeds]) == ""
    assert "4 agree" in said and "1024 images, logits (+" in said
    assert "Not run: fine-tuning, svhn, 5000 images, noise 9" in said
    assert "0.1971" not in text and "0.197\u202f±\u202f0.035" in text
    ours["train_accuracy"] = ours["test_accuracy"]
    table = tables.results({"1024 images": ours}, "start")
    mean = 100 * float(ours["test_accuracy"].isel(epoch=-1).mean())
    assert f"| 1024 images | 5 | {mean:.1f} [" in table and " 0.40" in table
    single = authors.beside(authors.read_table(ROOT), {"ours": ours.isel(seed=[0])})
    assert "None of the authors' 35 rows" in tables_authors.agreement(single)


def test_the_table_of_frozen_blocks_says_what_freedom_gains(rng):
    accuracies = {"all": 0.6, "after-2": 0.5, "head": 0.6}
    runs = {
        f"{domain}, 100 images, {moving}": simulated(rng, HEAD_MOST, accuracy=accuracy)
        for domain in ("true labels", "other domain")
        for moving, accuracy in accuracies.items()
    }
    del runs["other domain, 100 images, head"]
    lines = [line.split(" | ") for line in tables.freezing(runs).splitlines()]
    assert lines[0][-2:] == ["all but 2 blocks", "head |"] and [len(lines[0]), len(lines)] == [6, 4]
    own, other = lines[2:]
    assert own[0] == "| true labels, 100 images" and other[-1] == "– |"
    gain = endpoints.gain(runs["true labels, 100 images, all"], runs["true labels, 100 images, after-2"])
    assert own[4].startswith(f"**{float(gain.mean()):+.3f} [") and float(gain.mean()) > 0.3


def test_what_freedom_gains_is_said_domain_by_domain(rng):
    def pair(domain, count, free):
        name = f"{domain}, {count} images"
        return {
            f"{name}, all": simulated(rng, HEAD_MOST, accuracy=free),
            f"{name}, after-2": simulated(rng, HEAD_MOST, accuracy=0.5),
        }

    same = pair("b", 100, 0.5)
    same["b, 100 images, after-2"] = same["b, 100 images, all"]
    runs = {**pair("a", 100, 0.4), **pair("a", 500, 0.4), **pair("a", 5000, 0.6), **same}
    assert tables.gains(runs) == (
        "a: it costs at 100 and 500 images, it gains at 5000 images; "
        "b: it makes no difference that can be told at 100 images"
    )
    assert tables.gains(runs, "head") == ""


def test_the_table_of_slopes_has_a_row_a_design(rng):
    runs = [simulated(rng, [0.99, 0.9, 0.8, 0.7 - 0.1 * k, 0.3], images=10 ** (k + 1)) for k in range(3)]
    lines = [line.split(" | ") for line in tables.slopes({"equal epochs": runs}).splitlines()]
    assert lines[0][2:6] == [*LAYERS[:4]] and lines[2][:2] == ["| equal epochs", "5"]
    # A layer that keeps 0.1 less with ten times as many images changes by 0.1 more.
    assert lines[2][5].startswith("**+0.1") and not lines[2][2].startswith("**")


def test_the_table_of_excess_has_two_rows_a_target(rng):
    runs = {"a": tuned(rng, 0.8, debiased=0.9, noise=0.001), "b": tuned(rng, 0.5)}
    fresh = {"a": tuned(rng, 0.5, debiased=0.9, noise=0.001)}
    lines = [line.split(" | ") for line in tables.excess(runs, fresh).splitlines()]
    assert len(lines) == 4 and lines[0][3:7] == LAYERS[:4]
    linear, debiased = lines[2:]
    assert linear[:3] == ["| a", "CKA, linear", "5"] and linear[6].startswith(("**+0.29", "**+0.30"))
    assert debiased[1] == "CKA, linear, debiased" and not debiased[6].startswith("**")


def test_the_table_of_frozen_blocks_takes_other_ways(rng):
    way = "2 blocks' weights frozen"
    runs = {f"d, 100 images, {mode}": simulated(rng, HEAD_MOST) for mode in ("all", "after-2", way)}
    assert tables.freezing(runs).splitlines()[0].endswith(f"all but 2 blocks | {way} |")
