"""A rule with its choice by hand left open: verdicts at every choice, and the sentence about them."""

import numpy as np
import pytest

from reprise.claims.choices import Asks, Choices, Comparison, held_by
from reprise.claims.scales import Scale, Sets
from reprise.claims.verdict import all_of, equivalent

SEEDS = 8


def spread(rng, mean, sd=1.0):
    """Values of seeds with a known mean and spread."""
    values = rng.standard_normal(SEEDS)
    return mean + sd * (values - values.mean()) / values.std(ddof=1)


def falling(rng, asks: Asks = "above", registered=(2.0,), former=(), censored=0):
    """A rule whose effect is 5 minus its choice: above 0 for small ones, below for large ones."""
    values = spread(rng, 5.0)
    comparison = Comparison(
        "effect", asks, "none", {"only": {}}, lambda _, at: (values - at, censored if at > 3 else 0)
    )
    scale = Scale("Level", tuple(map(float, range(11))), registered, former, "%")
    return Choices("X1", "which?", "effect", scale, (comparison,), {"only": "only"}, ("only",))


def bounded(rng, small, large):
    """A margin that one difference must lie within and another above."""
    values = {"small": spread(rng, small, 0.01), "large": spread(rng, large, 0.01)}
    asked: list[tuple[str, Asks]] = [("small", "within"), ("large", "beyond")]
    comparisons = tuple(
        Comparison(f"{name}: difference", asks, "values", {"only": {}}, lambda _, at, n=name: (values[n], 0))
        for name, asks in asked
    )
    scale = Scale("Margin", (0.02, 0.05, 0.1, 0.2, 0.4), (0.1,), digits=2)
    return Choices("X2", "which?", "difference", scale, comparisons, {"only": "only"}, ("only",)), values


def test_the_verdict_turns_where_the_interval_leaves_the_bound():
    rule = falling(np.random.default_rng(0))
    # The half-width of the interval is t / √8 = 0.84.
    expected = ["supported"] * 5 + ["undecided"] + ["contradicted"] * 5
    assert rule.statuses("only") == expected
    assert rule.sentence("only") == (
        "Supported from 0 to 4 % (registered: 2 %); undecided at 5 %; contradicted from 6 to 10 %."
    )


def test_asked_below_the_same_numbers_say_the_contrary():
    rule = falling(np.random.default_rng(0), "below", former=(9.0,))
    assert rule.status("only", 2.0) == "contradicted" and rule.status("only", 9.0) == "supported"
    assert rule.sentence("only").startswith("Contradicted from 0 to 4 % (registered: 2 %)")
    assert rule.sentence("only").endswith("; 9 % alone, as before: supported.")


def test_of_several_registered_choices_the_endpoint_is_the_mean():
    rule = falling(np.random.default_rng(0), registered=(0.0, 9.0))
    (part,) = rule.as_registered("only")
    assert part.estimate == pytest.approx(0.5) and part.status == "undecided"
    assert "the registered mean over 0 and 9 %: undecided" in rule.sentence("only")


def test_with_censored_values_nothing_is_supported_and_the_rest_stays():
    rule = falling(np.random.default_rng(0), censored=1)
    assert rule.statuses("only")[3:5] == ["supported", "undecided"]
    assert rule.statuses("only")[6:] == ["contradicted"] * 5


def test_too_few_seeds_decide_nothing():
    comparison = Comparison("effect", "above", "none", {"only": {}}, lambda _, at: (np.full(4, 5.0), 0))
    rule = Choices(
        "X1", "which?", "e", Scale("L", (1.0, 2.0), (1.0,)), (comparison,), {"only": ""}, ("only",)
    )
    assert rule.sentence("only") == "Undecided over the whole range, from 1 to 2 (registered: 1)."


def test_a_margin_must_take_in_one_difference_and_leave_out_the_other():
    rule, values = bounded(np.random.default_rng(1), 0.03, 0.3)
    within, beyond = rule.parts("only", 0.1)
    assert within == equivalent("small: difference", values["small"], 0.1)
    assert (within.status, beyond.status, beyond.bound) == ("supported", "supported", "above 0.1")
    # A narrow margin loses the first, a wide one the second.
    assert [part.status for part in rule.parts("only", 0.02)] == ["contradicted", "supported"]
    assert [part.status for part in rule.parts("only", 0.4)] == ["supported", "contradicted"]
    assert rule.sentence("only") == (
        "Supported from 0.05 to 0.20 (registered: 0.10); mixed at 0.02, and at 0.40. "
        "One by one: small within the margin from 0.05 to 0.40; large above it from 0.02 to 0.20."
    )


def test_where_both_differences_are_equal_no_margin_is_supported():
    rule, _ = bounded(np.random.default_rng(1), 0.1, 0.1)
    assert "supported" not in rule.statuses("only")


def sets(rng, effects, registered):
    """A rule whose effect is the sum over the chosen parts."""
    noise = spread(rng, 0.0, 0.1)
    names = tuple(effects)
    comparison = Comparison(
        "effect",
        "above",
        "none",
        {"only": {}},
        lambda _, own: (sum(effects[name] for name in own) + noise, 0),
    )
    choice = Sets("Layers", names, registered)
    return Choices("X3", "which?", "effect", choice, (comparison,), {"only": "only"}, ("only",))


def test_the_part_that_the_verdict_hangs_on_is_named():
    rule = sets(
        np.random.default_rng(2), {"a": -1.0, "b": -1.0, "head": 5.0}, (("a", "b", "head"), ("a", "b"))
    )
    assert [part.status for part in rule.as_registered("only")] == ["supported", "contradicted"]
    assert rule.sentence("only") == (
        "Of 4 sets of at least two layers: 3 supported, 1 contradicted; as registered (all three and all "
        "without head): mixed. What matters most is head: with it 3 of 3 sets are supported, without it "
        "0 of 1."
    )


def test_where_all_sets_agree_none_is_named():
    rule = sets(np.random.default_rng(2), {"a": 1.0, "b": 1.0, "c": 1.0}, (("a", "b"),))
    assert rule.sentence("only") == (
        "Of 4 sets of at least two layers: 4 supported; as registered (all without c): supported."
    )
    assert len(rule.choice.values) == 4 and all_of(rule.statuses("only")) == "supported"


def test_what_holds_at_every_choice_is_told_from_what_does_not():
    rng = np.random.default_rng(3)
    firm = sets(rng, {"a": 1.0, "b": 1.0, "c": 1.0}, (("a", "b"),))
    loose = falling(rng)
    assert held_by([loose, firm]) == (
        "The verdict on X3 is the same at every choice shown here. The verdict on X1 changes with the choice."
    )
    assert held_by([firm, firm]) == "The verdicts on X3 and X3 are the same at every choice shown here."
    assert held_by([loose, loose, loose]) == "The verdicts on X1, X1 and X1 change with the choice."
    assert held_by([]) == ""


def test_runs_that_decide_nothing_say_so_and_what_their_intervals_would_say():
    rule = falling(np.random.default_rng(0))
    closed = Choices(**{**vars(rule), "withheld": "Two rates."})
    assert set(closed.statuses("only")) == {"undecided"}
    assert [part.status for part in closed.as_registered("only")] == ["undecided"]
    assert closed.as_registered("only")[0].estimate == rule.as_registered("only")[0].estimate
    assert closed.sentence("only").startswith(
        "Two rates. By its intervals alone the rule would say: supported from 0 to 4 % (registered: 2 %)"
    )
    assert held_by([rule, closed]) == (
        "The verdict on X1 changes with the choice. "
        "X1 cannot be asked here: its runs decide nothing, whatever the choice."
    )
    assert held_by([closed, closed]).startswith("X1 and X1 cannot be asked here: their runs decide nothing")
