"""What menus offer: measures that follow from Grams, as the registry has them, and ways to compare RDMs."""

from __future__ import annotations

from typing import Any

from ..similarity.measures import MEASURES

__all__ = ["FORMS", "METHODS", "measure_menu"]

FORMS: dict[str, dict[str, Any]] = {
    "rsa-correlation": {"distance": "correlation", "method": "spearman"},
    "rsa-euclidean": {"distance": "euclidean", "method": "spearman"},
    "rsa-cosine": {"distance": "cosine", "method": "spearman"},
    "cka-linear": {"kernel": "linear", "debiased": False},
    "cka-linear-debiased": {"kernel": "linear", "debiased": True},
    "cka-rbf": {"kernel": "rbf", "debiased": False},
}
"""How the page computes each measure that follows from Grams."""

METHODS = {
    "spearman": "Spearman ρ",
    "pearson": "Pearson r",
    "kendall-tau-a": "Kendall τ-a",
    "kendall-tau-b": "Kendall τ-b",
    "cosine": "cosine",
}
"""Ways to compare two RDMs, by id, with their names for people."""


def measure_menu(ids: list[str] | None = None) -> list[dict[str, Any]]:
    """Registry entries as a page needs them.

    Args:
        ids: Measures wanted, in this order; all that follow from Grams if None.

    Raises:
        ValueError: A measure does not follow from Grams, or is not known.
    """
    offered = {name for name, entry in MEASURES.items() if entry.follows_from_grams}
    wanted = [name for name in MEASURES if name in offered] if ids is None else ids
    if unknown := [name for name in wanted if name not in offered]:
        raise ValueError(f"{unknown[0]!r} does not follow from Grams; one of {', '.join(sorted(offered))}")
    return [
        {
            "id": name,
            "title": MEASURES[name].title,
            "axis": MEASURES[name].axis,
            "range": list(MEASURES[name].range),
            **FORMS[name],
        }
        for name in wanted
    ]
