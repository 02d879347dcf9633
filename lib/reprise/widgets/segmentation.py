"""Segmentation explorer: networks of study 3 by what they started from, share of labels and seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import anywidget
import numpy as np
import traitlets

from ..similarity.measures import measure_menu
from . import joining
from .dynamics import t_quantiles
from .representation import pack_pictures
from .states import LIMIT, States, states_of

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["QUALITIES", "Segmentation", "Start", "pack_classes"]

Condition = tuple[str, float]
"""Name of a start, and the share of the target's labels."""

QUALITIES = {"miou": "mean IoU", "dice": "mean Dice score", "boundary": "mean boundary IoU"}


@dataclass(frozen=True)
class Start:
    """What fine-tuning starts from.

    Attributes:
        title: Name for people.
        colour: Its colour, hexadecimal.
    """

    title: str
    colour: str


class Segmentation(anywidget.AnyWidget):
    """Two conditions side by side: quality, learning curves, predictions and representations.

    Args:
        runs: Condition → units along ``seed``, all of one target and one architecture.
        starts: Name of a start → what it is called and its colour, in the order of menus.
        kept: Condition → a unit with its Grams, for the comparison of representations; conditions without one
            show change by fine-tuning alone. Once there are more than 400 states the later ones are left out.
        a: Condition that A begins with.
        b: Condition that B begins with.
        classes: Colour of each class, hexadecimal.
        levels: Quality (mean IoU) without a network, by name.
        images: The shown test pictures, (pictures, side, side, 3) uint8; none if None.
        masks: Their true classes, (pictures, side, side) uint8, 255 where a pixel has no label; none if None.
        missing: Conditions that are not there, in words → the command that computes them.
        rates: Condition → the learning rate that was chosen for it, in words; the difference of two at
            different rates is withdrawn. Those that choose it seed by seed are left out.
        title: Heading of the explorer.
        unit: In one line, what it shows: data, preset.

    Raises:
        ValueError: No runs, a condition or start that is not there, runs that differ in layers, measures,
            classes or steps, or pictures of another shape.
    """

    _esm = joining.module("segmentation")
    _css = joining.style()

    quality = traitlets.Bytes().tag(sync=True)
    curve = traitlets.Bytes().tag(sync=True)
    change = traitlets.Bytes().tag(sync=True)
    fresh = traitlets.Bytes().tag(sync=True)
    masks = traitlets.Bytes().tag(sync=True)
    truth = traitlets.Bytes().tag(sync=True)
    pictures = traitlets.Bytes().tag(sync=True)
    gram = traitlets.Bytes().tag(sync=True)
    mean = traitlets.Bytes().tag(sync=True)
    about = traitlets.Dict().tag(sync=True)

    def __init__(
        self,
        runs: Mapping[Condition, xr.Dataset],
        starts: Mapping[str, Start],
        kept: Mapping[Condition, xr.Dataset] | None = None,
        a: Condition | None = None,
        b: Condition | None = None,
        classes: Sequence[str] = (),
        levels: Mapping[str, float] | None = None,
        images: np.ndarray | None = None,
        masks: np.ndarray | None = None,
        missing: Mapping[str, str] | None = None,
        rates: Mapping[Condition, str] | None = None,
        title: str = "Where to start from",
        unit: str = "",
    ) -> None:
        first = _alike(runs)
        names = [name for name in starts if any(name == start for start, _ in runs)]
        shares = sorted({share for _, share in runs})
        a, b = a or next(iter(runs)), b or next(reversed(list(runs)))
        for condition in (a, b, *runs):
            if condition not in runs or condition[0] not in starts:
                raise ValueError(f"no condition {condition}; there are: {', '.join(map(str, runs))}")
        layers = [str(layer) for layer in first["layer"].values]
        places, states = _states(kept or {}, layers)
        units: list[list[int]] = []
        for (name, share), run in runs.items():
            for seed in np.atleast_1d(run["seed"].values).tolist():
                found = places.get(((name, share), seed), -1)
                units.append([names.index(name), shares.index(share), int(seed), found])
        shown = first["shown_classes"].isel(seed=0)
        count, side = shown.sizes["shown"], shown.sizes["row"]
        bits = next(bits for bits in (1, 2, 4, 8) if len(first["class_name"]) <= 2**bits)
        packed, shape = pack_pictures(images, count)
        for what, got in (
            ("pictures", shape and shape[0]),
            ("masks", None if masks is None else len(masks[0])),
        ):
            if got not in (None, side):
                raise ValueError(f"{what} must have sides of {side} pixels, got {got}")
        measures = [str(measure) for measure in first["measure"].values]
        super().__init__(
            quality=_joined(runs, lambda run: np.stack([run[name].values for name in QUALITIES], 1)),
            curve=_joined(runs, lambda run: run["curve_miou"].transpose("seed", "curve_step").values),
            change=_joined(runs, lambda run: 1 - _by_layer(run["similarity"])),
            fresh=_joined(runs, lambda run: 1 - _by_layer(run["fresh_similarity"])),
            masks=b"".join(pack_classes(run["shown_classes"].values, bits) for run in runs.values()),
            truth=b"" if masks is None else np.ascontiguousarray(masks, np.uint8).tobytes(),
            pictures=packed,
            gram=b"" if states is None else states.gram.tobytes(),
            mean=b"" if states is None else states.mean.tobytes(),
            about={
                "starts": [{"name": name, **vars(starts[name])} for name in names],
                "shares": [{"value": share, "label": f"{100 * share:g} %"} for share in shares],
                "units": units,
                "qualities": [{"id": name, "title": text} for name, text in QUALITIES.items()],
                "steps": first["curve_step"].values.tolist(),
                "judges": int(first["curve_images"].values.flat[0]),
                "measures": measure_menu(measures),
                "layers": [{"name": name, "short": _short(name)} for name in layers],
                "classes": _classes([str(name) for name in first["class_name"].values], classes),
                "levels": [{"title": text, "value": float(value)} for text, value in (levels or {}).items()],
                "quantiles": t_quantiles(max(run.sizes["seed"] for run in runs.values())),
                "shown": {
                    "side": side,
                    "bits": bits,
                    "names": [str(index) for index in np.atleast_1d(first["shown_index"].values).tolist()],
                    "dataset": str(first["dataset"].values.flat[0]),
                },
                "probes": int(first["probe_images"].values.flat[0]),
                "features": [] if states is None else states.features.tolist(),
                "sets": [] if states is None else states.sets.tolist(),
                "n": 0 if states is None else states.mean.shape[1],
                "keptSeeds": sorted({int(one["seed"]) for one in (kept or {}).values()}),
                "pair": {
                    "a": [names.index(a[0]), shares.index(a[1])],
                    "b": [names.index(b[0]), shares.index(b[1])],
                    "seed": units[0][2],
                },
                "missing": [list(item) for item in (missing or {}).items()],
                "rates": [
                    [names.index(name), shares.index(share), words]
                    for (name, share), words in (rates or {}).items()
                ],
                "title": title,
                "unit": unit,
            },
        )  # fmt: skip


def pack_classes(classes: np.ndarray, bits: int) -> bytes:
    """Classes of pixels, ``bits`` each, highest bit first; every unit begins at a byte.

    Args:
        classes: uint8 (units, …).
        bits: 1, 2, 4 or 8.

    Raises:
        ValueError: A class does not fit.
    """
    if classes.max(initial=0) >= 2**bits:
        raise ValueError(f"class {classes.max()} does not fit into {bits} bits")
    flat = classes.reshape(len(classes), -1, 1).astype(np.uint8)
    singles = np.unpackbits(flat, axis=2)[:, :, 8 - bits :]
    return np.packbits(singles.reshape(len(classes), -1), axis=1).tobytes()


def _alike(runs: Mapping[Condition, xr.Dataset]) -> xr.Dataset:
    """The first run, once it is known that all can be shown together."""
    if not runs:
        raise ValueError("no runs to show")
    first = next(iter(runs.values()))
    for condition, run in runs.items():
        for name in ("layer", "measure", "class_name", "curve_step", "shown_index"):
            if not np.array_equal(np.ravel(run[name].values), np.ravel(first[name].values)):
                raise ValueError(f"{condition} differs from the other runs in {name}")
    return first


def _states(
    kept: Mapping[Condition, xr.Dataset], layers: Sequence[str]
) -> tuple[dict[tuple[Condition, int], int], States | None]:
    """States after fine-tuning, each unit's layers in order, and where each unit's begin."""
    places: dict[tuple[Condition, int], int] = {}
    ended = []
    for condition, unit in kept.items():
        end = np.flatnonzero(unit["state_name"].values == "end")
        named = unit["state_layer"].values[end].tolist()
        if (len(places) + 1) * len(layers) > LIMIT:
            break
        places[condition, int(unit["seed"])] = len(places) * len(layers)
        bare = unit.isel(state=end[[named.index(layer) for layer in layers]])
        # What tells these apart is their place; their conditions are no columns.
        ended.append(bare.drop_vars([name for name, c in bare.coords.items() if c.ndim == 0]))
    return places, states_of(ended) if ended else None


def _joined(runs: Mapping[Condition, xr.Dataset], values: Any) -> bytes:
    return b"".join(np.ascontiguousarray(values(run), "<f4").tobytes() for run in runs.values())


def _by_layer(similarity: xr.DataArray) -> np.ndarray:
    return similarity.transpose("seed", "measure", "layer").values


def _classes(names: Sequence[str], colours: Sequence[str]) -> list[dict[str, str]]:
    if len(colours) != len(names):
        raise ValueError(f"{len(colours)} colours for {len(names)} classes")
    return [{"name": name, "colour": colour} for name, colour in zip(names, colours, strict=True)]


def _short(layer: str) -> str:
    """``encoder1`` → ``e1``: there is little room under an axis."""
    return layer.replace("encoder", "e").replace("decoder", "d")
