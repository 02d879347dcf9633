"""Finished units: one netCDF file each, written once, never changed.

Two layers: *published* units come with the book and are only read; *local* ones are made on this machine.
A file appears under its name only when it is complete, and carries a digest of its content, so that a damaged
one is noticed and never read.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, cast, get_args

import numpy as np

from ..places import Places
from .netcdf import Unusual, pack_scalars, read_attributes, read_plain, unpack_scalars

if TYPE_CHECKING:
    import xarray as xr

Layer = Literal["published", "local"]


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


class DamagedUnit(ValueError):
    """A unit's file cannot be read or does not hold what was written."""


@dataclass(frozen=True)
class Store:
    """Units on disk, published and local.

    Attributes:
        published: Folder of the published layer; only :meth:`publish` writes there.
        local: Folder of the local layer.
        layers: Layers in which units are looked for, in this order.
    """

    published: Path
    local: Path
    layers: tuple[Layer, ...] = get_args(Layer)

    @classmethod
    def of(cls, places: Places) -> Store:
        """The store of these places, with the layers that they name."""
        return cls(places.published, places.local, cast("tuple[Layer, ...]", places.layers))

    def folder(self, layer: Layer) -> Path:
        """Folder of a layer."""
        return self.published if layer == "published" else self.local

    def path(self, unit: Identified, layer: Layer) -> Path:
        """Where a unit's file is, or would be."""
        return self.folder(layer) / unit.study / f"{unit.id}.nc"

    def find(self, unit: Identified) -> Layer | None:
        """The first layer in which a unit's file stands, without reading it."""
        return next((layer for layer in self.layers if self.path(unit, layer).is_file()), None)

    def load(self, unit: Identified) -> xr.Dataset | None:
        """Read a unit.

        A damaged local file is set aside under another name, a damaged published one passed over, each with a
        warning; the unit then counts as missing.

        Args:
            unit: The unit wanted.

        Returns:
            Its dataset, in memory, or None if it is in none of the layers.
        """
        for layer in self.layers:
            path = self.path(unit, layer)
            if not path.is_file():
                continue
            try:
                return read(path)
            except DamagedUnit as damage:
                aside = ""
                if layer == "local":
                    target = path.with_name(f"{path.name}.damaged-{time.time_ns()}")
                    path.rename(target)
                    aside = f"; set aside as {target.name}"
                warnings.warn(f"{damage}{aside}", stacklevel=2)
        return None

    def write(self, unit: Identified, dataset: xr.Dataset) -> Path:
        """Keep a finished unit in the local layer. If it is there already, the file there stays as it is.

        Args:
            unit: The unit.
            dataset: What it measured.

        Returns:
            The unit's file.
        """
        path = self.path(unit, "local")
        write_once(dataset, path)
        return path

    def publish(self, unit: Identified) -> bool:
        """Copy a local unit to the published layer; one that is published already is never overwritten.

        Args:
            unit: The unit.

        Returns:
            Whether it was copied.

        Raises:
            FileNotFoundError: The unit is in neither layer.
            DamagedUnit: The local file is damaged.
        """
        target = self.path(unit, "published")
        if target.is_file():
            return False
        source = self.path(unit, "local")
        if not source.is_file():
            raise FileNotFoundError(f"unit {unit.id} of {unit.study} is not in {self.local}")
        return write_once(read(source), target)

    def attributes(self, study: str, layer: Layer) -> Iterator[dict[str, Any]]:
        """Settings and provenance of all readable units of a study in one layer, in order of their ids.

        Values are not read, nor is their digest checked: that takes a hundred times as long.
        """
        for path in sorted((self.folder(layer) / study).glob("*.nc")):
            try:
                yield read_attributes(path)
            except OSError as error:
                warnings.warn(f"{path} cannot be read ({error})", stacklevel=2)


_WORTH_COMPRESSING = 16384
"""Bytes above which a variable is compressed: below, the index of its chunks takes more than is saved."""


def write_once(dataset: xr.Dataset, path: Path) -> bool:
    """Write a netCDF file under its name, whole or not at all; a file that is already there wins.

    Args:
        dataset: What to write; its attributes must be JSON-serialisable or strings and numbers.
        path: Where to.

    Returns:
        Whether this call wrote it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    dataset = pack_scalars(dataset.assign_attrs(digest=digest(dataset)))
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".writing-", suffix=".nc")
    os.close(handle)
    encoding: dict[Any, dict[str, Any]] = {
        name: {"zlib": True, "complevel": 4, "shuffle": True}
        for name, variable in dataset.variables.items()
        if variable.nbytes > _WORTH_COMPRESSING and variable.dtype.kind in "fiu"
    }
    try:
        _write(dataset, name, encoding)
        os.chmod(name, 0o644)
        try:
            os.link(name, path)  # unlike a rename, fails where another writer was first
        except FileExistsError:
            return False
        except OSError:  # a file system without hard links
            if path.exists():
                return False
            os.rename(name, path)
        return True
    finally:
        Path(name).unlink(missing_ok=True)


def _write(dataset: xr.Dataset, name: str, encoding: dict[Any, dict[str, Any]]) -> None:
    """As ``to_netcdf`` does, in the layout of HDF5 1.10: a tenth less for a unit of 40 KB than the oldest."""
    import h5netcdf
    from xarray.backends import H5NetCDFStore

    with h5netcdf.File(name, "w", libver=("v110", "v110")) as file:
        dataset.dump_to_store(H5NetCDFStore(file), encoding=encoding)


def read(path: Path) -> xr.Dataset:
    """Read a unit's file into memory and check its digest.

    Args:
        path: The file.

    Returns:
        The dataset.

    Raises:
        DamagedUnit: The file is truncated, not netCDF, or holds something else than was written.
    """
    try:
        dataset = _read(path)
    except Exception as error:  # HDF5 reports damage as OSError, KeyError, RuntimeError or ValueError
        raise DamagedUnit(f"{path} cannot be read ({type(error).__name__}: {error})") from error
    if dataset.attrs.get("digest") != digest(dataset):
        raise DamagedUnit(f"{path} does not hold what was written: its digest differs")
    return dataset


def _read(path: Path) -> xr.Dataset:
    import xarray as xr

    try:
        return unpack_scalars(read_plain(path))
    except Unusual:
        with xr.open_dataset(path, engine="h5netcdf") as opened:
            return unpack_scalars(opened.load())


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
