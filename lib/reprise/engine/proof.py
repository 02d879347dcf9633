"""What proves that a unit's file holds what was written, and is the unit that its name says.

A file carries two hashes: its ``digest`` of everything measured, and its ``seal`` of all attributes, the
digest and its own id, study and seed among them. Units from before there were seals are recognised by their
settings, from which their id follows; the published ones among them are sealed in ``seals.json`` beside them.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

if TYPE_CHECKING:
    import xarray as xr

SEALS = "seals.json"
"""Name of a folder's table of seals, id → seal, of units that carry none."""

# How a file is laid out, and what the digest covers already.
_UNSEALED = {"seal", "scalars", "coordinates", "_NCProperties"}


class DamagedUnit(ValueError):
    """A unit's file cannot be read, does not hold what was written, or is another unit than its name says."""


class Identified(Protocol):
    """What the store needs to know of a unit."""

    @property
    def study(self) -> str:
        """Name of the study."""
        ...

    @property
    def id(self) -> str:
        """Identifier of the unit, which is also its file name."""
        ...

    @property
    def seed(self) -> int:
        """Its seed."""
        ...


def digest(dataset: xr.Dataset) -> str:
    """Hash of a dataset's names, dimensions and values; attributes (provenance, times) do not enter.

    Args:
        dataset: Any dataset of numbers and strings.

    Returns:
        Sixteen hexadecimal digits, equal after a round trip through netCDF.
    """
    total = hashlib.sha256()
    for name in sorted(map(str, dataset.variables)):
        variable = dataset.variables[name]
        values = np.asarray(variable.values)
        kind = values.dtype.kind
        content = (
            json.dumps(values.astype(str).ravel().tolist()).encode()
            if kind in "OUST"
            else np.ascontiguousarray(values).astype(values.dtype.newbyteorder("<"), copy=False).tobytes()
        )
        dims, number = ",".join(map(str, variable.dims)), "text" if kind in "OUST" else values.dtype.str[1:]
        header = f"{name}|{dims}|{values.shape}|{number}"
        total.update(header.encode() + b"\0" + content + b"\0")
    return total.hexdigest()[:16]


def seal(attributes: Mapping[str, Any]) -> str:
    """Hash of a file's attributes, the digest of its content among them.

    Args:
        attributes: Strings and numbers by name.

    Returns:
        Sixteen hexadecimal digits, equal after a round trip through netCDF.
    """
    content = {
        str(name): np.ravel(value).tolist() for name, value in attributes.items() if name not in _UNSEALED
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


def sealed(dataset: xr.Dataset, unit: Identified | None = None) -> xr.Dataset:
    """A dataset with the attributes that prove what it is, and which unit."""
    identity = {"id": unit.id, "study": unit.study, "seed": str(unit.seed)} if unit else {}
    whole = dataset.assign_attrs(**identity, digest=digest(dataset))
    return whole.assign_attrs(seal=seal(whole.attrs))


def check(path: Path, attributes: Mapping[str, Any], seed: int | None, unit: bool = True) -> None:
    """Compare a file's attributes with its seal, and its identity with its name.

    Args:
        path: The file.
        attributes: All of its attributes.
        seed: The seed among its values, if it has one.
        unit: Whether it must be a unit, rather than any dataset.

    Raises:
        DamagedUnit: They differ.
    """
    own = attributes.get("seal", _seals(path.parent).get(path.stem))
    if own is not None and own != seal(attributes):
        raise DamagedUnit(f"{path} does not hold what was written: its attributes differ")
    if "seal" in attributes:
        identity = tuple(attributes.get(name) for name in ("study", "id", "seed"))
        if identity == (None, None, None) and not unit:
            return
    elif "config" in attributes or unit:
        identity = _recomputed(path, attributes, seed)
    else:
        return
    if identity != (path.parent.name, path.stem, str(seed)):
        raise DamagedUnit(f"{path} is not what its name says: it holds unit {identity[1]} of {identity[0]}")


def _recomputed(path: Path, attributes: Mapping[str, Any], seed: int | None) -> tuple[str, str, str]:
    """Study, id and seed of a unit from before there were seals, by its settings."""
    from .study import Unit, studies, study

    name = path.parent.name
    try:
        if name not in studies() or seed is None:
            raise ValueError(f"no study {name} or no seed")
        return name, Unit(study(name).config.model_validate_json(attributes["config"]), seed).id, str(seed)
    except (ValueError, KeyError) as error:
        raise DamagedUnit(f"{path} does not say which unit it is ({type(error).__name__})") from None


@functools.lru_cache(maxsize=64)
def _table(path: Path, changed: int) -> Mapping[str, str]:
    return json.loads(path.read_text())


def _seals(folder: Path) -> Mapping[str, str]:
    path = folder / SEALS
    return _table(path, path.stat().st_mtime_ns) if path.is_file() else {}
