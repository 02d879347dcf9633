"""From units that keep Grams to what an explorer needs: named columns and packed numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["LIMIT", "Column", "States", "named_states", "states_of"]

LIMIT = 400
"""Most states of one explorer: what a page can hold and compare at once."""

Label = Callable[[Any], str]


@dataclass(frozen=True)
class Column:
    """One property by which states are told apart.

    Attributes:
        name: Name in the units.
        title: Name for people.
        levels: Its values, for people, in order.
        codes: Index of each state's value among them, (states,).
    """

    name: str
    title: str
    levels: tuple[str, ...]
    codes: np.ndarray


@dataclass(frozen=True)
class States:
    """States of networks, as Grams of stimuli.

    Attributes:
        columns: What tells the states apart.
        gram: Upper triangles with their diagonals, row by row, (states, entries) float32.
        mean: Means over features, (states, stimuli) float32.
        features: Numbers of features, (states,).
        sets: Index of each state's stimuli in ``stimuli``: only states of one set can be compared.
        stimuli: For each set, class and name of every stimulus.
    """

    columns: tuple[Column, ...]
    gram: np.ndarray
    mean: np.ndarray
    features: np.ndarray
    sets: np.ndarray
    stimuli: tuple[tuple[tuple[str, str], ...], ...]

    def __len__(self) -> int:
        return len(self.gram)

    def find(self, **wanted: str) -> int:
        """Index of the first state with these labels, such as ``layer="logits"``.

        Raises:
            ValueError: There is none; the message lists what there is.
        """
        match = np.ones(len(self), dtype=bool)
        for name, label in wanted.items():
            column = next((column for column in self.columns if column.name == name), None)
            if column is None:
                raise ValueError(f"no column {name!r}; there are: {', '.join(c.name for c in self.columns)}")
            if label not in column.levels:
                raise ValueError(f"no {name} {label!r}; there are: {', '.join(column.levels)}")
            match &= column.codes == column.levels.index(label)
        if not match.any():
            raise ValueError(f"no state with {wanted}")
        return int(np.flatnonzero(match)[0])


def states_of(
    units: Sequence[xr.Dataset],
    titles: Mapping[str, str] | None = None,
    labels: Mapping[str, Label] | None = None,
) -> States:
    """Gather the states that units keep.

    Every coordinate ``state_<name>`` along ``state`` becomes a column, and so does the seed and whatever
    other scalar differs between the units. Integers sort by value, names keep the order of the unit's own
    coordinate of that name where there is one.

    Args:
        units: Units with the dimension ``state``: ``gram``, ``feature_mean``, ``state_features``, and
            coordinates of their stimuli (``stimulus_class``, and ``stimulus_name``, ``stimulus_drawing`` or
            ``stimulus_index`` where they have them).
        titles: Column → title, in the order of menus; columns that are not named here come after them under
            their own name.
        labels: Column → how to write a value.

    Raises:
        ValueError: A unit keeps no Grams, numbers of stimuli differ, columns differ, or there are more than
            :data:`LIMIT` states.
    """
    titles, labels = titles or {}, labels or {}
    if not units or any("gram" not in unit for unit in units):
        raise ValueError("a unit keeps no Grams: see the settings that say whose Grams are kept")
    if len({unit.sizes["stimulus"] for unit in units}) > 1:
        raise ValueError("units keep different numbers of stimuli")
    sizes = [unit.sizes["state"] for unit in units]
    if sum(sizes) > LIMIT:
        raise ValueError(f"{sum(sizes)} states; a page holds at most {LIMIT}: choose some")
    values = _values(units, sizes)
    names = [name for name in titles if name in values] + [name for name in values if name not in titles]
    columns = tuple(
        _column(name, titles.get(name, name.replace("_", " ")), values[name], units, labels.get(name, str))
        for name in names
    )
    sets: list[tuple[tuple[str, str], ...]] = []
    codes = []
    for unit in units:
        stimuli = _stimuli(unit)
        if stimuli not in sets:
            sets.append(stimuli)
        codes.append(sets.index(stimuli))
    return States(
        columns,
        np.concatenate([unit["gram"].values for unit in units]).astype("<f4"),
        np.concatenate([unit["feature_mean"].values for unit in units]).astype("<f4"),
        np.concatenate([unit["state_features"].values for unit in units]).astype(int),
        np.repeat(codes, sizes),
        tuple(sets),
    )


def named_states(
    units: Mapping[str, xr.Dataset],
    titles: Mapping[str, str] | None = None,
    labels: Mapping[str, Label] | None = None,
) -> States:
    """The same for units of different conditions, which are told apart by names in a column ``network``.

    Args:
        units: Name → unit; settings in which they differ become no columns.
        titles: As for :func:`states_of`.
        labels: As for :func:`states_of`.

    Raises:
        ValueError: As for :func:`states_of`.
    """
    named = []
    for name, unit in units.items():
        count = unit.sizes.get("state", 0)
        settings = [str(n) for n, c in unit.coords.items() if c.ndim == 0 and n != "seed"]
        named.append(unit.drop_vars(settings).assign_coords(state_network=("state", [name] * count)))
    return states_of(named, titles, labels)


def _values(units: Sequence[xr.Dataset], sizes: Sequence[int]) -> dict[str, np.ndarray]:
    """Column → value of every state."""
    own = [
        {str(n) for n in unit.coords if str(n).startswith("state_")} - {"state_features"} for unit in units
    ]
    if any(names != own[0] for names in own):
        raise ValueError(f"units tell states apart by different columns: {own}")
    ordered = [str(name) for name in units[0].coords if str(name) in own[0]]
    values = {
        name.removeprefix("state_"): np.concatenate([unit[name].values for unit in units]) for name in ordered
    }
    scalars = [str(name) for name, c in units[0].coords.items() if c.ndim == 0]
    for name in scalars:
        each = [unit[name].item() for unit in units if name in unit.coords]
        if len(each) == len(units) and name not in values and (name == "seed" or len(set(each)) > 1):
            values[name] = np.repeat(np.array(each), sizes)
    return values


def _column(name: str, title: str, values: np.ndarray, units: Sequence[xr.Dataset], label: Label) -> Column:
    found = list(dict.fromkeys(values.tolist()))
    order = units[0][name].values.tolist() if name in units[0].dims else []
    if all(isinstance(value, int | float) for value in found):
        found.sort()
    elif set(found) <= set(order):
        found.sort(key=order.index)
    levels = tuple(label(value) for value in found)
    return Column(name, title, levels, np.array([found.index(value) for value in values.tolist()]))


def _stimuli(unit: xr.Dataset) -> tuple[tuple[str, str], ...]:
    """Class and name of every stimulus, as far as the unit says."""
    n = unit.sizes["stimulus"]

    def texts(*names: str) -> list[str] | None:
        name = next((name for name in names if name in unit.coords), None)
        return None if name is None else [str(value) for value in unit[name].values]

    classes = [name.replace("_", " ") for name in texts("stimulus_name", "stimulus_class") or [""] * n]
    items = texts("stimulus_drawing", "stimulus_index") or [str(i) for i in range(n)]
    # Where the name is of the stimulus and not of its class, the class is told by its number.
    if len(set(classes)) == n and "stimulus_class" in unit.coords:
        items, classes = classes, texts("stimulus_class") or classes
    return tuple(zip(classes, items, strict=True))
