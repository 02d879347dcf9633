"""Every analysis of some claims: a forest of intervals, or a specification curve where there are many."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..claims.specification import tally
from ..engine.words import number
from .dots import rows as name_rows
from .style import FAINT, MUTED, Plate, drawing, gridlines

__all__ = ["MARKERS", "specification_curve"]

FOREST = 24
"""Most analyses of a claim that are named line by line."""

MARKERS = {"supported": "o", "contradicted": "s", "mixed": "D", "undecided": "o", "not run": "x"}
"""A shape for each status; undecided ones are hollow."""


def specification_curve(rows: Sequence[Mapping[str, Any]], name: str = "specification") -> Plate:
    """Effect of every analysis with its interval, a panel a claim.

    Up to :data:`FOREST` analyses of a claim are a line each; more stand side by side in order of their
    effect, with dots below that say what each has chosen.

    Args:
        rows: Analyses, as :func:`reprise.claims.specification.specifications` gives them.
        name: Id of the figure on its page.

    Raises:
        ValueError: No analyses.
    """
    if not rows:
        raise ValueError("no analyses to show")
    claims = list(dict.fromkeys(row["claim"] for row in rows))
    by_claim = {claim: [row for row in rows if row["claim"] == claim] for claim in claims}
    if max(map(len, by_claim.values())) > FOREST:
        figure = _curves(by_claim)
        deciding = "Analyses in order of effect; dots below say what each has chosen; a ring marks the one "
        deciding += "that decides."
        alt = "Intervals in ascending order, dots below them. " + " ".join(map(_course, by_claim.values()))
    else:
        figure = _forest(by_claim)
        deciding = "The analysis in bold decides."
        alt = "Intervals, one an analysis. " + " ".join(
            f"{row['claim']}, {row['measure']}, {row['condition']}: {row['status']}, "
            f"{_number(row['estimate'])}."
            for row in rows
        )
    if not any(row.get("primary") for row in rows):
        deciding = "None of these analyses decides."
    shapes = "filled circle supported, square contradicted, diamond mixed, hollow circle undecided"
    caption = (
        "Each claim under every measure and condition that was analysed: effect with its interval over seeds "
        f"({shapes}). {deciding} "
        + " ".join(f"{claim}: {tally(chosen)}." for claim, chosen in by_claim.items())
    )
    return Plate(figure, name, caption, alt)


def _forest(by_claim: Mapping[str, Sequence[Mapping[str, Any]]]) -> Any:
    """A line an analysis, named at its left."""
    heights = [0.7 + 0.21 * len(chosen) for chosen in by_claim.values()]
    with drawing(
        len(by_claim), height=sum(heights) + 0.3, squeeze=False, layout="constrained", height_ratios=heights
    ) as (figure, panels):
        for axes, (claim, chosen) in zip(panels[:, 0], by_claim.items(), strict=True):
            several = len({row["condition"] for row in chosen}) > 1
            for place, row in enumerate(chosen):
                _draw(axes, place, row)
            axes.axvline(0, color=MUTED, linewidth=1, linestyle=(0, (4, 3)))
            labels = [f"{r['measure']}, {r['condition']}" if several else r["measure"] for r in chosen]
            name_rows(axes, labels)
            for text, row in zip(axes.get_yticklabels(), chosen, strict=True):
                text.set_fontweight("bold" if row.get("primary") else "normal")
            gridlines(axes, "x")
            axes.set_title(f"{claim} · {chosen[0].get('title', '')}".removesuffix(" · "))
            axes.set_xlabel(_effect(chosen))
    return figure


def _curves(by_claim: Mapping[str, Sequence[Mapping[str, Any]]]) -> Any:
    """Analyses side by side in ascending order of effect, above a grid of their choices."""
    choices = [
        (key, value)
        for key in ("measure", "condition")
        for value in dict.fromkeys(row[key] for chosen in by_claim.values() for row in chosen)
    ]
    below = 0.17 * len(choices)
    ratios = [part for _ in by_claim for part in (1.7, below)]
    height = sum(ratios) + 0.45 * len(by_claim)
    with drawing(len(ratios), height=height, squeeze=False, layout="constrained", height_ratios=ratios) as (
        figure,
        panels,
    ):
        pairs = zip(panels[::2, 0], panels[1::2, 0], by_claim.items(), strict=True)
        for effects, grid, (claim, rows) in pairs:
            # Those without a number come last.
            chosen = sorted(rows, key=lambda row: (row["estimate"] is None, row["estimate"] or 0.0))
            _upright(effects, chosen)
            chose = [
                (place, line)
                for place, row in enumerate(chosen)
                for line, (key, value) in enumerate(choices)
                if row[key] == value
            ]
            grid.plot(*zip(*chose, strict=True), "o", color="black", markersize=3.2)
            grid.hlines(range(len(choices)), -0.7, len(chosen) - 0.3, color=FAINT, linewidth=0.5, zorder=0)
            effects.axhline(0, color=MUTED, linewidth=1, linestyle=(0, (4, 3)))
            gridlines(effects)
            effects.set_title(f"{claim} · {chosen[0].get('title', '')}".removesuffix(" · "))
            effects.set_ylabel("effect", fontsize=8.5)
            effects.set_xticks([])
            grid.set_yticks(range(len(choices)), [value for _, value in choices], fontsize=7.5)
            grid.set_ylim(len(choices) - 0.5, -0.5)
            grid.axhline(sum(key == "measure" for key, _ in choices) - 0.5, color=FAINT, linewidth=0.8)
            grid.set_xticks([])
            grid.set_xlabel(_effect(chosen))
            grid.tick_params(axis="y", length=0)
            for axes in (effects, grid):
                axes.set_xlim(-0.7, len(chosen) - 0.3)
            for side in ("left", "bottom"):
                grid.spines[side].set_visible(False)
    return figure


def _upright(axes: Any, rows: Sequence[Mapping[str, Any]]) -> None:
    """Effects beside each other with their intervals; drawn by kind, which keeps the file small."""
    bars = [(place, row["low"], row["high"]) for place, row in enumerate(rows) if row["low"] is not None]
    if bars:
        axes.vlines(*zip(*bars, strict=True), color="black", linewidth=1.2)
    for status, marker in MARKERS.items():
        own = [(place, row) for place, row in enumerate(rows) if row["status"] == status]
        known = [(place, row["estimate"]) for place, row in own if row["estimate"] is not None]
        fill = "white" if status == "undecided" else "black"
        if known:
            axes.plot(*zip(*known, strict=True), marker, color="black", markerfacecolor=fill, markersize=4.5)
        for place, row in own:
            if row["estimate"] is None:
                axes.annotate("×", (place, 0.02), xycoords=("data", "axes fraction"), ha="center", fontsize=8)
            elif row.get("primary"):
                axes.plot(place, row["estimate"], "o", markersize=11, color="black", fillstyle="none")


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


def _course(rows: Sequence[Mapping[str, Any]]) -> str:
    """The analyses of a claim in words: how many, how they come out, from which effect to which."""
    known = sorted((row for row in rows if row["estimate"] is not None), key=lambda row: row["estimate"])
    ends = " to ".join(
        f"{_number(row['estimate'])} ({row['measure']}, {row['condition']})"
        for row in (known[:1] + known[-1:])
    )
    return f"{rows[0]['claim']}: {len(rows)} analyses, {tally(rows)}; effects from {ends or 'no number'}."


def _effect(rows: Sequence[Mapping[str, Any]]) -> str:
    effects = {row.get("effect", "") for row in rows} - {""}
    return effects.pop() if len(effects) == 1 else "effect of the comparison with the least support"


def _number(value: float | None) -> str:
    return "no number" if value is None or np.isnan(value) else number(value)
