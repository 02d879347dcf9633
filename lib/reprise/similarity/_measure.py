"""What a registry entry is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .gram import Grams

__all__ = ["INVARIANCES", "Measure", "products"]

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


def products(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Inner products of vectors (m, length) and (k, length): (m, k)."""
    return left @ right.T


@dataclass(frozen=True)
class Measure:
    """One way to say how similar two representations of the same stimuli are.

    A measure that follows from Grams says in two steps how: ``prepare`` once a representation, ``combine``
    once for all pairs. The page takes the same two steps in ``core.js``, under the form that ``page`` names.

    Attributes:
        id: Stable name, used in data and options.
        title: Name for people.
        symbol: Short sign for axes: change is 1 − symbol.
        axis: Axis label, with the direction.
        function: (x, y), each (n, …features), to a float.
        is_similarity: True if larger means more similar, False for a distance.
        range: Smallest and largest value.
        invariances: Keys of `INVARIANCES` under which the value stays, applied to either argument.
        symmetric: Whether (x, y) and (y, x) give the same.
        biased: Whether unrelated representations seem the more similar the fewer the stimuli, so that values
            of different numbers of stimuli cannot be compared.
        reference: BibTeX key of the source.
        prepare: Grams (m, n, n) to an array (m, …), NaN where a row is undefined; None where the measure
            does not follow from Grams.
        combine: Two prepared arrays, (m, …) and (k, …), to values (m, k).
        page: How the page computes it: ``form``, a key of FORMS in ``core.js``, and what that reads. None
            where menus leave it out.
        all_pairs: (representations, others or None) to (m, k), where that is cheaper than pair by pair.
    """

    id: str
    title: str
    symbol: str
    axis: str
    function: Callable[[Any, Any], float]
    range: tuple[float, float]
    invariances: tuple[str, ...]
    reference: str
    is_similarity: bool = True
    symmetric: bool = True
    biased: bool = False
    prepare: Callable[[Grams], np.ndarray] | None = None
    combine: Callable[[np.ndarray, np.ndarray], np.ndarray] = products
    page: Mapping[str, Any] | None = None
    all_pairs: Callable[[Sequence[Any], Sequence[Any] | None], np.ndarray] | None = None

    def __post_init__(self) -> None:
        # Pages show 1 − value as change, from stored Grams, and mirror the matrix of all pairs.
        if self.page is not None and not (self.prepare and self.is_similarity and self.symmetric):
            raise ValueError(f"{self.id}: a page takes symmetric similarities that follow from Grams")

    def __call__(self, x: Any, y: Any) -> float:
        """Value for two representations of the same stimuli, each (n, …features).

        Raises:
            ValueError: As the function behind it.
        """
        return self.function(x, y)

    def menu_entry(self) -> dict[str, Any]:
        """What a page needs, as JSON values: id, title, symbol, axis, range, and how to compute it."""
        named = {name: getattr(self, name) for name in ("id", "title", "symbol", "axis")}
        return named | {"range": list(self.range), **(self.page or {})}

    @property
    def follows_from_grams(self) -> bool:
        """Whether `prepared`, `pairwise` and `from_grams` are available."""
        return self.prepare is not None

    def prepared(self, grams: Grams) -> np.ndarray:
        """What of a stack of Grams (m, n, n) is computed once, for `of_prepared`: (m, …).

        Raises:
            ValueError: The measure does not follow from Grams, NaN or Inf, too few stimuli.
        """
        if self.prepare is None:
            raise ValueError(f"{self.id} does not follow from Grams")
        return self.prepare(grams.flat())

    def of_prepared(self, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        """Values of all pairs of two prepared stacks: (m, k) float64."""
        return np.clip(self.combine(left, right), *self.range)

    def pairwise(self, a: Grams, b: Grams | None = None) -> np.ndarray:
        """Values of all pairs of two stacks of Grams, each prepared once.

        Args:
            a: Stack of m (or a single one, taken as a stack of one; leading axes are flattened).
            b: Stack of k; `a` itself by default.

        Returns:
            (m, k) float64; NaN, with a warning that names the row, where the measure is undefined.

        Raises:
            ValueError: As `prepared`; different numbers of stimuli.
        """
        if b is not None and a.n != b.n:
            raise ValueError(f"Grams of different numbers of stimuli: {a.n} and {b.n}")
        left = self.prepared(a)
        return self.of_prepared(left, left if b is None or b is a else self.prepared(b))

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
