"""Explorers of study 2, each from the data that its static figure shows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from ...claims.choices import Choices, Comparison, Scale
from ...engine.grams import with_page_measures
from ...similarity.measures import measure, on_pages
from ...widgets.dynamics import Dynamics
from ...widgets.representation import Representation
from ...widgets.states import LIMIT, States, named_states, states_of
from . import endpoints
from .endpoints import DEBIASED, EQUAL, PRIMARY, body, changes
from .states import between_seeds, kept_similarities

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["ceilings", "dynamics", "excess_by_margin", "network_states", "representation"]

TITLES = {"network": "network", "layer": "layer", "epoch": "epoch", "seed": "seed"}


def network_states(units: Mapping[str, xr.Dataset]) -> States:
    """The states that some units keep, told apart by network, layer and epoch.

    Args:
        units: What a network is called, such as ``"pre-training"`` or ``"true labels"`` → its unit, with
            Grams; as many from the first on as a page holds.

    Raises:
        ValueError: A unit keeps no Grams, or there is none.
    """
    chosen: dict[str, xr.Dataset] = {}
    count = 0
    for name, unit in units.items():
        count += unit.sizes.get("state", 0)
        if count > LIMIT:
            break
        chosen[name] = unit
    return named_states(chosen, TITLES)


def representation(units: Mapping[str, xr.Dataset], pictures: np.ndarray | None = None) -> Representation:
    """Any two states of some networks; to begin with, the last network's logits at the start and at the end.

    Args:
        units: As for :func:`network_states`.
        pictures: The stimuli of the first unit, (n, height, width, 3) uint8; tiles stand for them if None.

    Raises:
        ValueError: A unit keeps no Grams, or there is none.
    """
    states = network_states(units)
    network = states.columns[0]
    last = network.levels[-1]
    epochs = next(column for column in states.columns if column.name == "epoch")
    own = sorted(set(epochs.codes[network.codes == len(network.levels) - 1].tolist()))
    layers = next(column.levels for column in states.columns if column.name == "layer")
    a, b = (
        states.find(network=last, layer=layers[-1], epoch=epochs.levels[code]) for code in (own[0], own[-1])
    )
    first = next(iter(units.values()))
    stimuli = f"{first.sizes['stimulus']} test images of {first['stimulus_dataset'].item()}"
    return Representation(
        states,
        a,
        b,
        "cka-linear",
        pictures,
        "Compare any two states",
        f"{first['model'].item()}; {stimuli}; seed {int(first['seed'])}",
    )


def ceilings(run: xr.Dataset) -> dict[str, xr.DataArray]:
    """Change between the trained networks of different seeds, in words → along seed, measure and layer.

    By every measure that pages offer; NaN by biased ones that units hold, for they took more stimuli.
    """
    import xarray as xr

    if "common_gram" not in run or run.sizes["seed"] < 2:
        return {}
    held = run["measure"].values.tolist()
    measures = list(dict.fromkeys([*held, *on_pages()]))
    level = {
        name: between_seeds(run, name)
        for name in measures
        if measure(name).follows_from_grams and not (measure(name).biased and name in held)
    }
    names = xr.DataArray(list(level), dims="measure", name="measure")
    words = f"trained networks of other seeds, {run.sizes['stimulus']} stimuli"
    return {words: 1 - xr.concat(list(level.values()), names).reindex(measure=measures)}


def dynamics(run: xr.Dataset, unit: xr.Dataset | None = None, pictures: np.ndarray | None = None) -> Dynamics:
    """Change over training, with the state of one unit at the cursor.

    Args:
        run: Units of one condition along ``seed``.
        unit: One of them with its Grams, from which measures follow that units do not hold; without, there is
            no RDM and no map.
        pictures: As for :func:`representation`.
    """
    data = [str(run[name].values.flat[0]) for name in ("target", "dataset")]
    seeds = f"{run.sizes['seed']} seed{'s' * (run.sizes['seed'] > 1)}"
    where = f"{data[1]} → {data[0]}, {seeds}" if data[0] != "none" else f"{data[1]}, {seeds}"
    change = changes(with_page_measures(run, unit, kept_similarities))
    if unit is None or "gram" not in unit:
        return Dynamics(change, ceilings(run), unit=where)
    return Dynamics(
        change,
        ceilings(run),
        states_of([unit], {"layer": "layer"}),
        unit["state_epoch"].values,
        pictures=pictures,
        unit=f"{where}; RDM and map: seed {int(unit['seed'])}",
    )


def excess_by_margin(tuned: Mapping[str, xr.Dataset], fresh: Mapping[str, xr.Dataset]) -> Choices:
    """Claim T3b at every margin and measure: what fine-tuned networks keep beyond fresh ones on equal labels.

    On random labels it must lie within the margin, on true labels above it: a margin that takes both in, or
    neither, tells nothing. All are read where they have the same training loss, the largest of their last.

    Args:
        tuned: Fine-tuned networks, ``"random labels"`` and, where there are any, ``"true labels"``.
        fresh: Networks that were never pre-trained, likewise.
    """
    labels = [name for name in ("random labels", "true labels") if name in tuned and name in fresh]
    measures = tuned[labels[0]]["measure"].values.tolist()
    pairs, last = [(tuned[name], fresh[name]) for name in labels], body(tuned[labels[0]])[-1]
    excess: dict[str, dict[str, np.ndarray]] = {words: {} for words in labels}
    for name in measures:
        for words, own in zip(labels, endpoints.excess(*pairs, measure=name), strict=True):
            excess[words][name] = own.sel(layer=last).values.astype(float)
    comparisons = [
        Comparison(
            f"{words}: last conv layer, similarity to the pre-trained state, fine-tuned − fresh",
            "within" if words == "random labels" else "beyond",
            "values",
            {name: {"values": values} for name, values in excess[words].items()},
            lambda name, _, words=words: (excess[words][name], 0),
        )
        for words in labels
    ]
    first = tuned[labels[0]]
    return Choices(
        claim="T3b",
        title="which difference counts as none?",
        effect="fine-tuned − fresh",
        choice=Scale(
            "Margin: differences within ± this count as none",
            tuple(round(0.005 * k, 3) for k in range(1, 41)),
            (EQUAL,),
            digits=3,
        ),
        comparisons=tuple(comparisons),
        options={name: measure(name).title for name in measures},
        registered=(PRIMARY, DEBIASED),
        unit=f"{first['dataset'].values.flat[0]}, {len(excess[labels[0]][PRIMARY])} seeds",
    )
