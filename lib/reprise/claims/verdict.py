"""Verdicts: what a rule says of a claim, and the interval arithmetic that all rules share.

Replicate = seed. An interval is a t interval over seeds (of paired differences where a claim compares), 95 %
for a direction and 90 % for equivalence (two one-sided tests at 5 %, Lakens 2017). Fewer than five seeds
decide nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from ..engine.statistics import interval_over_seeds
from ..engine.words import with_interval

Status = Literal["supported", "contradicted", "mixed", "undecided", "not run"]

ORDER: tuple[Status, ...] = ("supported", "mixed", "contradicted", "undecided", "not run")
"""Verdicts in the order in which they are counted."""

MINIMUM_SEEDS = 5
"""Seeds below which nothing is decided."""

ROUNDING = 1e-9
"""Room above a bound that counts as none."""


@dataclass(frozen=True)
class Part:
    """One comparison with a bound.

    Attributes:
        name: What is compared, in words.
        estimate: Mean over seeds.
        low: Lower end of the interval.
        high: Upper end of the interval.
        level: Level of the interval, such as 0.95.
        n: Number of seeds.
        bound: What the interval is held against, in words, such as ``"above 0"``.
        status: What this comparison says alone.
        unit: Unit of estimate and interval, empty if none.
        limit: The number of the bound: what must be exceeded or undercut; of equivalence the margin.
        ceiling: Whether the endpoint can hardly get past the bound, so that no number of seeds decides.
    """

    name: str
    estimate: float
    low: float
    high: float
    level: float
    n: int
    bound: str
    status: Status
    unit: str = ""
    limit: float = 0.0
    ceiling: bool = False

    @property
    def equivalence(self) -> bool:
        """Whether no difference is what the comparison asks for."""
        return self.bound.startswith("within")

    def interval(self, digits: int | None = None) -> str:
        """Estimate with its interval, for people: ``0.412 [0.380, 0.444]``, points with two digits."""
        if digits is None:
            digits = 2 if self.unit == "points" else 3
        return with_interval(self.estimate, self.low, self.high, digits)

    @property
    def basis(self) -> str:
        """What the interval is: ``95 % interval, n = 5``."""
        return f"{100 * self.level:.3g} % interval, n = {self.n}"

    def amount(self) -> str:
        """Estimate with its interval and its unit: ``0.41 [0.38, 0.44] points``."""
        return f"{self.interval()} {self.unit}".rstrip()


@dataclass(frozen=True)
class Verdict:
    """What a rule says of a claim on one run.

    Attributes:
        claim: Id of the claim.
        status: The verdict.
        parts: The comparisons it rests on; the first one with the least support is the effect to quote.
        dataset: Data set of the run.
        preset: Preset of the run; empty if it is none.
        measure: Measure of similarity.
        rule_version: Version of the rule.
        note: What a reader must know beside the numbers, or empty.
    """

    claim: str
    status: Status
    parts: tuple[Part, ...]
    dataset: str
    preset: str
    measure: str
    rule_version: int
    note: str = ""

    @property
    def decisive(self) -> Part | None:
        """The part with the least support: what stands between the claim and a better verdict."""
        order = {"contradicted": 0, "undecided": 1, "mixed": 2, "supported": 3, "not run": 4}
        return min(self.parts, key=lambda part: (order[part.status], part.low), default=None)


def above(
    name: str,
    values: Sequence[float] | np.ndarray,
    bound: float = 0.0,
    unit: str = "",
    level: float = 0.95,
    largest: float = np.inf,
) -> Part:
    """Is the mean over seeds above a bound?

    Args:
        name: What is compared.
        values: One value a seed.
        bound: The bound.
        unit: Unit of the values.
        level: Level of the interval.
        largest: The largest value that the mean can take, where it has an end: a difference of two
            correlations cannot exceed 1 minus the second. At or below the bound the comparison is at its
            ceiling, and *undecided*.

    Returns:
        *supported* if the interval lies wholly above the bound, *contradicted* if wholly below it, else
        *undecided*; *undecided* too with fewer than five seeds or a value that is not finite.
    """
    mean, low, high = (float(number) for number in interval_over_seeds(values, level))
    status: Status = "supported" if low > bound else "contradicted" if high < bound else "undecided"
    ceiling = bool(largest <= bound + ROUNDING)
    if len(values) < MINIMUM_SEEDS or ceiling:
        status = "undecided"
    return Part(
        name, mean, low, high, level, len(values), f"above {_signed(bound)}", status, unit, bound, ceiling
    )


def below(name: str, values: Sequence[float] | np.ndarray, bound: float = 0.0, unit: str = "") -> Part:
    """Is the mean over seeds below a bound? As :func:`above`, the other way round."""
    turned: dict[Status, Status] = {"supported": "contradicted", "contradicted": "supported"}
    part = above(name, values, bound, unit)
    return replace(part, bound=f"below {_signed(bound)}", status=turned.get(part.status, part.status))


def _signed(bound: float) -> str:
    """A bound as pages spell it, with a true minus."""
    return f"{bound:g}".replace("-", "−")


def equivalent(name: str, values: Sequence[float] | np.ndarray, margin: float, unit: str = "") -> Part:
    """Is the mean over seeds within ± a margin of 0?

    Args:
        name: What is compared.
        values: One value a seed.
        margin: Half-width of the range that counts as no difference, above 0.
        unit: Unit of the values.

    Returns:
        *supported* if the 90 % interval lies wholly within the margins, *contradicted* if wholly outside,
        else *undecided*; *undecided* too with fewer than five seeds or a value that is not finite.

    Raises:
        ValueError: The margin is not above 0.
    """
    if not margin > 0:
        raise ValueError(f"margin={margin} must be above 0")
    mean, low, high = (float(number) for number in interval_over_seeds(values, 0.90))
    inside, outside = -margin < low and high < margin, low > margin or high < -margin
    status: Status = "supported" if inside else "contradicted" if outside else "undecided"
    if len(values) < MINIMUM_SEEDS:
        status = "undecided"
    return Part(name, mean, low, high, 0.90, len(values), f"within ±{margin:g}", status, unit, margin)


def above_holm(values: Mapping[str, Any], bound: float = 0.0, unit: str = "") -> list[Part]:
    """Is each mean over seeds above a bound, with the chance of any error kept at 5 %?

    The comparison with the smallest p value is made at level 1 − 0.05 / m, the next at 1 − 0.05 / (m − 1),
    and so on; after the first that decides nothing, none does.

    Args:
        values: What is compared → one value a seed.
        bound: The bound.
        unit: Unit of the values.

    Returns:
        One part a comparison, in the order given; each interval is at the level that its comparison was made
        at. Values that are not finite or from fewer than five seeds are *undecided*, and count in m.
    """
    from scipy import stats

    arrays = {name: np.asarray(value, np.float64).ravel() for name, value in values.items()}
    p_values = {}
    for name, array in arrays.items():
        usable = len(array) >= 2 and np.isfinite(array).all()
        if usable and np.ptp(array) == 0:
            p_values[name] = float(array[0] == bound)
        else:
            test: Any = stats.ttest_1samp(array, bound) if usable else None
            p_values[name] = float(test.pvalue) if usable else 1.0
    parts: dict[str, Part] = {}
    stopped = False
    for rank, name in enumerate(sorted(arrays, key=lambda name: p_values[name])):
        part = above(name, arrays[name], bound, unit, 1 - 0.05 / (len(arrays) - rank))
        stopped = stopped or part.status == "undecided"
        parts[name] = replace(part, status="undecided" if stopped else part.status)
    return [parts[name] for name in arrays]


def all_of(parts: Iterable[Part | Status]) -> Status:
    """Status of a conjunction, which needs every part.

    Args:
        parts: Comparisons, or statuses themselves.

    Returns:
        *supported* if all are; *mixed* if some are supported and some contradicted, or one is mixed itself;
        *contradicted* if one is and none is supported; *not run* if nothing was run; else *undecided*.
    """
    found = {part.status if isinstance(part, Part) else part for part in parts}
    if found == {"supported"}:
        return "supported"
    if "mixed" in found or {"supported", "contradicted"} <= found:
        return "mixed"
    if "contradicted" in found:
        return "contradicted"
    return "not run" if found <= {"not run"} else "undecided"


def spell_tally(counts: Mapping[Status, int]) -> str:
    """A tally in words: ``5 supported, 1 undecided``."""
    return ", ".join(f"{count} {status}" for status, count in counts.items() if count) or "none"
