"""Figures of study 3 that look into networks: segmented pictures, and change by depth."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...plots.change import over_depth
from ...plots.style import (
    CONDITIONS,
    HEAD,
    MUTED,
    WIDTH,
    Plate,
    drawing,
    end_labels,
)
from ...plots.words import direction
from ...similarity.measures import measure as measure_entry
from . import endpoints
from .figures import Runs, named_ends
from .looks import line, rate_words, title

if TYPE_CHECKING:
    pass

_BACKGROUND = "#dcdcdc"
_IGNORED = 255


def pictures(
    runs: Runs,
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
    from matplotlib.patches import Patch

    predicted = {}
    for start, run in runs.items():
        if seed not in run["seed"].values:
            raise ValueError(f"seed {seed} is not among those of {start}")
        predicted[title(start)] = run["shown_classes"].values[list(run["seed"].values).index(seed)]
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
    height = rows * WIDTH / len(columns) + 0.9
    with drawing(rows, len(columns), height=height, squeeze=False, layout="constrained") as (figure, panels):
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


def depth(runs: Runs, measure: str = endpoints.PRIMARY) -> Plate:
    """Change of every layer of encoder and decoder (all of one architecture), beside an unrelated network."""
    first, looks = next(iter(runs.values())), {name: line(name) for name in runs}
    curves = {name: endpoints.change(run, measure) for name, run in runs.items()}
    null = endpoints.change(first, measure, "fresh").mean("seed")
    with drawing(width=WIDTH * 0.82, height=3.4) as (figure, axes):
        means, (*_, unrelated) = over_depth(axes, curves, looks, null)
        for edge in np.flatnonzero(first["layer"].values == "decoder1"):
            axes.axvline(edge - 0.5, color=MUTED, linewidth=0.8)
        axes.get_xticklabels()[-1].set_color(HEAD)
        axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]))
        axes.set_ylabel(direction(measure))
        axes.set_xlabel("layer, from the image to the classes")
        figure.tight_layout()
        end_labels(axes, [*named_ends(means), unrelated])
    halves = first["half_similarity"].sel(measure=measure).diff("half").isel(half=0)
    caption = (
        f"Change of representations ({measure_entry(measure).title}) of {int(first['probe_images'])} test "
        "crops by fine-tuning, layer by layer: encoder fine to coarse, decoder coarse to fine, logits. Parts "
        "that are not transferred start from random weights. Lines: mean over seeds; bands: 95 % t interval. "
        f"Dotted: {title(next(iter(runs)))} against a fresh network. On two halves of the crops the values "
        f"differ by {float(np.abs(halves).mean()):.3f} on average.{rate_words(runs)}"
    )
    by_part = {
        part: [float(endpoints.part_change(run, part, measure).mean()) for run in runs.values()]
        for part in ("encoder", "decoder")
    }
    described = "; ".join(
        f"{title(name)}: encoder {encoder:.2f}, decoder {decoder:.2f}"
        for name, encoder, decoder in zip(runs, *by_part.values(), strict=True)
    )
    return Plate(figure, "segmentation-depth", caption, f"Lines of change over layers. Means: {described}.")


def _painted(masks: np.ndarray, colours: list[str]) -> np.ndarray:
    """Class ids as colours, float (…, 4); ignored pixels are transparent."""
    from matplotlib.colors import to_rgba_array

    table = np.zeros((256, 4))
    table[: len(colours)] = to_rgba_array(colours)
    table[_IGNORED] = 0
    return table[masks]


def _broken(name: str) -> str:
    return name.replace(" + ", " +\n").replace(", ", ",\n")
