"""What the authors' own numbers say of a claim, where numbers of theirs exist (``data/reference``)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .authors import Published, read_table

SOURCE = "cifar10"
"""What the authors pre-train on: a target of this domain is within it."""


@dataclass(frozen=True)
class Theirs:
    """One number of the authors', made as ours is.

    Attributes:
        name: What it is, and of which condition.
        value: The number, from means over their seeds; their table gives no interval of it.
        seeds: Number of their seeds.
    """

    name: str
    value: float
    seeds: int


def authors_numbers(root: Path | None) -> dict[str, list[Theirs]]:
    """The authors' numbers by claim.

    Args:
        root: The checkout with ``data/reference``; None where there is none.

    Returns:
        Id of the claim → its numbers. Claims that no number of theirs is about are left out: the first paper
        shows its results in figures, and of the third neither code nor tables are public.
    """
    if root is None:
        return {}
    table = read_table(root)
    return {name: make(table) for name, make in _CLAIMS.items()}


def _conditions(table: Sequence[Published], stage: str) -> dict[tuple[str, int, int], dict[str, Published]]:
    """(data set, degree of noise, images) → layer → row; layers in order of depth."""
    found: dict[tuple[str, int, int], dict[str, Published]] = {}
    for row in table:
        if row.stage == stage:
            found.setdefault((row.dataset, row.degree, row.images), {})[row.layer] = row
    return found


def _labels(degree: int) -> str:
    return {0: "true labels", 9: "random labels"}.get(degree, f"label noise {degree}")


def _t1(table: Sequence[Published]) -> list[Theirs]:
    found = []
    for (dataset, degree, _), layers in _conditions(table, "fine-tuning").items():
        body = min(row.mean for name, row in layers.items() if name != "logits")
        head = layers["logits"]
        found.append(
            Theirs(
                f"{dataset}, {_labels(degree)}: least similar conv layer − logits",
                body - head.mean,
                head.seeds,
            )
        )
    return found


def _t3a(table: Sequence[Published]) -> list[Theirs]:
    by_degree = {
        degree: list(layers.values())[-2]
        for (dataset, degree, _), layers in _conditions(table, "fine-tuning").items()
        if dataset == SOURCE
    }
    true, random = by_degree[0], by_degree[9]
    name = f"{SOURCE}: last conv layer, true − random labels, at the end of training"
    return [Theirs(name, true.mean - random.mean, true.seeds)]


def _t4(table: Sequence[Published]) -> list[Theirs]:
    conditions = _conditions(table, "training")
    images = np.log10([count for _, _, count in conditions])
    rows = list(conditions.values())
    return [
        Theirs(
            f"{layer}: change per tenfold images, at equal epochs",
            float(np.polyfit(images, [1 - one[layer].mean for one in rows], 1)[0]),
            rows[0][layer].seeds,
        )
        for layer in rows[0]
    ]


_CLAIMS: Mapping[str, Callable[[Sequence[Published]], list[Theirs]]] = {"T1": _t1, "T3a": _t3a, "T4": _t4}
