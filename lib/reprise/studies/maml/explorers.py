"""Explorers of study 1, each from the data that its static figure shows."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np

from ...claims.choices import Choices, Comparison, Scale, Sets
from ...engine.grams import with_page_measures
from ...similarity.measures import measure
from ...widgets.dynamics import Dynamics
from ...widgets.representation import Representation
from ...widgets.states import States, states_of
from .endpoints import PRIMARY, blocks, change, changes, effective_layers, layer_changes
from .states import kept_similarities

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["breadth_by_layers", "distance_by_lag", "dynamics", "representation", "unit_states"]

TITLES = {"layer": "layer", "sixtieth": "meta-iteration", "task": "task", "step": "inner step"}


def unit_states(unit: xr.Dataset) -> States:
    """All states that a unit keeps, with checkpoints as meta-iterations and tasks counted from 1.

    Raises:
        ValueError: The unit keeps no Grams.
    """
    spacing = _spacing(unit)
    labels = {
        "sixtieth": lambda sixtieth: str(sixtieth * spacing),
        "task": lambda task: "none" if task < 0 else str(task + 1),
    }
    return states_of([unit], TITLES, labels)


def representation(unit: xr.Dataset, pictures: np.ndarray | None = None) -> Representation:
    """Any two states of a unit; to begin with, the logits at the end, before and after adaptation to a task.

    Args:
        unit: A unit that keeps Grams.
        pictures: Its stimuli, (n, height, width) uint8; tiles stand for them if None.

    Raises:
        ValueError: The unit keeps no Grams.
    """
    states = unit_states(unit)
    end, trained = str(60 * _spacing(unit)), str(int(unit["inner_steps"]))
    a = states.find(layer="logits", sixtieth=end, step="0")
    b = states.find(layer="logits", sixtieth=end, step=trained, task="1")
    return Representation(states, a, b, pictures=pictures, title="Compare any two states", unit=_whose(unit))


def dynamics(run: xr.Dataset, unit: xr.Dataset | None = None, pictures: np.ndarray | None = None) -> Dynamics:
    """Change over meta-training, with the meta-initialisation of one unit at the cursor.

    Args:
        run: Units along ``seed``.
        unit: One of them with its Grams, from which measures follow that units do not hold; without, there is
            no RDM and no map.
        pictures: As for :func:`representation`.
    """
    whose = _seeds(run)
    shown = changes(with_page_measures(run, unit, kept_similarities))
    if unit is None or "gram" not in unit:
        return Dynamics(shown, unit=whose)
    base = unit.isel(state=np.flatnonzero(unit["state_step"].values == 0))
    return Dynamics(
        shown,
        states=states_of([base], {"layer": "layer"}),
        at=base["state_sixtieth"].values * _spacing(unit),
        pictures=pictures,
        unit=f"{whose}; RDM and map: seed {int(unit['seed'])}, before adaptation",
    )


def distance_by_lag(run: xr.Dataset) -> Choices:
    """Claim M3a at every stretch of meta-training: log (change of the blocks by adaptation ÷ by the stretch).

    Args:
        run: Units of similarity along ``seed``. Between the kept lags, which are sixtieths of meta-training,
            changes are interpolated.
    """
    spacing = _spacing(run)
    body = blocks(run)
    lags = run["lag"].values * float(spacing)
    inner, curves = {}, {}
    for name in run["measure"].values.tolist():
        adapted, _ = layer_changes(run, name)
        inner[name] = adapted.sel(layer=body).astype(float).mean("layer").transpose("seed").values
        stretch = change(run["lag_similarity"].sel(measure=name, layer=body)).astype(float).mean("layer")
        curves[name] = stretch.transpose("seed", "lag").values

    def log_ratio(name: str, iterations: float) -> tuple[np.ndarray, int]:
        stretch = [np.interp(iterations, [0.0, *lags], [0.0, *curve]) for curve in curves[name]]
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.log(inner[name] / np.array(stretch)), 0

    numbers = {name: {"change": inner[name], "places": lags, "curves": curves[name]} for name in inner}
    words = "log (adaptation ÷ stretch of meta-training)"
    # Five positions a sixtieth, in whole iterations where it has as many.
    fine = max(spacing / 5, 1.0)
    values = np.arange(spacing, lags[-1] + fine / 2, fine)
    return Choices(
        claim="M3a",
        title="how long a stretch of meta-training?",
        effect="log (adaptation ÷ stretch)",
        choice=Scale(
            "Stretch of meta-training", tuple(values.tolist()), (float(spacing),), unit="iterations"
        ),
        comparisons=(Comparison(words, "above", "ratio", numbers, log_ratio),),
        options={name: measure(name).title for name in inner},
        registered=(PRIMARY,),
        unit=f"{_seeds(run)}, {60 * spacing} meta-iterations",
    )


def breadth_by_layers(run: xr.Dataset) -> Choices:
    """Claim M3b at every set of layers: effective number of them, adaptation minus 1/60 of meta-training.

    Args:
        run: Units of similarity along ``seed``.
    """
    layers = [str(name) for name in run["layer"].values]
    pairs = {}
    for name in run["measure"].values.tolist():
        inner, outer = (found.astype(float).transpose("seed", "layer") for found in layer_changes(run, name))
        pairs[name] = (inner, outer)

    def difference(name: str, chosen: tuple[str, ...]) -> tuple[np.ndarray, int]:
        own, other = (effective_layers(found.sel(layer=list(chosen))).values for found in pairs[name])
        return own - other, 0

    numbers = {name: {"own": own.values, "other": other.values} for name, (own, other) in pairs.items()}
    words = "effective layers, adaptation − 1/60 of meta-training"
    return Choices(
        claim="M3b",
        title="which layers count?",
        effect="difference of effective layers",
        choice=Sets("Layers that count", tuple(layers), (tuple(layers), tuple(blocks(run)))),
        comparisons=(Comparison(words, "above", "spread", numbers, difference),),
        options={name: measure(name).title for name in pairs},
        registered=(PRIMARY,),
        unit=_seeds(run),
    )


def _seeds(run: xr.Dataset) -> str:
    seeds = f"{run.sizes['seed']} seed{'s' * (run.sizes['seed'] > 1)}"
    return f"{run['dataset'].values.flat[0]}, {seeds}"


def _spacing(unit: xr.Dataset) -> int:
    return int(unit["checkpoint"][-1]) // 60


def _whose(unit: xr.Dataset) -> str:
    config = json.loads(unit.attrs["config"])
    return f"{config['dataset']}, {config['ways']}-way {config['shots']}-shot, seed {int(unit['seed'])}"
