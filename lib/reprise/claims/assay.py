"""Whether a comparison could have told: the smallest effect that it decides, and how often it errs.

All of it follows from a comparison's interval: its width gives the deviation between seeds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..engine.statistics import interval_over_seeds
from ..engine.words import number
from .verdict import MINIMUM_SEEDS, Part, Verdict

POWER = 0.9
"""Chance of deciding at the smallest decidable effect."""

SIMULATIONS = 2000
"""Simulated replications of a comparison, each with its own number of seeds."""


@dataclass(frozen=True)
class Assay:
    """What one comparison can tell.

    Attributes:
        part: The comparison.
        deviation: Deviation between seeds, in its unit.
        decidable: Smallest effect that it decides with 90 % power: distance from the bound; of equivalence
            the narrowest margin if there is no difference at all.
        wrong: Share of simulated replications that support it where the truth lies on the bound.
        found: Share that supports it where the truth is one decidable effect beyond the bound (of
            equivalence: no difference).
    """

    part: Part
    deviation: float
    decidable: float
    wrong: float
    found: float


def deviation(part: Part) -> float:
    """Deviation between seeds, from the width of the interval; NaN if it has none."""
    from scipy import stats

    if part.n < 2:
        return float("nan")
    half = (part.high - part.low) / 2
    return half * part.n**0.5 / float(stats.t.ppf((1 + part.level) / 2, part.n - 1))


def decidable(part: Part, power: float = POWER) -> float:
    """Smallest effect that as many seeds with the same spread decide.

    Args:
        part: A comparison with an interval.
        power: Chance of deciding, in (0, 1).

    Returns:
        Distance from the bound, in the comparison's unit. Of equivalence the narrowest margin that would hold
        the interval if there were no difference, with both tests failing independently at most (a bound of
        Bonferroni's). 0 where all seeds agree; NaN without an interval.

    Example:
        >>> from reprise.claims.verdict import above
        >>> part = above("gain", [0.1, 0.4, -0.2, 0.3, 0.1])
        >>> part.status, round(decidable(part), 2)
        ('undecided', 0.46)
    """
    from scipy import optimize, stats

    spread = deviation(part)
    if not np.isfinite(spread) or spread == 0:
        return spread
    wanted = 1 - (1 - power) / 2 if part.equivalence else power
    critical = stats.t.ppf((1 + part.level) / 2, part.n - 1)

    def lacking(shift: float) -> float:
        return float(stats.nct.sf(critical, part.n - 1, shift)) - wanted

    shift: Any = optimize.brentq(lacking, 0.0, 20.0 * critical)
    return float(shift) * spread / part.n**0.5


def simulate(part: Part, truth: float, simulations: int = SIMULATIONS, seed: int = 0) -> float:
    """Share of simulated replications that the comparison's own rule supports.

    Args:
        part: A comparison with an interval; its number of seeds, spread, level and bound are simulated.
        truth: The mean that values are drawn around.
        simulations: How many.
        seed: Decides the draws.
    """
    spread = deviation(part)
    draws = np.random.default_rng(seed).normal(truth, spread, (part.n, simulations))
    _, low, high = interval_over_seeds(draws, part.level)
    if part.equivalence:
        held = (low > -part.limit) & (high < part.limit)
    else:
        held = high < part.limit if part.bound.startswith("below") else low > part.limit
    return float(held.mean())


def assay(verdict: Verdict) -> list[Assay]:
    """What each comparison of a verdict can tell; those without an interval are left out."""
    found = []
    for part in verdict.parts:
        effect = decidable(part)
        if part.n < MINIMUM_SEEDS or not effect > 0:
            continue
        sign = -1 if part.bound.startswith("below") else 1
        beyond = 0.0 if part.equivalence else part.limit + sign * effect
        found.append(Assay(part, deviation(part), effect, simulate(part, part.limit), simulate(part, beyond)))
    return found


def explain(part: Part) -> str:
    """What an undecided comparison still says; empty of one that is decided.

    Example:
        >>> from reprise.claims.verdict import equivalent
        >>> print(explain(equivalent("both − encoder", [1.2, 3.1, 2.0, 2.6, 1.3], 2.0, "points")))
        0 lies outside its interval: there is a difference, above 0; whether it is larger than 2 points is \
open. Were there none, 5 seeds of this spread would decide a margin of ±1.5 points.
    """
    if part.status != "undecided":
        return ""
    if part.ceiling:
        return "At its ceiling: no number of seeds can decide it."
    if part.n < MINIMUM_SEEDS:
        return f"{part.n} seeds decide nothing; at least {MINIMUM_SEEDS} are needed."
    if not np.isfinite([part.estimate, part.low, part.high]).all():
        return "A value is not finite."
    unit = f" {part.unit}".rstrip()
    effect = f"{number(decidable(part), 1 if part.unit == 'points' else 3)}{unit}"
    zero = 0.0 if part.equivalence else part.limit
    bound, inside = f"{zero:g}".replace("-", "−"), part.low <= zero <= part.high
    side = "above" if part.estimate > zero else "below"
    if part.equivalence:
        there = "0 lies in its interval"
        if not inside:
            there = (
                f"0 lies outside its interval: there is a difference, {side} 0; whether it is larger than "
            )
            there += f"{part.limit:g}{unit} is open"
        return f"{there}. Were there none, {part.n} seeds of this spread would decide a margin of ±{effect}."
    there = f"{bound} lies in its interval; the evidence points {side} it"
    if not inside:
        there = f"{bound} lies outside its interval, the evidence points {side} it, but the rule withholds"
    return f"{there}. {part.n} seeds of this spread would decide an effect of {effect}."


def explain_all(parts: Sequence[Part]) -> list[str]:
    """What each undecided comparison still says, with its name where there are several."""
    several = len(parts) > 1
    return [f"{part.name}: {words}" if several else words for part in parts if (words := explain(part))]
