"""Remembered verdicts: as judged anew, and judged anew once anything that they rest on has changed."""

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from reprise.claims.cases import cases
from reprise.claims.claim import find_claim
from reprise.claims.ledger import judge_case, ledger, open_layer
from reprise.claims.opened import Opened
from reprise.claims.record import versions
from reprise.engine.store import Store
from reprise.engine.study import Unit
from reprise.places import Places

ROOT = Path(__file__).parents[2]


@pytest.fixture
def places(tmp_path):
    """Published units of the control alone, which a test may change."""
    shutil.copytree(ROOT / "results" / "control", tmp_path / "results" / "control")
    return Places(ROOT / "data", tmp_path / "results", tmp_path / "runs", ROOT)


def verdicts(entries):
    return [
        (one.case.preset, one.verdict, one.units, one.missing) for entry in entries for one in entry.judged
    ]


def first_rule():
    """The first version of M2, on the laptop's units."""
    claim = versions(find_claim("M2"))[-1]
    return claim, next(one for one in cases(claim) if one.preset == "laptop")


@pytest.fixture
def judged(monkeypatch):
    """How often a rule was applied."""
    from reprise.claims.claim import Claim

    count, before = [], Claim.judge

    def counted(self, *arguments, **options):
        count.append(self.id)
        return before(self, *arguments, **options)

    monkeypatch.setattr(Claim, "judge", counted)
    return count


def test_a_remembered_verdict_is_the_one_that_was_judged(places, judged):
    first = ledger(open_layer(places, "published"), ["M2"])
    anew = len(judged)
    again = ledger(open_layer(places, "published"), ["M2"])
    assert anew and len(judged) == anew
    assert verdicts(again) == verdicts(first)
    fresh = ledger(Store.of(replace(places, layers=("published",))).load, ["M2"])
    assert verdicts(fresh) == verdicts(first)


@pytest.mark.parametrize("change", ["touched", "gone", "rule", "source"])
def test_whatever_a_verdict_rests_on_is_looked_at_again_when_it_changes(places, judged, change, monkeypatch):
    claim, case = first_rule()
    judge_case(claim, case, open_layer(places, "published"))
    assert len(judged) == 1
    condition = next(iter(case.conditions.values()))
    path = Store.of(places).path(Unit(condition.config, condition.seeds[0]), "published")
    if change == "touched":
        os.utime(path, ns=(1, 1))
    elif change == "gone":
        path.unlink()
    elif change == "rule":
        claim = replace(claim, words="Another rule.")
    else:
        monkeypatch.setattr("reprise.claims.opened.source_hash", lambda: "another")
    found = judge_case(claim, case, open_layer(places, "published"))
    assert len(judged) == 2
    assert found.missing == (change == "gone")


def test_what_cannot_be_read_is_judged_anew_and_what_cannot_be_written_is_not(tmp_path, places, judged):
    ledger(open_layer(places, "published"), ["M2"])
    count = len(judged)
    for path in (places.local / "verdicts").glob("*.json"):
        path.write_text("{", "utf-8")
    ledger(open_layer(places, "published"), ["M2"])
    assert len(judged) == 2 * count
    blocked = tmp_path / "file"
    blocked.write_text("no folder", "utf-8")
    load = Opened(Store.of(replace(places, layers=("published",))), blocked)
    assert verdicts(ledger(load, ["M2"])) == verdicts(ledger(open_layer(places, "published"), ["M2"]))


def test_a_damaged_unit_is_told_each_time(places):
    claim, case = first_rule()
    condition = next(iter(case.conditions.values()))
    path = Store.of(places).path(Unit(condition.config, condition.seeds[0]), "published")
    path.write_bytes(path.read_bytes()[:-200])
    for _ in range(2):
        with pytest.warns(UserWarning, match=path.stem):
            assert judge_case(claim, case, open_layer(places, "published")).missing == 1
    assert not list((places.local / "verdicts").glob("*.json"))


def test_remembered_verdicts_are_plain_json(places):
    ledger(open_layer(places, "published"), ["M2"])
    for path in (places.local / "verdicts").glob("*.json"):
        assert set(json.loads(path.read_text("utf-8"))) == {"verdict", "units"}
