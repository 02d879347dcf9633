"""The record of rules, and what a comparison could have told."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from reprise.claims import claims
from reprise.claims.assay import assay, decidable, deviation, explain, explain_all, simulate
from reprise.claims.claim import find_claim
from reprise.claims.record import RECORD, digest, rulings, unrecorded, versions
from reprise.claims.verdict import Verdict, above, below, equivalent

VALUES = np.array([0.3, -0.1, 0.4, 0.2, 0.1, 0.5])


def test_every_rule_is_what_the_record_says():
    assert unrecorded() == []


def test_the_record_names_no_rule_that_there_is_not():
    there = {(version.id, version.version) for claim in claims() for version in versions(claim)}
    assert set(rulings()) == there
    assert all(row.reason and len(row.commit) >= 7 and row.date >= "2026-11-21" for row in rulings().values())


@pytest.mark.parametrize("field", ["words", "endpoint", "margin", "measure", "seeds"])
def test_a_rule_cannot_change_without_its_version(field):
    claim = find_claim("T3b")
    changed = replace(claim, **{field: (1, 2) if field == "seeds" else "another"})
    assert digest(changed) != digest(claim)
    (line,) = unrecorded([changed])
    assert "its text was changed" in line


def test_versions_count_down_to_one(tmp_path):
    claim = find_claim("M1b")
    assert "must count down to 1" in unrecorded([replace(claim, version=claim.version + 1)])[0]
    empty = tmp_path / "rules.toml"
    empty.write_text(RECORD.read_text("utf-8").replace('id = "M1b"', 'id = "M9"'), "utf-8")
    assert any("not in the record" in line for line in unrecorded([claim], empty))


@pytest.mark.parametrize("level", [0.9, 0.95])
def test_the_deviation_between_seeds_follows_from_the_interval(level):
    part = above("gain", VALUES, level=level)
    assert deviation(part) == pytest.approx(VALUES.std(ddof=1), rel=1e-12)


@pytest.mark.parametrize("n", [5, 10])
def test_the_smallest_decidable_effect_has_the_power_that_it_says(n):
    """Against a simulation with explicit t tests."""
    rng = np.random.default_rng(n)
    values = rng.normal(0, 1, n)
    part = above("gain", values)
    effect, spread = decidable(part), values.std(ddof=1)
    draws = rng.normal(effect, spread, (4000, n))
    found = stats.ttest_1samp(draws, 0, axis=1, alternative="greater")
    assert np.mean(np.asarray(found)[1] < 0.025) == pytest.approx(0.9, abs=0.02)
    assert simulate(part, effect) == pytest.approx(0.9, abs=0.03)
    assert simulate(part, 0.0) == pytest.approx(0.025, abs=0.012)


def test_the_narrowest_margin_holds_the_interval_where_there_is_no_difference():
    rng = np.random.default_rng(3)
    part = equivalent("difference", rng.normal(0, 1, 10), 1.0)
    margin = decidable(part)
    held = [
        equivalent("", own, margin).status == "supported"
        for own in rng.normal(0, deviation(part), (1000, 10))
    ]
    assert np.mean(held) == pytest.approx(0.9, abs=0.04)


def test_below_is_above_turned_round():
    for values in (VALUES, -VALUES - 1, VALUES + 1):
        part, turned = below("steps", values, 0.5), above("steps", -values, -0.5)
        assert part.status == turned.status
        assert (part.low, part.high) == pytest.approx((-turned.high, -turned.low))
    part = below("steps", VALUES)
    assert simulate(part, -decidable(part)) == pytest.approx(0.9, abs=0.03)


def test_undecided_says_what_it_still_says():
    undecided = above("gain", VALUES - VALUES.mean() + 0.05)
    assert "0 lies in its interval; the evidence points above it" in explain(undecided)
    assert f"an effect of {decidable(undecided):.3f}" in explain(undecided)
    assert "points below it" in explain(below("gain", VALUES - VALUES.mean() - 0.05))
    there = equivalent("both − encoder", VALUES + 1.9, 2.0, "points")
    assert there.status == "undecided"
    assert "0 lies outside its interval: there is a difference, above 0" in explain(there)
    assert "0 lies in its interval." in explain(equivalent("difference", VALUES - VALUES.mean(), 0.1))
    assert explain(above("gain", VALUES[:4])) == "4 seeds decide nothing; at least 5 are needed."
    assert explain(above("gain", VALUES + 1)) == ""
    assert explain(above("gain", [1.0, np.inf, 1, 1, 1])) == "A value is not finite."
    assert explain_all([undecided, above("other", VALUES + 1)]) == [f"gain: {explain(undecided)}"]


def test_what_is_at_its_ceiling_is_decided_by_no_number_of_seeds():
    part = above("training − perturbation", [0.0, 0.0, 0.0, 0.0, -0.1], largest=0.0)
    assert part.ceiling and explain(part) == "At its ceiling: no number of seeds can decide it."
    assert not above("gain", VALUES, largest=1.0).ceiling


def test_the_assay_leaves_out_what_has_no_interval():
    parts = (above("gain", VALUES), above("few", VALUES[:3]), above("equal", np.ones(5)))
    found = assay(Verdict("M2", "undecided", parts, "mnist", "laptop", "rsa-correlation", 1))
    assert [row.part.name for row in found] == ["gain"]
    assert found[0].deviation == pytest.approx(VALUES.std(ddof=1))
    assert found[0].found > 0.85 and found[0].wrong < 0.05
