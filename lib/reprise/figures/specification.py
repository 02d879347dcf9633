"""Every analysis of some claims as a forest of intervals: the static side of the specification curve."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..studies.claims.specification import tally
from .style import FAINT, MUTED, WIDTH, Plate, book_style

__all__ = ["MARKERS", "specification_curve"]

MARKERS = {"supported": "o", "contradicted": "s", "mixed": "D", "undecided": "o", "not run": "x"}
"""A shape for each status; undecided ones are hollow."""


def specification_curve(rows: Sequence[Mapping[str, Any]], name: str = "specification") -> Plate:
    """Effect of every analysis with its interval, a panel a claim.

    Args:
        rows: Analyses, as :func:`reprise.studies.claims.specification.specifications` gives them.
        name: Id of the figure on its page.

    Raises:
        ValueError: No analyses.
    """
    import matplotlib.pyplot as plt

    if not rows:
        raise ValueError("no analyses to show")
    claims = list(dict.fromkeys(row["claim"] for row in rows))
    by_claim = {claim: [row for row in rows if row["claim"] == claim] for claim in claims}
    heights = [0.7 + 0.21 * len(chosen) for chosen in by_claim.values()]
    with book_style():
        figure, panels = plt.subplots(
            len(claims), 1, figsize=(WIDTH, sum(heights) + 0.3), squeeze=False, layout="constrained",
            gridspec_kw={"height_ratios": heights},
        )  # fmt: skip
        for axes, (claim, chosen) in zip(panels[:, 0], by_claim.items(), strict=True):
            several = len({row["condition"] for row in chosen}) > 1
            for place, row in enumerate(chosen):
                _draw(axes, place, row)
            axes.axvline(0, color=MUTED, linewidth=1, linestyle=(0, (4, 3)))
            labels = [f"{r['measure']}, {r['condition']}" if several else r["measure"] for r in chosen]
            axes.set_yticks(range(len(chosen)), labels)
            for text, row in zip(axes.get_yticklabels(), chosen, strict=True):
                text.set_fontweight("bold" if row.get("primary") else "normal")
            axes.set_ylim(len(chosen) - 0.5, -0.5)
            axes.grid(axis="x", color=FAINT, linewidth=0.5)
            axes.set_axisbelow(True)
            axes.tick_params(axis="y", length=0)
            axes.set_title(f"{claim} · {chosen[0].get('title', '')}".removesuffix(" · "))
            axes.set_xlabel(_effect(chosen))
    shapes = "filled circle supported, square contradicted, diamond mixed, hollow circle undecided"
    caption = (
        "Each claim under every measure and condition that was analysed: effect with its interval over seeds "
        f"({shapes}); the analysis in bold decides. "
        + " ".join(f"{claim}: {tally(chosen)}." for claim, chosen in by_claim.items())
    )
    alt = "Intervals, one a line. " + " ".join(
        f"{row['claim']}, {row['measure']}, {row['condition']}: {row['status']}, {_number(row['estimate'])}."
        for row in rows
    )
    return Plate(figure, name, caption, alt)


def _draw(axes: Any, place: int, row: Mapping[str, Any]) -> None:
    estimate, low, high = (
        np.nan if row[key] is None else float(row[key]) for key in ("estimate", "low", "high")
    )
    if np.isnan(estimate):
        axes.annotate("no number", (0.01, place), xycoords=("axes fraction", "data"), va="center", fontsize=8)
        return
    if np.isfinite([low, high]).all():
        axes.plot([low, high], [place, place], color="black", linewidth=1.2)
    fill = "white" if row["status"] == "undecided" else "black"
    axes.plot(estimate, place, MARKERS[row["status"]], color="black", markerfacecolor=fill, markersize=5.5)


def _effect(rows: Sequence[Mapping[str, Any]]) -> str:
    effects = {row.get("effect", "") for row in rows} - {""}
    return effects.pop() if len(effects) == 1 else "effect of the comparison with the least support"


def _number(value: float | None) -> str:
    return "no number" if value is None or np.isnan(value) else f"{value:.3f}"
