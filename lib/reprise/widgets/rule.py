"""Rule matters: a rule whose choices by hand are open, computed in the page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import anywidget
import numpy as np
import traitlets

from ..claims.choices import ASKED, Choices, Comparison, Scale
from ..claims.verdict import MINIMUM_SEEDS
from ..engine.words import count_word
from ..plots.palette import CONDITIONS
from . import joining

__all__ = ["Rule"]

LEVELS = (0.9, 0.95)
"""Levels of intervals: of equivalence and of a direction."""


class Rule(anywidget.AnyWidget):
    """A rule at every choice that it could have made: slider or boxes, interval, verdict, and where it holds.

    Args:
        choices: The rule with what it fixes by hand left open. The page gets the numbers of its comparisons
            and computes their endpoints itself.
        twin: Id of the static figure whose place it takes on the screen, if any.

    Raises:
        ValueError: Nothing can be chosen, or an option has no numbers in some comparison.
    """

    _esm = joining.module("rule")
    _css = joining.style()

    about = traitlets.Dict().tag(sync=True)

    def __init__(self, choices: Choices, twin: str = "") -> None:
        if not (choices.choice.values and choices.options and choices.comparisons):
            raise ValueError(f"nothing to choose in {choices.claim}")
        for comparison in choices.comparisons:
            if missing := [option for option in choices.options if option not in comparison.numbers]:
                raise ValueError(f"{comparison.name} has no numbers of {', '.join(missing)}")
        super().__init__(about=_described(choices) | {"twin": twin})


def _described(rule: Choices) -> dict[str, Any]:
    any_choice = rule.choice.values[-1]
    counts = {len(own.endpoint(option, any_choice)[0]) for own in rule.comparisons for option in rule.options}
    return {
        "title": f"{rule.claim}: {rule.title}",
        "unit": rule.unit,
        "withheld": rule.withheld,
        "effect": rule.effect,
        "menu": rule.menu,
        "options": [
            {"id": name, "title": f"{title}, registered" if name in rule.registered else title}
            for name, title in rule.options.items()
        ],
        "option": rule.registered[0],
        "choice": _choice(rule),
        "comparisons": [_comparison(own, k) for k, own in enumerate(rule.comparisons)],
        "quantiles": {str(n): _quantiles(n) for n in counts},
        "least_seeds": MINIMUM_SEEDS,
    }


def _choice(rule: Choices) -> dict[str, Any]:
    choice = rule.choice
    if isinstance(choice, Scale):
        return {
            "kind": "scale",
            "label": choice.label,
            "values": list(choice.values),
            "registered": list(choice.registered),
            "former": list(choice.former),
            "unit": choice.unit,
            "digits": choice.digits,
            "margin": any(comparison.with_margin for comparison in rule.comparisons),
        }
    places = [[choice.options.index(option) for option in chosen] for chosen in choice.registered]
    return {
        "kind": "sets",
        "label": choice.label,
        "options": list(choice.options),
        "registered": places,
        "least": choice.least,
        "least_words": count_word(choice.least),
        "noun": choice.noun,
        "all": choice.spell(choice.options),
    }


def _comparison(comparison: Comparison, place: int) -> dict[str, Any]:
    return {
        "name": comparison.name,
        "short": comparison.short,
        "asks": comparison.asks,
        "asked": ASKED[comparison.asks],
        "form": comparison.form,
        "unit": comparison.unit,
        "colour": CONDITIONS[place % 5],
        "numbers": {option: _listed(numbers) for option, numbers in comparison.numbers.items()},
    }


def _listed(numbers: Mapping[str, Any]) -> dict[str, Any]:
    """Arrays as lists; every digit is kept, for the page must come to the same verdicts."""
    return {name: np.asarray(values, np.float64).tolist() for name, values in numbers.items()}


def _quantiles(seeds: int) -> dict[str, float | None]:
    """Factor of the standard error of a t interval by its level; None with one seed."""
    from scipy import stats

    return {str(x): float(stats.t.ppf((1 + x) / 2, seeds - 1)) if seeds > 1 else None for x in LEVELS}
