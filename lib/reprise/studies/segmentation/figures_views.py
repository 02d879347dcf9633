"""Figures of study 3 that look into networks: segmented pictures, and change by depth."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from ...plots.style import (
    CONDITIONS,
    HEAD,
    MUTED,
    WIDTH,
    Plate,
    band,
    book_style,
    direction,
    end_labels,
    tick_labels,
)
from ...similarity.measures import measure as measure_entry
from . import endpoints
from .figures import line, title

if TYPE_CHECKING:
    import xarray as xr

_BACKGROUND = "#dcdcdc"
_IGNORED = 255


def pictures(
    runs: Mapping[str, xr.Dataset],
    seed: int,
    images: np.ndarray | None = None,
    masks: np.ndarray | None = None,
    name: str = "segmentation-pictures",
) -> Plate:
    """The same test pictures, segmented from every initialisation.

    Args:
        runs: Condition → units along ``seed``, each with the seed.
        seed: Whose networks.
        images: The pictures, uint8 (pictures, size, size, 3), where they may be shown and are at hand.
        masks: Their true classes, uint8 (pictures, size, size).
        name: Id of the figure on its page.

    Raises:
        ValueError: A run does not have the seed.
    """
    import matplotlib.pyplot as plt
    from matplotlib.patches import Patch

    predicted = {}
    for start, run in runs.items():
        found = np.flatnonzero(run["seed"].values == seed)
        if not found.size:
            raise ValueError(f"seed {seed} is not among those of {start}")
        predicted[title(start)] = run["shown_classes"].isel(seed=int(found[0])).values
    first = next(iter(runs.values()))
    classes = [str(name) for name in first["class_name"].values]
    colours = class_colours(len(classes))
    columns: dict[str, np.ndarray] = {}
    if images is not None:
        columns["picture"] = images
    if masks is not None:
        columns["truth"] = _painted(masks, colours)
    columns |= {start: _painted(values, colours) for start, values in predicted.items()}
    rows = len(next(iter(predicted.values())))
    with book_style():
        side = WIDTH / len(columns)
        figure, panels = plt.subplots(
            rows, len(columns), figsize=(WIDTH, rows * side + 0.9), squeeze=False, layout="constrained"
        )
        for column, (heading, values) in zip(panels.T, columns.items(), strict=True):
            column[0].set_title(_broken(heading), fontsize=7.5, fontweight="normal", loc="center")
            for axes, value in zip(column, values, strict=True):
                axes.imshow(value, interpolation="nearest")
                axes.set_axis_off()
        shown = classes if len(classes) <= 12 else classes[:11]
        handles = [Patch(color=colour, label=kind) for kind, colour in zip(shown, colours, strict=False)]
        figure.legend(handles=handles, ncols=min(6, len(handles)), loc="outside lower center", frameon=False,
                      fontsize=7.5)  # fmt: skip
    indices = ", ".join(str(int(i)) for i in first["shown_index"].values)
    seen = "" if images is not None else " The pictures themselves are not at hand or may not be shown here."
    caption = (
        f"Test pictures {indices} of {first['dataset'].values.flat[0]} (their middle), segmented by the "
        f"networks of seed {seed} from every initialisation.{seen}"
    )
    alt = f"A grid of segmented pictures: {rows} rows of one picture each, columns {', '.join(columns)}."
    return Plate(figure, name, caption, alt)


def class_colours(count: int) -> list[str]:
    """Colours of classes, the first one (as a rule the background) a light grey."""
    if count - 1 <= len(CONDITIONS):
        return [_BACKGROUND, *CONDITIONS[: count - 1]]
    import matplotlib
    from matplotlib.colors import to_hex

    tab = matplotlib.colormaps["tab20"]
    return [_BACKGROUND, *(to_hex(tab(i % 20)) for i in range(count - 1))]


def depth(runs: Mapping[str, xr.Dataset], measure: str = endpoints.PRIMARY) -> Plate:
    """Change of every layer of encoder and decoder by fine-tuning, beside an unrelated network.

    Args:
        runs: Condition → units along ``seed``, all of one architecture.
        measure: Id of a measure.
    """
    import matplotlib.pyplot as plt

    first = next(iter(runs.values()))
    layers = [str(name) for name in first["layer"].values]
    x = np.arange(len(layers))
    with book_style():
        figure, axes = plt.subplots(figsize=(WIDTH * 0.82, 3.4))
        ends, said = [], []
        for name, run in runs.items():
            style = line(name)
            values = endpoints.change(run, measure).transpose("seed", "layer").values
            mean = band(axes, x, values, style.pop("color"), marker="o", markersize=3.5, **style)
            ends.append((float(mean[-1]), title(name), line(name)["color"]))
            encoder, decoder = (
                float(endpoints.part_change(run, part, measure).mean()) for part in ("encoder", "decoder")
            )
            said.append(f"{title(name)}: encoder {encoder:.2f}, decoder {decoder:.2f}")
        null = endpoints.change(first, measure, "fresh").mean("seed").values
        axes.plot(x, null, color=MUTED, linestyle=(0, (1, 2)), linewidth=1)
        ends.append((float(null[-1]), "null: a fresh network", MUTED))
        halves = first["half_similarity"].sel(measure=measure).diff("half").isel(half=0)
        spread = float(np.abs(halves).mean())
        for edge in [i for i, name in enumerate(layers) if name == "decoder1"]:
            axes.axvline(edge - 0.5, color=MUTED, linewidth=0.8)
        axes.set_xticks(x, tick_labels(layers))
        axes.get_xticklabels()[-1].set_color(HEAD)
        axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]))
        axes.set_ylabel(direction(measure_entry(measure).symbol))
        axes.set_xlabel("layer, from the image to the classes")
        figure.tight_layout()
        end_labels(axes, ends)
    caption = (
        f"Change of representations ({measure_entry(measure).title}) of {int(first['probe_images'])} test "
        "crops by fine-tuning, layer by layer: encoder fine to coarse, decoder coarse to fine, logits. Parts "
        "that are not transferred start from random weights. Lines: mean over seeds; bands: 95 % t interval. "
        f"Dotted: {title(next(iter(runs)))} against a fresh network. On two halves of the crops the values "
        f"differ by {spread:.3f} on average."
    )
    return Plate(
        figure, "segmentation-depth", caption, f"Lines of change over layers. Means: {'; '.join(said)}."
    )


def _painted(masks: np.ndarray, colours: list[str]) -> np.ndarray:
    """Class ids as colours, float (…, 4); ignored pixels are transparent."""
    from matplotlib.colors import to_rgba_array

    table = np.zeros((256, 4))
    table[: len(colours)] = to_rgba_array(colours)
    table[_IGNORED] = 0
    return table[masks]


def _broken(name: str) -> str:
    return name.replace(" + ", " +\n").replace(", ", ",\n")
