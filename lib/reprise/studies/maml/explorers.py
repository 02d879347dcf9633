"""Explorers of study 1, each from the data that its static figure shows."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np

from ...engine.grams import with_page_measures
from ...widgets.dynamics import Dynamics
from ...widgets.representation import Representation
from ...widgets.states import States, states_of
from .endpoints import changes
from .states import kept_similarities

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["dynamics", "representation", "unit_states"]

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
    seeds = f"{run.sizes['seed']} seed{'s' * (run.sizes['seed'] > 1)}"
    whose = f"{run['dataset'].values.flat[0]}, {seeds}"
    change = changes(with_page_measures(run, unit, kept_similarities))
    if unit is None or "gram" not in unit:
        return Dynamics(change, unit=whose)
    base = unit.isel(state=np.flatnonzero(unit["state_step"].values == 0))
    return Dynamics(
        change,
        states=states_of([base], {"layer": "layer"}),
        at=base["state_sixtieth"].values * _spacing(unit),
        pictures=pictures,
        unit=f"{whose}; RDM and map: seed {int(unit['seed'])}, before adaptation",
    )


def _spacing(unit: xr.Dataset) -> int:
    return int(unit["checkpoint"][-1]) // 60


def _whose(unit: xr.Dataset) -> str:
    config = json.loads(unit.attrs["config"])
    return f"{config['dataset']}, {config['ways']}-way {config['shots']}-shot, seed {int(unit['seed'])}"
