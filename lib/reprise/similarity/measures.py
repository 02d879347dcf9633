"""The registry: what each measure is called, computes, ranges over and ignores."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from .cca import cca, procrustes, pwcca, pwcca_projected, svcca
from .cka import cka, kernel_vectors
from .compare import compare, unit_rows
from .gram import Grams
from .ranks import midranks
from .rdm import rdm, rdm_from_gram

__all__ = ["INVARIANCES", "MEASURES", "Grams", "Measure", "invariance_table", "measure"]

#: What can be done to a representation x (n, features) without changing the value. Keys are used in the registry.
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
    """

    id: str
    title: str
    axis: str
    function: Callable[[Any, Any], float]
    is_similarity: bool
    range: tuple[float, float]
    invariances: tuple[str, ...]
    symmetric: bool
    reference: str
    embed: Callable[[Grams], np.ndarray] | None = None

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
            valid = ", ".join(m.id for m in MEASURES.values() if m.embed is not None)
            raise ValueError(f"{self.id} does not follow from Grams; these do: {valid}")
        if b is not None and a.n != b.n:
            raise ValueError(f"Grams of different numbers of stimuli: {a.n} and {b.n}")
        left = self.embed(a.flat())
        right = left if b is None or b is a else self.embed(b.flat())
        return np.clip(left @ right.T, *self.range)

    def from_grams(self, a: Grams, b: Grams) -> float:
        """Value for two single Grams; see `pairwise`."""
        return float(self.pairwise(a, b)[0, 0])


def _rsa(distance: str) -> tuple[Callable[[Any, Any], float], Callable[[Grams], np.ndarray]]:
    def function(x: Any, y: Any) -> float:
        return compare(rdm(x, distance), rdm(y, distance), "spearman")

    def embed(grams: Grams) -> np.ndarray:
        rdms = rdm_from_gram(grams.gram, distance, grams.mean, grams.n_features)
        ranks = np.full(rdms.shape, np.nan)
        known = ~np.isnan(rdms).any(axis=1)
        ranks[known] = midranks(rdms[known])
        return unit_rows(ranks, "RDM", centre=True)

    return function, embed


def _cka(kernel: str, debiased: bool) -> tuple[Callable[[Any, Any], float], Callable[[Grams], np.ndarray]]:
    def embed(grams: Grams) -> np.ndarray:
        if debiased and grams.n < 4:
            raise ValueError(f"debiased CKA needs at least 4 stimuli, not {grams.n}")
        if not np.isfinite(grams.gram).all():
            raise ValueError("gram holds NaN or Inf")
        return kernel_vectors(grams.gram, kernel, debiased)

    return partial(cka, kernel=kernel, debiased=debiased), embed


def _entry(
    id: str, title: str, axis: str, functions: tuple, range: tuple[float, float], **rest: Any
) -> Measure:
    function, embed = functions
    rest = {"is_similarity": True, "symmetric": True, **rest}
    return Measure(id, title, axis, function, range=range, embed=embed, **rest)


_RIGID = ("permutation", "orthogonal", "scaling", "translation")

#: All measures by id, in the order in which menus and tables show them.
MEASURES: dict[str, Measure] = {
    entry.id: entry
    for entry in (
        _entry(
            "rsa-correlation",
            "RSA, correlation distance",
            "similarity of RDMs (1 − r), Spearman ρ",
            _rsa("correlation"),
            (-1.0, 1.0),
            invariances=("permutation", "scaling", "stimulus-gain", "stimulus-offset"),
            reference="kriegeskorte2008",
        ),
        _entry(
            "rsa-euclidean",
            "RSA, Euclidean distance",
            "similarity of RDMs (Euclidean), Spearman ρ",
            _rsa("euclidean"),
            (-1.0, 1.0),
            invariances=_RIGID,
            reference="kriegeskorte2008",
        ),
        _entry(
            "rsa-cosine",
            "RSA, cosine distance",
            "similarity of RDMs (1 − cosine), Spearman ρ",
            _rsa("cosine"),
            (-1.0, 1.0),
            invariances=("permutation", "orthogonal", "scaling", "stimulus-gain"),
            reference="kriegeskorte2008",
        ),
        _entry(
            "cka-linear",
            "CKA, linear",
            "linear CKA (1 = same geometry)",
            _cka("linear", False),
            (0.0, 1.0),
            invariances=_RIGID,
            reference="kornblith2019",
        ),
        _entry(
            "cka-linear-debiased",
            "CKA, linear, debiased",
            "debiased linear CKA (0 = unrelated)",
            _cka("linear", True),
            (-1.0, 1.0),
            invariances=_RIGID,
            reference="song2012",
        ),
        _entry(
            "cka-rbf",
            "CKA, RBF",
            "RBF CKA (1 = same geometry)",
            _cka("rbf", False),
            (0.0, 1.0),
            invariances=_RIGID,
            reference="kornblith2019",
        ),
        _entry(
            "cca",
            "CCA, mean correlation",
            "mean canonical correlation",
            (cca, None),
            (0.0, 1.0),
            invariances=("permutation", "orthogonal", "linear", "scaling", "translation"),
            reference="raghu2017",
        ),
        _entry(
            "svcca",
            "SVCCA",
            "mean canonical correlation, 99 % of variance",
            (svcca, None),
            (0.0, 1.0),
            invariances=_RIGID,
            reference="raghu2017",
        ),
        _entry(
            "pwcca",
            "PWCCA",
            "projection-weighted canonical correlation",
            (pwcca, None),
            (0.0, 1.0),
            invariances=("permutation", "scaling", "translation"),
            symmetric=False,
            reference="morcos2018",
        ),
        _entry(
            "pwcca-projected",
            "PWCCA, as widely copied",
            "projection-weighted canonical correlation (copied variant)",
            (pwcca_projected, None),
            (0.0, 1.0),
            invariances=("permutation", "scaling", "translation"),
            symmetric=False,
            reference="morcos2018",
        ),
        _entry(
            "procrustes",
            "Procrustes, angular",
            "angular Procrustes distance, radians (0 = same shape)",
            (procrustes, None),
            (0.0, float(np.pi / 2)),
            is_similarity=False,
            invariances=_RIGID,
            reference="williams2021",
        ),
    )
}


def measure(id: str) -> Measure:
    """Registry entry of a measure.

    Raises:
        ValueError: Unknown id; the message lists the valid ones.
    """
    try:
        return MEASURES[id]
    except KeyError:
        raise ValueError(f"unknown measure {id!r}; one of {', '.join(MEASURES)}") from None


def invariance_table() -> list[dict[str, str]]:
    """The registry as rows of text for a table: measure, direction, range, symmetry, invariances, source."""
    rows = []
    for entry in MEASURES.values():
        low, high = entry.range
        row = {
            "id": entry.id,
            "measure": entry.title,
            "larger means": "similar" if entry.is_similarity else "different",
        }
        row["range"] = f"{low:.3g} to {high:.3g}"
        row["symmetric"] = "yes" if entry.symmetric else "no"
        row |= {name: "●" if name in entry.invariances else "" for name in INVARIANCES}
        row["source"] = entry.reference
        rows.append(row)
    return rows
