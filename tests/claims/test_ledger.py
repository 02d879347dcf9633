"""The ledger: what claims need, which setting decides, what moved; published verdicts computed again."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from reprise.claims import Verdict, claims, judge
from reprise.claims.cases import Case, cases, find_claims
from reprise.claims.ledger import Entry, Judged, judge_case, ledger, moved, open_layer, tally
from reprise.claims.verdict import above, spell_tally
from reprise.engine.runner import gather
from reprise.engine.store import read
from reprise.engine.study import Unit, study
from reprise.places import Places, UserError
from reprise.studies.transfer.authors import authors_numbers

ROOT = Path(__file__).parents[2]


def by_id(name):
    return next(claim for claim in claims() if claim.id == name)


def test_every_claim_of_the_papers_is_there_with_all_that_it_needs():
    parents = [claim.id for claim in find_claims() if claim.id == claim.parent]
    assert parents == ["M1", "M2", "M3", "T1", "T2", "T3", "T4", "S1", "S2", "S3", "S4", "S5", "S6"]
    for claim in find_claims():
        assert claim.statement and claim.rule and claim.endpoint and claim.version >= 1 and claim.figure
        assert claim.parent in parents and claim.paper
        found = cases(claim)
        assert any(case.decides for case in found) and all(case.commands for case in found)
        assert [case.decides for case in found] == sorted((case.decides for case in found), reverse=True)
    assert {by_id(name).margin for name in ("M1b", "T3b")} == {"±2 points", "±0.05"}


def test_a_claim_comes_with_its_parts_and_an_unknown_one_is_named():
    assert [claim.id for claim in find_claims(["M1"])] == ["M1", "M1a", "M1b"]
    assert [claim.id for claim in find_claims(["S6a"])] == ["S6a"]
    with pytest.raises(UserError, match=r"'Z9'; there are: M1, M1a, M1b, M2, .*S6b"):
        find_claims(["Z9"])


def laptop(name):
    return next(case for case in cases(by_id(name)) if case.preset == "laptop")


def test_conditions_are_those_that_the_rules_are_about():
    both = laptop("M1").conditions
    assert {name: one.config.model_dump()["analysis"] for name, one in both.items()} == {
        "similarity": "similarity",
        "function": "function",
        "prototypes": "function",
    }
    assert laptop("M1").needs == ("similarity", "prototypes") and not laptop("M1").decides
    targets = {name: one.config.model_dump() for name, one in laptop("T3").conditions.items()}
    kinds = ("true labels", "shifted labels", "random labels")
    assert set(targets) == {f"{prefix}{name}" for prefix in ("", "fresh: ") for name in kinds}
    assert targets["random labels"]["target_noise"] == targets["fresh: random labels"]["target_noise"] == 9
    assert targets["shifted labels"]["target_shift"] and not targets["true labels"]["target_shift"]
    assert targets["fresh: random labels"]["start"] == "fresh"
    frozen = laptop("T2").conditions
    assert {name.rpartition(", ")[2] for name in frozen} == {"all", "after-2", "head"}
    free = [one.config.model_dump() for name, one in frozen.items() if name.startswith("weights alone: ")]
    assert len(frozen) == 18 + len(free) and {one["still_statistics"] for one in free} == {"free"}
    decoder = laptop("S2").conditions
    assay = {name for name in decoder if name.startswith("assay: ")}
    assert {len(one.seeds) for name, one in decoder.items() if name not in assay} == {10}
    assert len(assay) == 4 and {len(decoder[name].seeds) for name in assay} == {5}
    assert decoder["segmentation, both"].config.model_dump()["transfer"] == "both"
    control = [case for case in cases(by_id("M2").former[0]) if case.decides]
    assert list(control[1].conditions) == ["mnist-test", "omniglot-minimal"]
    designs = {name.partition(":")[0] for name in laptop("T4").conditions}
    assert designs == {"equal epochs", "equal steps"}


def test_a_conjunction_takes_the_runs_of_its_parts():
    for name in ("M1", "M3", "T3", "S6"):
        claim, own = by_id(name), laptop(name)
        parts = [laptop(part.id) for part in claim.parts]
        assert [part.id.rstrip("abc") for part in claim.parts] == [name] * len(parts) != []
        united = {key: one for part in parts for key, one in part.conditions.items()}
        assert dict(own.conditions) == united
        assert set(own.needs) == {need for part in parts for need in part.needs}
        assert set(own.commands) == {line for part in parts for line in part.commands}
        *others, last = [part.id for part in claim.parts]
        assert claim.rule.startswith(f"{', '.join(others)} and {last} together.")
    assert by_id("T3d") not in by_id("T3").parts
    assert by_id("S6").rule.endswith("Otherwise undecided: the assay cannot tell.")


def test_runs_named_in_full_are_needed_and_patterns_take_what_there_is():
    assert laptop("T1").needs == () and len(laptop("T1").conditions) == 4
    assert laptop("S2").needs == (
        "segmentation",
        "segmentation, both",
        "segmentation, decoder",
        "none",
    )
    (former,) = by_id("S2").former
    (case, *_) = cases(former)
    assert case.needs == ("segmentation", "segmentation, both") and case.preset == "laptop" and case.decides
    assert {"segmentation, decoder", "none"} < set(case.conditions)
    (joint, *_) = [case for case in cases(by_id("M2").former[0]) if case.preset.startswith("laptop")]
    assert joint.needs == ("mnist-test", "omniglot-minimal")
    with pytest.raises(UserError, match="S2 needs segmentation, both; .* which laptop, .*reconstruction"):
        cases(by_id("S2"), "laptop", {"pretext": "reconstruction"})


def test_settings_replaced_never_decide_and_are_named():
    (case,) = cases(by_id("M3a"), "laptop", {"ways": "10"}, (0, 1))
    assert case.preset == "laptop, ways=10" and not case.decides
    assert case.commands == ("reprise run maml --preset laptop --set ways=10 --seeds 0..1",)
    (family,) = cases(by_id("T1"), "laptop", {"images": "1024"})
    assert family.commands == (
        "reprise run transfer --preset laptop --set images=1024 --family targets --seeds 1..5",
    )
    with pytest.raises(UserError, match="unknown parameter 'way'"):
        cases(by_id("M1a"), "laptop", {"way": "10"})
    with pytest.raises(UserError, match="unknown preset 'big'"):
        cases(by_id("M1a"), "big")


def entry(*settings, claim="M1a"):
    """A claim with chosen verdicts: (preset, decides, status, seeds)."""
    judged = []
    for preset, decides, status, seeds in settings:
        parts = (above("x", np.linspace(1, 2, seeds)),) if seeds else ()
        verdict = Verdict(claim, status, parts, "d", preset, "m", 1)
        judged.append(Judged(Case(claim, preset, {}, decides, ("c",)), verdict, ("d",), (), 0))
    return Entry(by_id(claim), tuple(judged))


@pytest.mark.parametrize(
    ("settings", "preset"),
    [
        ([("big", True, "mixed", 5), ("laptop", True, "supported", 5)], "big"),
        ([("big", True, "undecided", 3), ("laptop", True, "supported", 5)], "laptop"),
        ([("big", True, "undecided", 3), ("laptop", True, "not run", 0)], "big"),
        ([("big", True, "not run", 0), ("laptop", True, "not run", 0)], "laptop"),
        ([("big", True, "not run", 0), ("other", False, "supported", 5)], "big"),
        ([("laptop, ways=10", False, "supported", 5)], "laptop, ways=10"),
    ],
)
def test_the_first_setting_with_five_seeds_decides(settings, preset):
    assert entry(*settings).headline.case.preset == preset


def test_parts_are_not_counted():
    entries = [
        entry(("laptop", True, "supported", 5), claim="M1"),
        entry(("laptop", True, "contradicted", 5), claim="M1a"),
        entry(("laptop", True, "not run", 0), claim="T1"),
    ]
    counts = tally(entries)
    assert (counts["supported"], counts["contradicted"], counts["not run"]) == (1, 0, 1)
    assert spell_tally(counts) == "1 supported, 1 not run"


def test_what_moved_is_told_against_the_same_preset_else_the_deciding_one():
    published = [entry(("big", True, "supported", 5), ("laptop", True, "mixed", 5))]

    def against(preset, status):
        return moved(published, [entry((preset, False, status, 5))])

    assert [(name, before.case.preset) for name, before, _ in against("laptop, ways=10", "supported")] == [
        ("M1a", "laptop")
    ]
    assert against("laptop", "mixed") == []
    assert against("big, ways=10", "supported") == []
    assert [before.case.preset for _, before, _ in against("elsewhere", "undecided")] == ["big"]
    assert against("laptop", "not run") == []


def test_local_units_are_judged_and_published_ones_left_out(lone_places, tiny_settings, tiny_run):
    words = {name: str(value) for name, value in tiny_settings.items()}
    (one,) = ledger(open_layer(lone_places, "local"), ["M1a"], "smoke", words, (0, 1))
    assert one.headline.verdict.status == "undecided" and one.headline.seeds == 2
    # M1a can do without the units of function, of which there are none.
    assert len(one.headline.units) == 2 and one.headline.missing == 2
    assert one.headline.verdict.parts == judge("M1a", {"similarity": tiny_run}).parts
    found = ledger(open_layer(lone_places, "local"), ["M1"], "smoke", words, (0, 1, 2))
    assert [e.headline.verdict.status for e in found] == ["not run", "undecided", "not run"]
    assert "prototypes" in found[0].headline.verdict.note and found[1].headline.missing == 1 + 3
    (nothing,) = ledger(open_layer(lone_places, "published"), ["M1a"], "smoke", words, (0, 1))
    assert nothing.headline.verdict.status == "not run" and nothing.headline.seeds == 0
    with pytest.raises(UserError, match="choose published or local"):
        open_layer(lone_places, "both")


def test_the_authors_numbers_are_made_as_ours_are():
    found = authors_numbers(ROOT)
    assert set(found) == {"T1", "T3a", "T4"} and authors_numbers(None) == {}
    inside = next(one for one in found["T1"] if one.name.startswith("cifar10, true labels"))
    assert inside.value < 0 < min(one.value for one in found["T1"] if one is not inside)
    assert all(one.seeds == 5 and one.value > 0 for one in found["T4"]) and len(found["T4"]) == 5


def published_units():
    """Every published unit by study and id, read without the runner."""
    found = {}
    for path in sorted((ROOT / "results").rglob("*.nc")):
        found[path.parent.name, path.stem] = path
    return found


def test_every_published_verdict_follows_from_the_files():
    """Judged again from files that are found by their settings, not by their names."""
    places = Places(ROOT / "data", ROOT / "results", ROOT / "_runs", ROOT)
    files = published_units()
    by_settings: dict = {}
    for (name, _), path in files.items():
        unit = read(path)
        config = study(name).config.model_validate_json(unit.attrs["config"])
        by_settings.setdefault((name, json.dumps(config.settings(), sort_keys=True)), {})[
            int(unit["seed"])
        ] = unit
    run = 0
    for one in ledger(open_layer(places, "published")):
        for judged in one.judged:
            if judged.verdict.status == "not run":
                continue
            runs = {}
            for name, condition in judged.case.conditions.items():
                settings = json.dumps(condition.config.settings(), sort_keys=True)
                seeds = by_settings.get((condition.config.study, settings), {})
                units = [seeds[seed] for seed in condition.seeds if seed in seeds]
                if units:
                    runs[name] = gather(units, judged.verdict.preset)
            again = judge(one.claim.id, runs)
            assert (again.status, again.parts) == (judged.verdict.status, judged.verdict.parts)
            run += 1
    assert run >= 6


def test_a_condition_without_units_is_told_and_nothing_is_computed():
    claim = by_id("S1")
    judged = judge_case(claim, laptop("S1"), lambda _unit: None)
    assert judged.verdict.status == "not run" and judged.missing == 40 and judged.units == ()
    assert judged.datasets == ("camvid-source", "nuclei") and judged.data == "camvid-source → nuclei"
    assert "segmentation; none" in judged.verdict.note


def test_units_are_read_once(tiny_places, tiny_config, tiny_run, monkeypatch):
    load = open_layer(tiny_places, "local")
    first = load(Unit(tiny_config, 0))
    monkeypatch.setattr("reprise.engine.store.read", lambda _path: pytest.fail("read again"))
    assert load(Unit(tiny_config, 0)) is first is not None
    assert dataclasses.is_dataclass(Judged)
