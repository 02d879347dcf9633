"""What a registry entry is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .gram import Grams

__all__ = ["INVARIANCES", "Measure"]

#: What can be done to a representation x (n, features) without changing the value. Keys are used in the
#: registry.
INVARIANCES: dict[str, str] = {
    "permutation": "features in another order",
    "orthogonal": "rotation or reflection of feature space",
    "linear": "any invertible linear map of feature space",
    "scaling": "all features times one positive number",
    "translation": "the same vector added to every stimulus",
    "stimulus-gain": "each stimulus' features times a positive number of its own",
    "stimulus-offset": "a number of its own added to all features of each stimulus",
}


@dataclass(frozen=True)
class Measure:
    """One way to say how similar two representations of the same stimuli are.

    Attributes:
        id: Stable name, used in data and options.
        title: Name for people.
        axis: Axis label, with the direction.
        function: (x, y), each (n, …features), to a float.
        is_similarity: True if larger means more similar, False for a distance.
        range: Smallest and largest value.
        invariances: Keys of `INVARIANCES` under which the value stays, applied to either argument.
        symmetric: Whether (x, y) and (y, x) give the same.
        reference: BibTeX key of the source.
        embed: Grams (m, n, n) to vectors (m, length) whose inner products are the measure; None where it
            does not follow from Grams.
        all_pairs: (representations, others or None) to (m, k), where that is cheaper than pair by pair.
    """

    id: str
    title: str
    axis: str
    function: Callable[[Any, Any], float]
    range: tuple[float, float]
    invariances: tuple[str, ...]
    reference: str
    is_similarity: bool = True
    symmetric: bool = True
    embed: Callable[[Grams], np.ndarray] | None = None
    all_pairs: Callable[[Sequence[Any], Sequence[Any] | None], np.ndarray] | None = None

    def __call__(self, x: Any, y: Any) -> float:
        """Value for two representations of the same stimuli, each (n, …features).

        Raises:
            ValueError: As the function behind it.
        """
        return self.function(x, y)

    @property
    def follows_from_grams(self) -> bool:
        """Whether `pairwise` and `from_grams` are available."""
        return self.embed is not None

    def pairwise(self, a: Grams, b: Grams | None = None) -> np.ndarray:
        """Values of all pairs of two stacks of Grams, prepared once each and multiplied once.

        Args:
            a: Stack of m (or a single one, taken as a stack of one; leading axes are flattened).
            b: Stack of k; `a` itself by default.

        Returns:
            (m, k) float64; NaN, with a warning that names the row, where the measure is undefined.

        Raises:
            ValueError: The measure does not follow from Grams, different numbers of stimuli, NaN or Inf.
        """
        if self.embed is None:
            raise ValueError(f"{self.id} does not follow from Grams")
        if b is not None and a.n != b.n:
            raise ValueError(f"Grams of different numbers of stimuli: {a.n} and {b.n}")
        left = self.embed(a.flat())
        right = left if b is None or b is a else self.embed(b.flat())
        return np.clip(left @ right.T, *self.range)

    def from_grams(self, a: Grams, b: Grams) -> float:
        """Value for two single Grams; see `pairwise`."""
        return float(self.pairwise(a, b)[0, 0])

    def matrix(self, representations: Sequence[Any], others: Sequence[Any] | None = None) -> np.ndarray:
        """Values of all pairs of representations, each prepared once where the measure allows it.

        Args:
            representations: m, each (n, …features), of the same stimuli.
            others: k of them; `representations` themselves by default.

        Returns:
            (m, k) float64.

        Raises:
            ValueError: As the function behind it.
        """
        if self.all_pairs is not None:
            return self.all_pairs(representations, others)
        mirrored = others is None and self.symmetric
        columns = representations if others is None else others
        result = np.empty((len(representations), len(columns)))
        for i, x in enumerate(representations):
            for j, y in enumerate(columns):
                result[i, j] = result[j, i] if mirrored and j < i else self.function(x, y)
        return result
