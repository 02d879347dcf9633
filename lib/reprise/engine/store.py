"""Finished units: one netCDF file each, written once, never changed.

Two layers: *published* units come with the book and are only read; *local* ones are made on this machine.
A file appears under its name only when it is complete, and proves what it is, so that one that is damaged, or
bears another's name, is noticed and never read.
"""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast, get_args

from ..interrupts import Interrupts
from ..places import Places
from . import netcdf
from .proof import DamagedUnit, Identified, check, digest, sealed

if TYPE_CHECKING:
    import xarray as xr

Layer = Literal["published", "local"]


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
        """Where a unit's file is, or would be; whoever keeps account of what is read hears of it."""
        path = self.folder(layer) / unit.study / f"{unit.id}.nc"
        sys.audit("reprise.unit", str(path))
        return path

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
                return _whole(path)
            except DamagedUnit as damage:
                aside = ""
                if layer == "local":
                    target = path.with_name(f"{path.name}.damaged-{time.time_ns()}")
                    with contextlib.suppress(
                        OSError
                    ):  # another process was first, or the folder is read-only
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
        write_once(dataset, path, unit)
        return path

    def publish(self, unit: Identified) -> bool:
        """Copy a local unit to the published layer; one that is published already is never overwritten.

        Args:
            unit: The unit.

        Returns:
            Whether it was copied.

        Raises:
            FileNotFoundError: The unit is in neither layer.
            DamagedUnit: The local file is damaged or another unit.
        """
        target = self.path(unit, "published")
        if target.is_file():
            return False
        source = self.path(unit, "local")
        if not source.is_file():
            raise FileNotFoundError(f"unit {unit.id} of {unit.study} is not in {self.local}")
        return write_once(_whole(source), target, unit)

    def attributes(self, study: str, layer: Layer) -> Iterator[dict[str, Any]]:
        """Settings and provenance of all units of a study in one layer, in order of their ids.

        Values are not read, nor is their digest checked: that takes a hundred times as long. A file whose
        attributes are not what was written, or not those of its name, is passed over with a warning.
        """
        for path in sorted((self.folder(layer) / study).glob("*.nc")):
            try:
                attributes, seed = netcdf.read_identity(path)
                check(path, attributes, seed)
            except (OSError, ValueError, TypeError, KeyError, RuntimeError) as error:
                warnings.warn(f"{path} cannot be read ({error})", stacklevel=2)
                continue
            yield attributes


def write_once(dataset: xr.Dataset, path: Path, unit: Identified | None = None) -> bool:
    """Write a netCDF file under its name, whole or not at all; a file that is already there wins.

    A Ctrl-C waits until it is written.

    Args:
        dataset: What to write; its attributes must be strings and numbers.
        path: Where to.
        unit: Which unit it is; None for a dataset that is none.

    Returns:
        Whether this call wrote it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    dataset = sealed(dataset, unit)
    with Interrupts(), _temporary(path.parent) as name:
        netcdf.write(dataset, name)
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


_WRITING = ".writing-"


@contextlib.contextmanager
def _temporary(folder: Path) -> Iterator[str]:
    """A file to write to, whose name says which process does."""
    prefix = f"{_WRITING}{socket.gethostname()}-{os.getpid()}-"
    handle, name = tempfile.mkstemp(dir=folder, prefix=prefix, suffix=".nc")
    os.close(handle)
    try:
        yield name
    finally:
        Path(name).unlink(missing_ok=True)


def sweep(folder: Path, age: float = 86400) -> list[Path]:
    """Delete what processes that are no more were writing.

    Args:
        folder: A study's folder; may not exist.
        age: Seconds after which a file of another machine's process, of which nothing is known, goes too.

    Returns:
        What was deleted.
    """
    litter = []
    for path in folder.glob(f"{_WRITING}*"):
        host, _, number = path.name.removeprefix(_WRITING).rpartition("-")[0].rpartition("-")
        here = host == socket.gethostname() and number.isdigit()
        with contextlib.suppress(FileNotFoundError):
            if not _alive(int(number)) if here else time.time() - path.stat().st_mtime > age:
                path.unlink()
                litter.append(path)
    return litter


def _alive(process: int) -> bool:
    if os.name == "nt":  # where asking so would end the process
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:  # another user's
        return True
    return True


def read(path: Path) -> xr.Dataset:
    """Read a file into memory and check that it is what was written and, if a unit, the one of its name.

    Args:
        path: The file.

    Returns:
        The dataset.

    Raises:
        DamagedUnit: It is truncated, not netCDF, holds something else than was written, or is another unit.
    """
    return _whole(path, unit=False)


def _whole(path: Path, unit: bool = True) -> xr.Dataset:
    """As :func:`read`; by default the file must be a unit."""
    try:
        dataset = netcdf.read(path)
        content, seed = digest(dataset), int(dataset["seed"]) if "seed" in dataset else None
    except Exception as error:  # HDF5 reports damage as OSError, KeyError, RuntimeError or ValueError
        raise DamagedUnit(f"{path} cannot be read ({type(error).__name__}: {error})") from error
    if dataset.attrs.get("digest") != content:
        raise DamagedUnit(f"{path} does not hold what was written: its digest differs")
    check(path, dataset.attrs, seed, unit)
    return dataset
