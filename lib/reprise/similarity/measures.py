"""The registry: what each measure is called, computes, ranges over, ignores and needs.

A new measure is an entry here, and in ``widgets/core.js`` the same formula where pages are to offer it. Every
menu, table and figure follows: what units do not keep is computed from the Grams that they keep.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from ._measure import INVARIANCES, Measure
from .cca import cca, pwcca, pwcca_unwhitened, svcca
from .cka import cka, cka_matrix
from .compare import PREPARED, compare
from .gram import Grams
from .kernels import kernel_vectors
from .procrustes import procrustes
from .rdm import rdm, rdm_from_gram

__all__ = [
    "INVARIANCES",
    "MEASURES",
    "Measure",
    "invariance_table",
    "measure",
    "measure_menu",
    "on_pages",
]


def _rsa(distance: str) -> dict[str, Any]:
    def function(x: Any, y: Any) -> float:
        return compare(rdm(x, distance), rdm(y, distance), "spearman")

    def all_pairs(representations: Sequence[Any], others: Sequence[Any] | None) -> np.ndarray:
        left, right = (
            None if items is None else np.stack([rdm(x, distance) for x in items])
            for items in (representations, others)
        )
        return compare(left, right, "spearman")

    def prepare(grams: Grams) -> np.ndarray:
        return PREPARED["spearman"](rdm_from_gram(grams.gram, distance, grams.mean, grams.n_features))

    return {
        "symbol": "ρ",
        "function": function,
        "prepare": prepare,
        "page": {"form": "rdm", "distance": distance, "method": "spearman"},
        "all_pairs": all_pairs,
        "range": (-1.0, 1.0),
    }


def _cka(kernel: str, debiased: bool) -> dict[str, Any]:
    def prepare(grams: Grams) -> np.ndarray:
        if debiased and grams.n < 4:
            raise ValueError(f"debiased CKA needs at least 4 stimuli, not {grams.n}")
        if not np.isfinite(grams.gram).all():
            raise ValueError("gram holds NaN or Inf")
        return kernel_vectors(grams.gram, kernel, debiased)

    return {
        "symbol": "CKA",
        "function": partial(cka, kernel=kernel, debiased=debiased),
        "prepare": prepare,
        "page": {"form": "kernel", "kernel": kernel, "debiased": debiased},
        "all_pairs": partial(cka_matrix, kernel=kernel, debiased=debiased),
        "biased": not debiased,
        "range": (-1.0 if debiased else 0.0, 1.0),
    }


_RIGID = ("permutation", "orthogonal", "scaling", "translation")
_UNIT = (0.0, 1.0)

_ENTRIES = (
    Measure(
        id="rsa-correlation",
        title="RSA, correlation distance",
        axis="similarity of RDMs (1 − r), Spearman ρ",
        invariances=("permutation", "scaling", "stimulus-gain", "stimulus-offset"),
        reference="kriegeskorte2008",
        **_rsa("correlation"),
    ),
    Measure(
        id="rsa-euclidean",
        title="RSA, Euclidean distance",
        axis="similarity of RDMs (Euclidean), Spearman ρ",
        invariances=_RIGID,
        reference="kriegeskorte2008",
        **_rsa("euclidean"),
    ),
    Measure(
        id="rsa-cosine",
        title="RSA, cosine distance",
        axis="similarity of RDMs (1 − cosine), Spearman ρ",
        invariances=("permutation", "orthogonal", "scaling", "stimulus-gain"),
        reference="kriegeskorte2008",
        **_rsa("cosine"),
    ),
    Measure(
        id="cka-linear",
        title="CKA, linear",
        axis="linear CKA (1 = same geometry)",
        invariances=_RIGID,
        reference="kornblith2019",
        **_cka("linear", debiased=False),
    ),
    Measure(
        id="cka-linear-debiased",
        title="CKA, linear, debiased",
        axis="debiased linear CKA (0 = unrelated)",
        invariances=_RIGID,
        reference="song2012",
        **_cka("linear", debiased=True),
    ),
    Measure(
        id="cka-rbf",
        title="CKA, RBF",
        axis="RBF CKA (1 = same geometry)",
        invariances=_RIGID,
        reference="kornblith2019",
        **_cka("rbf", debiased=False),
    ),
    Measure(
        id="cca",
        title="CCA, mean correlation",
        symbol="CCA",
        axis="mean canonical correlation",
        invariances=("permutation", "orthogonal", "linear", "scaling", "translation"),
        reference="raghu2017",
        function=cca,
        range=_UNIT,
        biased=True,
    ),
    Measure(
        id="svcca",
        title="SVCCA",
        symbol="SVCCA",
        axis="mean canonical correlation, 99 % of variance",
        invariances=_RIGID,
        reference="raghu2017",
        function=svcca,
        range=_UNIT,
        biased=True,
    ),
    Measure(
        id="pwcca",
        title="PWCCA",
        symbol="PWCCA",
        axis="projection-weighted canonical correlation",
        invariances=("permutation", "scaling", "translation"),
        symmetric=False,
        reference="morcos2018",
        function=pwcca,
        range=_UNIT,
        biased=True,
    ),
    Measure(
        id="pwcca-unwhitened",
        title="PWCCA as widely copied",
        symbol="PWCCA",
        axis="projection-weighted canonical correlation (copied variant)",
        invariances=("permutation", "scaling", "translation"),
        symmetric=False,
        reference="morcos2018",
        function=pwcca_unwhitened,
        range=_UNIT,
        biased=True,
    ),
    Measure(
        id="procrustes",
        title="Procrustes, angular",
        symbol="angle",
        axis="angular Procrustes distance, rad (0 = same shape)",
        is_similarity=False,
        invariances=_RIGID,
        reference="williams2021",
        function=procrustes,
        range=(0.0, float(np.pi / 2)),
    ),
)

#: All measures by id, in the order in which menus and tables show them.
MEASURES: dict[str, Measure] = {entry.id: entry for entry in _ENTRIES}


def measure(id: str) -> Measure:
    """Registry entry of a measure.

    Raises:
        ValueError: Unknown id; the message lists the valid ones.

    >>> entry = measure("cka-linear")
    >>> entry.range, entry.is_similarity, entry.follows_from_grams
    ((0.0, 1.0), True, True)
    """
    try:
        return MEASURES[id]
    except KeyError:
        raise ValueError(f"unknown measure {id!r}; one of {', '.join(MEASURES)}") from None


def invariance_table() -> list[dict[str, str]]:
    """The registry as rows of text for a table: measure, direction, range, symmetry, invariances, source.

    >>> [row["symmetric"] for row in invariance_table() if row["id"] == "pwcca"]
    ['no']
    """
    return [
        {
            "id": entry.id,
            "measure": entry.title,
            "larger means": "similar" if entry.is_similarity else "different",
            "range": f"{entry.range[0]:.3g} to {entry.range[1]:.3g}",
            "symmetric": "yes" if entry.symmetric else "no",
            **{name: "●" if name in entry.invariances else "" for name in INVARIANCES},
            "source": entry.reference,
        }
        for entry in MEASURES.values()
    ]


def on_pages() -> list[str]:
    """Ids of the measures that pages offer, in the order of the registry."""
    return [name for name, entry in MEASURES.items() if entry.page is not None]


def measure_menu(ids: Sequence[str] | None = None) -> list[dict[str, Any]]:
    """Registry entries as a page needs them, see `Measure.menu_entry`.

    Args:
        ids: Measures wanted, in this order; all that pages offer if None.

    Raises:
        ValueError: A measure is not known, or pages do not compute it.

    >>> measure_menu(["cka-rbf"])[0]["title"]
    'CKA, RBF'
    """
    offered = on_pages()
    wanted = offered if ids is None else ids
    if unknown := [name for name in wanted if name not in offered]:
        raise ValueError(f"{unknown[0]!r} does not follow from Grams; one of {', '.join(sorted(offered))}")
    return [MEASURES[name].menu_entry() for name in wanted]
