"""The picture of the landing page: what networks keep, layer by layer, when they learn again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..engine.statistics import interval_over_seeds
from ..plots.style import FAINT, MUTED, WIDTH, Plate, band, book_style, end_labels, tick_labels


@dataclass(frozen=True)
class Kept:
    """One study's part of the picture.

    Attributes:
        title: What the networks learned again.
        layers: Names of the layers, in order of depth.
        lines: What was learned → similarity before and after, (seeds, layers).
        colours: What was learned → colour.
        null: Similarity to unrelated networks, (layers,); None where it was not measured.
        about: Data set, preset and seeds, in words.
    """

    title: str
    layers: tuple[str, ...]
    lines: Mapping[str, np.ndarray]
    colours: Mapping[str, str]
    null: np.ndarray | None
    about: str


def kept(parts: Sequence[Kept], absent: Sequence[str] = ()) -> Plate:
    """Similarity of each layer before and after learning again, a row a study.

    Args:
        parts: Studies whose units are there, at least one.
        absent: Titles of the others.

    Raises:
        ValueError: There is no part.
    """
    import matplotlib.pyplot as plt

    if not parts:
        raise ValueError("there is no study to draw")
    with book_style():
        figure, panels = plt.subplots(
            len(parts), 1, figsize=(WIDTH, 2.1 * len(parts) + 0.3), squeeze=False, layout="constrained"
        )
        said, labels = [], []
        for axes, part in zip(panels[:, 0], parts, strict=True):
            x, ends = np.arange(len(part.layers)), []
            for name, values in part.lines.items():
                mean = band(axes, x, values, part.colours[name], marker="o", markersize=4)
                ends.append((float(mean[-1]), name, part.colours[name]))
                low, high = (part.layers[i] for i in (int(np.argmin(mean)), int(np.argmax(mean))))
                said.append(
                    f"{part.title}, {name}: most similar {high} ({mean.max():.2f}), least {low} "
                    f"({mean.min():.2f})"
                )
            if part.null is not None:
                axes.plot(x, part.null, color=MUTED, linestyle=(0, (1, 2)), linewidth=1)
                ends.append((float(part.null[-1]), "null: fresh network", MUTED))
            labels.append(ends)
            lows = [np.nanmin(interval_over_seeds(values)[0]) for values in part.lines.values()]
            axes.set_ylim(min(0.0, *lows), 1.03)
            axes.set_xlim(-0.15, len(x) - 0.9)
            axes.set_xticks(x, tick_labels(part.layers))
            axes.set_title(part.title)
            axes.set_ylabel("similarity, ρ")
            axes.grid(axis="y", color=FAINT, linewidth=0.5)
            axes.set_axisbelow(True)
        # Labels stand outside the axes: room for them before their heights are fixed.
        figure.get_layout_engine().set(rect=(0, 0, 0.8, 1))  # type: ignore[union-attr]
        figure.draw_without_rendering()
        for axes, ends in zip(panels[:, 0], labels, strict=True):
            end_labels(axes, ends, gap=0.115)
    about = "; ".join(f"{part.title}: {part.about}" for part in parts)
    missing = f" Not run yet: {', '.join(absent)}." if absent else ""
    caption = (
        "What stays when a network learns again: similarity of each layer's representation of constant "
        "images before and after (Spearman's ρ of correlation distances; 1 the same geometry, 0 none). "
        f"Lines: mean over seeds; bands: 95 % t interval. {about}.{missing}"
    )
    return Plate(
        figure, "kept", caption, "Lines of similarity over layers, a row a study. " + "; ".join(said) + "."
    )
