"""A rule at every choice that it could have made: interval and verdict, the registered choice marked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..claims.choices import ASKED, Choices, Scale
from ..claims.verdict import Part, Status
from .palette import CONDITIONS
from .specification import MARKERS
from .style import DOTTED, MUTED, Plate, drawing, gridlines

__all__ = ["SHADES", "rule_curve"]

SHADES: dict[Status, tuple[str, str]] = {
    "supported": ("black", ""),
    "contradicted": ("#c8c8c8", "xxxx"),
    "mixed": ("#c8c8c8", "////"),
    "undecided": ("white", ""),
}
"""Grey and hatching of the strip that says the verdict at each choice."""


def rule_curve(rule: Choices, name: str) -> Plate:
    """Endpoint with its interval over all choices, and the verdict at each.

    Args:
        rule: The rule with what it fixes by hand left open; drawn for the options that it has registered.
        name: Id of the figure on its page.
    """
    chosen = rule.registered
    over_scale = isinstance(rule.choice, Scale)
    # Below the panel of sets a second one says what each of them counts.
    heights = (2.7,) if isinstance(rule.choice, Scale) else (2.4, 0.3 + 0.16 * len(rule.choice.options))
    ratios = heights * len(chosen)
    with drawing(
        len(ratios), height=sum(ratios), squeeze=False, layout="constrained", height_ratios=ratios
    ) as (figure, panels):
        for own, option in zip(np.split(panels[:, 0], len(chosen)), chosen, strict=True):
            if over_scale:
                _scale(own[0], rule, option)
            else:
                _sets(own[0], own[1], rule, option)
            several = len(rule.options) > 1
            own[0].set_title(f"{rule.claim}, {rule.options[option]}" if several else rule.claim)
            own[0].set_ylabel(rule.effect)
            gridlines(own[0])
    said = " ".join(f"{rule.options[option]}: {rule.sentence(option)}" for option in chosen)
    levels = {f"{100 * part.level:.3g} %" for part in rule.as_registered(chosen[0])}
    if over_scale:
        how = "Line and band: mean and {} interval over seeds at every choice. Strip above: the verdict "
        how += "there (black supported, crossed contradicted, hatched mixed, white undecided). Triangles: "
        how += "what the rule has registered; hollow, what its version before had."
    else:
        how = "Every set of layers in order of the effect, with its {} interval over seeds (filled circle "
        how += "supported, square contradicted, hollow undecided); dots below say which layers it counts. "
        how += "Rings: what the rule has registered."
    caption = f"{how.format(' or '.join(sorted(levels)))} {said}"
    return Plate(figure, name, caption, f"{rule.claim}: {rule.title} {said}")


def _scale(axes: Any, rule: Choices, option: str) -> None:
    assert isinstance(rule.choice, Scale)
    x = np.array(rule.choice.values)
    table = [rule.parts(option, value) for value in x]
    for k, comparison in enumerate(rule.comparisons):
        mean, low, high = _numbers([parts[k] for parts in table])
        colour = CONDITIONS[k % 5]
        axes.fill_between(x, low, high, color=colour, alpha=0.18, linewidth=0)
        axes.plot(x, mean, color=colour, label=f"{comparison.short} {ASKED[comparison.asks]}")
        if comparison.with_margin and k == 0:
            for side in (-x, x):
                axes.plot(x, side, color=MUTED, linewidth=1, linestyle=(0, (4, 3)))
    axes.axhline(0, color=MUTED, linewidth=1, linestyle=DOTTED)
    if len(rule.comparisons) > 1:
        axes.legend(frameon=False, fontsize=8, loc="lower left")
    low, high = axes.get_ylim()
    axes.set_ylim(low - 0.06 * (high - low), high + 0.09 * (high - low))
    edges = np.concatenate([[x[0]], (x[1:] + x[:-1]) / 2, [x[-1]]])
    transform = axes.get_xaxis_transform()
    statuses = rule.statuses(option)
    for status, (shade, hatch) in SHADES.items():
        spans = [(edges[i], edges[i + 1] - edges[i]) for i, own in enumerate(statuses) if own == status]
        if spans:
            axes.broken_barh(
                _joined(spans), (0.95, 0.05), transform=transform, facecolors=shade, hatch=hatch,
                edgecolor=MUTED, linewidth=0.5,
            )  # fmt: skip
    marks = (rule.choice.former, "white", 11), (rule.choice.registered, "black", 7)
    for layer, (values, fill, size) in enumerate(marks):
        if not values:  # of an empty line the layout would take the figure's corner for its place
            continue
        axes.plot(
            values, [0.025] * len(values), "^", transform=transform, color="black", clip_on=False,
            markerfacecolor=fill, markersize=size, zorder=3 + layer,
        )  # fmt: skip
    axes.set_xlim(x[0], x[-1])
    axes.set_xlabel(f"{rule.choice.label}{f' [{rule.choice.unit}]' if rule.choice.unit else ''}")


def _sets(axes: Any, grid: Any, rule: Choices, option: str) -> None:
    assert not isinstance(rule.choice, Scale)
    sets = rule.choice.values
    parts = [rule.parts(option, chosen)[0] for chosen in sets]
    order = sorted(range(len(sets)), key=lambda k: parts[k].estimate)
    mean, low, high = _numbers([parts[k] for k in order])
    places = np.arange(len(order))
    axes.vlines(places, low, high, color="black", linewidth=1.2)
    for place, k in enumerate(order):
        fill = "white" if parts[k].status == "undecided" else "black"
        axes.plot(place, mean[place], MARKERS[parts[k].status], color="black", markerfacecolor=fill,
                  markersize=4.5)  # fmt: skip
        if sets[k] in rule.choice.registered:
            axes.plot(place, mean[place], "o", markersize=11, color="black", fillstyle="none")
    axes.axhline(0, color=MUTED, linewidth=1, linestyle=DOTTED)
    axes.set_xticks([])
    options = rule.choice.options
    dots = [(place, line) for place, k in enumerate(order) for line, o in enumerate(options) if o in sets[k]]
    grid.plot(*zip(*dots, strict=True), "o", color="black", markersize=3.2)
    grid.set_yticks(range(len(options)), options, fontsize=7.5)
    grid.set_ylim(len(options) - 0.5, -0.5)
    grid.tick_params(axis="y", length=0)
    grid.set_xticks([])
    for panel in (axes, grid):
        panel.set_xlim(-0.7, len(order) - 0.3)
    for side in ("left", "bottom"):
        grid.spines[side].set_visible(False)


def _numbers(parts: Sequence[Part]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    table = np.array([(part.estimate, part.low, part.high) for part in parts])
    return table[:, 0], table[:, 1], table[:, 2]


def _joined(spans: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Spans that touch as one: (start, width)."""
    joined: list[tuple[float, float]] = []
    for start, width in spans:
        if joined and np.isclose(sum(joined[-1]), start):
            joined[-1] = (joined[-1][0], start + width - joined[-1][0])
        else:
            joined.append((start, width))
    return joined
