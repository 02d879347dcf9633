"""The picture of the landing page: what networks keep, layer by layer, when they learn again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from ..plots.change import over_depth
from ..plots.style import Plate, drawing, end_labels

if TYPE_CHECKING:
    import xarray as xr


@dataclass(frozen=True)
class Kept:
    """One study's part of the picture.

    Attributes:
        title: What the networks learned again.
        lines: What was learned → similarity before and after, along ``seed`` and ``layer``.
        colours: What was learned → colour.
        null: Similarity to unrelated networks, along ``layer``; None where it was not measured.
        about: Data set, preset and seeds, in words.
        own: Of some lines, by their names: similarity of a fresh network that learned the same to the state
            before, along ``layer``.
    """

    title: str
    lines: Mapping[str, xr.DataArray]
    colours: Mapping[str, str]
    null: xr.DataArray | None
    about: str
    own: Mapping[str, xr.DataArray] = field(default_factory=dict)


def kept(parts: Sequence[Kept], absent: Sequence[str] = ()) -> Plate:
    """Similarity of each layer before and after learning again, a row a study.

    Args:
        parts: Studies whose units are there, at least one.
        absent: Titles of the others.

    Raises:
        ValueError: There is no part.
    """
    if not parts:
        raise ValueError("there is no study to draw")
    described, labels = [], []
    with drawing(len(parts), height=2.1 * len(parts) + 0.3, squeeze=False, layout="constrained") as (
        figure,
        panels,
    ):
        for axes, part in zip(panels[:, 0], parts, strict=True):
            means, ends = over_depth(
                axes, part.lines, part.colours, part.null, "fresh network", part.own, markersize=4
            )
            layers = next(iter(part.lines.values()))["layer"].values
            for name, mean in means.items():
                low, high = layers[np.argmin(mean)], layers[np.argmax(mean)]
                described.append(
                    f"{part.title}, {name}: most similar {high} ({mean.max():.2f}), least {low} "
                    f"({mean.min():.2f})"
                )
            for name, level in part.own.items():
                beside = f"{float(level[-2]):.2f}, beside {means[name][-2]:.2f}"
                described.append(f"{part.title}, a fresh network that learned {name}: {layers[-2]} {beside}")
            labels.append(ends)
            axes.set_ylim(min(0.0, *(mean.min() for mean in means.values())), 1.03)
            axes.set_xlim(-0.15, len(layers) - 0.9)
            axes.set_title(part.title)
            axes.set_ylabel("similarity, ρ")
        # Labels stand outside the axes: room for them before their heights are fixed.
        figure.get_layout_engine().set(rect=(0, 0, 0.8, 1))  # type: ignore[union-attr]
        figure.draw_without_rendering()
        for axes, ends in zip(panels[:, 0], labels, strict=True):
            end_labels(axes, ends, gap=0.115)
    about = "; ".join(f"{part.title}: {part.about}" for part in parts)
    coloured = [part.title for part in parts if part.own]
    nulls = "Dotted, grey: similarity to fresh random networks."
    if coloured:
        nulls += (
            f" Dotted in a line's colour ({', '.join(coloured)}): a fresh network that learned the same, "
            "which comes to resemble the state before without ever having been in it."
        )
    missing = f" Not run yet: {', '.join(absent)}." if absent else ""
    caption = (
        "What stays when a network learns again: similarity of each layer's representation of constant "
        "images before and after (Spearman's ρ of correlation distances; 1 the same geometry, 0 none). "
        f"Lines: mean over seeds; bands: 95 % t interval. {nulls} {about}.{missing}"
    )
    alt = f"Lines of similarity over layers, a row a study. {'; '.join(described)}."
    return Plate(figure, "kept", caption, alt)
