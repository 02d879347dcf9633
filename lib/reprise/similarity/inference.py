"""How sure a comparison of RDMs is: bootstrap and paired differences."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ._arrays import to_numpy
from .compare import METHODS, compare
from .condensed import n_stimuli
from .weighted import weighted_comparisons

__all__ = ["Estimate", "bootstrap", "paired_difference"]

OVER = ("stimuli", "seeds", "both")


@dataclass(frozen=True)
class Estimate:
    """A number, or an array of them, with its uncertainty.

    Attributes:
        estimate: Value from all the data: float or (m, k).
        interval: Lower and upper end, each of the shape of `estimate`.
        n: What was resampled and how many of it, such as {"stimuli": 50}.
        method: What was computed, in words.
        samples: (resamples, …) values behind the interval; NaN where a resample leaves it undefined.
        confidence: Nominal coverage of the interval.
        p_value: Where a test was made, else None.
    """

    estimate: Any
    interval: tuple[Any, Any]
    n: dict[str, int]
    method: str
    samples: np.ndarray = field(repr=False, compare=False)
    confidence: float = 0.95
    p_value: Any = None

    def __str__(self) -> str:
        counts = ", ".join(f"n = {count} {what}" for what, count in self.n.items())
        if np.ndim(self.estimate):
            return f"array {np.shape(self.estimate)} ({self.method}; {counts})"
        low, high = self.interval
        test = "" if self.p_value is None else f", p = {self.p_value:.3g}"
        return f"{self.estimate:.3f} [{low:.3f}, {high:.3f}]{test} ({self.method}; {counts})"


def bootstrap(
    a: Any,
    b: Any = None,
    over: str = "stimuli",
    method: str = "spearman",
    resamples: int = 1000,
    confidence: float = 0.95,
    rng: int | np.random.Generator = 0,
) -> Estimate:
    """Percentile interval of comparisons of RDMs.

    Stimuli are resampled by weights, jointly in all RDMs; pairs of a stimulus with its own copy are dropped
    (kept as zeros they would raise every correlation). Seeds are resampled as pairs: seed s of `a` belongs to
    seed s of `b`; the value is the mean over seeds.

    With few seeds a percentile interval is too narrow (5 seeds: about 83 % for a nominal 95 %): take a t
    interval over seeds for verdicts. Resampling stimuli and seeds at once counts the noise of single cells
    twice and is conservative (Schütt et al. 2023).

    Args:
        a: Condensed RDMs: (pairs,) or (m, pairs) without seeds; (seeds, pairs) or (seeds, m, pairs) with
            them. Over "seeds" or "both" the leading axis is seeds; over "stimuli" only if there are three
            axes.
        b: As `a`, with k for m; without seeds it is the same for all seeds. `a` itself by default.
        over: "stimuli", "seeds" or "both".
        method: As in `compare`; the whitened ones only over "seeds".
        resamples: How many.
        confidence: Nominal coverage, (0, 1).
        rng: Seed, or a generator.

    Returns:
        Estimate of shape (m, k), axes dropped as in `compare`.

    Raises:
        ValueError: As `compare`; unknown `over`; fewer than 2 seeds; numbers of seeds that differ.

    >>> from reprise.similarity import rdm
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(15, 8))
    >>> value = bootstrap(rdm(x), rdm(x + rng.normal(size=(15, 8))), resamples=200)
    >>> low, high = value.interval
    >>> bool(low < value.estimate < high), value.n, value.samples.shape
    (True, {'stimuli': 15}, (200,))
    """
    _check(method, over, resamples, confidence)
    left, single_a = _seeded(a, "a", over)
    right, single_b = (left, single_a) if b is None else _seeded(b, "b", over)
    seeds = max(len(left), len(right))
    if left.shape[-1] != right.shape[-1]:
        raise ValueError(f"RDMs of different length: {left.shape[-1]} in a, {right.shape[-1]} in b")
    if len(left) not in (1, seeds) or len(right) not in (1, seeds):
        raise ValueError(f"different numbers of seeds: {len(left)} in a, {len(right)} in b")
    if over != "stimuli" and seeds < 2:
        raise ValueError("resampling seeds needs at least 2 of them")
    n = n_stimuli(left.shape[-1])
    generator = np.random.default_rng(rng)
    pairs = [(left[s % len(left)], right[s % len(right)]) for s in range(seeds)]
    observed = np.stack([np.asarray(compare(x, x if y is x else y, method)) for x, y in pairs])

    if over == "seeds":
        counts = generator.multinomial(seeds, np.full(seeds, 1.0 / seeds), size=resamples)
        samples = np.einsum("rs,smk->rmk", counts / seeds, observed)
    else:
        stimuli = stimulus_counts(n, resamples, generator)
        by_seed = np.stack([weighted_comparisons(x, y, stimuli, method) for x, y in pairs])
        shares = np.full((resamples, seeds), 1.0 / seeds)
        if over == "both":
            shares = generator.multinomial(seeds, shares[0], size=resamples) / seeds
        samples = np.einsum("rs,srmk->rmk", shares, by_seed)

    sizes = {"stimuli": n} if over == "stimuli" else {"seeds": seeds}
    if over == "both":
        sizes["stimuli"] = n
    estimate = observed.mean(axis=0)
    if single_a:
        estimate, samples = estimate[0], samples[:, 0]
    if single_b:
        estimate, samples = estimate[..., 0], samples[..., 0]
    low, high = percentile_interval(samples, confidence)
    what = f"{method}, percentile bootstrap over {'stimuli and seeds' if over == 'both' else over}"
    return Estimate(_plain(estimate), (_plain(low), _plain(high)), sizes, what, samples, confidence)


def paired_difference(
    first: tuple[Any, Any],
    second: tuple[Any, Any],
    over: str = "stimuli",
    method: str = "spearman",
    resamples: int = 1000,
    confidence: float = 0.95,
    rng: int = 0,
) -> Estimate:
    """Difference of two comparisons, in the same resamples.

    Both use the same stimuli and seeds, so what the comparisons share cancels and the interval is tighter
    than the two single ones suggest.

    Args:
        first: Pair (a, b) of RDMs, each (pairs,), or (seeds, pairs) over "seeds" or "both".
        second: Pair (c, d), likewise.
        over: As in `bootstrap`.
        method: As in `bootstrap`.
        resamples: As in `bootstrap`.
        confidence: As in `bootstrap`.
        rng: Seed (a number: both comparisons need the same resamples).

    Returns:
        Similarity of (a, b) minus similarity of (c, d), in [−2, 2]; `p_value` is twice the smaller share of
        resamples on either side of 0 (at least 2 / (resamples + 1)).

    Raises:
        ValueError: As `bootstrap`; RDMs of different length.

    >>> from reprise.similarity import rdm
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(15, 8))
    >>> near, far = (rdm(x + noise * rng.normal(size=(15, 8))) for noise in (0.3, 3))
    >>> gap = paired_difference((rdm(x), near), (rdm(x), far), resamples=200)
    >>> bool(gap.interval[0] > 0), bool(gap.p_value < 0.05)
    (True, True)
    """
    minuend, subtrahend = (
        bootstrap(*pair, over=over, method=method, resamples=resamples, rng=rng) for pair in (first, second)
    )
    if np.ndim(minuend.estimate) or np.ndim(subtrahend.estimate):
        raise ValueError("paired_difference takes one RDM a side (or one a seed), not stacks")
    if minuend.n != subtrahend.n:
        raise ValueError(f"the two comparisons differ in size: {minuend.n} and {subtrahend.n}")
    samples = minuend.samples - subtrahend.samples
    low, high = percentile_interval(samples, confidence)
    known = samples[~np.isnan(samples)]
    tail = min(np.sum(known <= 0), np.sum(known >= 0))
    p = min(1.0, 2.0 * (tail + 1) / (known.size + 1))
    what = f"difference of {minuend.method}"
    difference = minuend.estimate - subtrahend.estimate
    return Estimate(difference, (_plain(low), _plain(high)), minuend.n, what, samples, confidence, p)


def stimulus_counts(n: int, resamples: int, rng: np.random.Generator) -> np.ndarray:
    """How often each of n stimuli is drawn, (resamples, n) int; at least 3 distinct ones each time."""
    counts = rng.multinomial(n, np.full(n, 1.0 / n), size=resamples)
    while True:
        poor = np.flatnonzero(np.count_nonzero(counts, axis=1) < 3)
        if not poor.size:
            return counts
        counts[poor] = rng.multinomial(n, np.full(n, 1.0 / n), size=poor.size)


def percentile_interval(samples: np.ndarray, confidence: float) -> tuple[np.ndarray, np.ndarray]:
    """Percentiles over axis 0, leaving out resamples in which the value is undefined; NaN where all are."""
    tail = (1.0 - confidence) / 2.0
    missing = np.isnan(samples)
    if not missing.any():
        low, high = np.quantile(samples, (tail, 1.0 - tail), axis=0)
        return low, high
    empty = missing.all(axis=0)
    low, high = np.nanquantile(np.where(empty, 0.0, samples), (tail, 1.0 - tail), axis=0)
    return np.where(empty, np.nan, low), np.where(empty, np.nan, high)


def _seeded(rdms: Any, name: str, over: str) -> tuple[np.ndarray, bool]:
    """As (seeds, m, pairs), and whether m was not there."""
    array = to_numpy(rdms, name).astype(np.float64, copy=False)
    if array.ndim not in (1, 2, 3) or 0 in array.shape:
        raise ValueError(f"{name} must be (pairs,), (m, pairs) or (seeds, m, pairs), got {array.shape}")
    if np.isinf(array).any():
        raise ValueError(f"{name} holds Inf")
    if array.ndim == 3:
        return array, False
    if array.ndim == 2 and over != "stimuli":
        return array[:, None], True
    return array.reshape(1, -1, array.shape[-1]), array.ndim == 1


def _check(method: str, over: str, resamples: int, confidence: float) -> None:
    if method not in METHODS:
        raise ValueError(f"unknown method {method!r}; one of {', '.join(METHODS)}")
    if over not in OVER:
        raise ValueError(f"unknown over {over!r}; one of {', '.join(OVER)}")
    if resamples < 1 or not 0.0 < confidence < 1.0:
        raise ValueError(
            f"need resamples of at least 1 and confidence in (0, 1), got {resamples} and {confidence}"
        )


def _plain(value: Any) -> Any:
    return float(value) if np.ndim(value) == 0 else value
