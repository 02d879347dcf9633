"""How a unit lies in its netCDF file, and reading it through HDF5: the book opens hundreds of them.

Scalars, mostly settings, lie together in one attribute: as variables of their own they take half a kilobyte
each. Only the plain layout is read here that :func:`write` writes: numbers and
strings at the top level, without scaling, times or units. Anything else is left to xarray, at 0.1 s a file.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import xarray as xr

# What says how a file is laid out; not part of the content. A fill value is NaN, which numbers keep as it is.
_LAYOUT = {
    *("CLASS", "NAME", "REFERENCE_LIST", "DIMENSION_LIST", "_Netcdf4Dimid", "_Netcdf4Coordinates"),
    *("_FillValue", "coordinates"),
}
_NO_VARIABLE = b"This is a netCDF dimension but not a netCDF variable"


SCALARS = "scalars"
"""Attribute in which scalars lie."""


def pack_scalars(dataset: xr.Dataset) -> xr.Dataset:
    """Move numbers, truth values and strings without dimensions into the attribute ``scalars``, as JSON.

    Args:
        dataset: Any dataset without such an attribute.

    Returns:
        The dataset without those variables. ``scalars`` maps the name of each to
        ``[whether it is a coordinate, type, value]``.
    """
    packed = {
        str(name): [name in dataset.coords, "str" if v.dtype.kind in "OU" else str(v.dtype), v.values.item()]
        for name, v in dataset.variables.items()
        if v.ndim == 0 and not v.attrs and (v.dtype.kind in "biufU" or isinstance(v.values.item(), str))
    }
    return dataset.drop_vars(list(packed)).assign_attrs({SCALARS: json.dumps(packed)}) if packed else dataset


def unpack_scalars(dataset: xr.Dataset) -> xr.Dataset:
    """Undo :func:`pack_scalars`; a dataset without such an attribute comes back as it is."""
    if SCALARS not in dataset.attrs:
        return dataset
    packed = json.loads(dataset.attrs[SCALARS])
    values = {name: ((), np.array(value, dtype=kind)) for name, (_, kind, value) in packed.items()}
    coordinates = {name: value for name, value in values.items() if packed[name][0]}
    rest = {name: value for name, value in values.items() if name not in coordinates}
    unpacked = dataset.assign_coords(coordinates).assign(rest)
    del unpacked.attrs[SCALARS]
    return unpacked


_WORTH_COMPRESSING = 16384
"""Bytes above which a variable is compressed: below, the index of its chunks takes more than is saved."""


def write(dataset: xr.Dataset, name: str) -> None:
    """As ``to_netcdf`` does, in the layout of HDF5 1.10: a tenth less for a unit of 40 KB than the oldest.

    Args:
        dataset: What to write; scalars are packed, see :func:`pack_scalars`.
        name: The file.
    """
    import h5netcdf
    from xarray.backends import H5NetCDFStore

    encoding: dict[Any, dict[str, Any]] = {
        name: {"zlib": True, "complevel": 4, "shuffle": True}
        for name, variable in dataset.variables.items()
        if variable.nbytes > _WORTH_COMPRESSING and variable.dtype.kind in "fiu"
    }
    with h5netcdf.File(name, "w", libver=("v110", "v110")) as file:
        pack_scalars(dataset).dump_to_store(H5NetCDFStore(file), encoding=encoding)


def read(path: Path) -> xr.Dataset:
    """Read a file into memory, whatever its layout, scalars unpacked.

    Raises:
        OSError, KeyError, RuntimeError, ValueError: It is damaged; HDF5 has no one exception for that.
    """
    import xarray as xr

    try:
        return unpack_scalars(read_plain(path))
    except Unusual:
        with xr.open_dataset(path, engine="h5netcdf") as opened:
            return unpack_scalars(opened.load())


class Unusual(ValueError):
    """The file is laid out in a way that only xarray reads."""


def read_plain(path: Path) -> xr.Dataset:
    """Read a file of the plain layout into memory, scalars still packed.

    Args:
        path: The file.

    Returns:
        The dataset, as ``xarray.open_dataset(path, engine="h5netcdf").load()`` gives it.

    Raises:
        Unusual: It is laid out in another way.
        OSError, KeyError, RuntimeError, ValueError: It is damaged; HDF5 has no one exception for that.
    """
    import h5py
    import xarray as xr

    with h5py.File(path) as file:
        if any(not isinstance(entry, h5py.Dataset) for entry in file.values()):
            raise Unusual(f"{path} has groups")
        dimensions = {
            int(entry.attrs["_Netcdf4Dimid"]): name
            for name, entry in file.items()
            if entry.attrs.get("CLASS") == b"DIMENSION_SCALE"
        }
        variables: dict[str, Any] = {}
        coordinates = set(str(file.attrs.get("coordinates", "")).split())
        for name, entry in file.items():
            attrs = entry.attrs
            if attrs.get("NAME", b"").startswith(_NO_VARIABLE):
                continue
            truth = attrs.get("dtype") == "bool"  # netCDF has no truth values: they are kept as bytes
            if set(attrs) - _LAYOUT - ({"dtype"} if truth else set()):
                raise Unusual(f"{path}: {name} has attributes of its own")
            coordinates |= set(str(attrs.get("coordinates", "")).split())
            ids = attrs.get("_Netcdf4Coordinates", ())
            dims = tuple(dimensions[int(i)] for i in ids)
            if len(dims) != entry.ndim:
                raise Unusual(f"{path}: {name} has dimensions without names")
            values = _values(entry, f"{path}: {name}")
            variables[name] = (dims, values.astype(bool) if truth else values)
        coordinates |= {name for name, (dims, _) in variables.items() if dims == (name,)}
        attributes = {
            key: value for key, value in file.attrs.items() if key not in ("coordinates", "_NCProperties")
        }
    return xr.Dataset(
        {name: value for name, value in variables.items() if name not in coordinates},
        {name: value for name, value in variables.items() if name in coordinates},
        attributes,
    )


def _values(entry: Any, what: str) -> np.ndarray:
    import h5py

    if entry.dtype.kind in "iuf":
        return np.asarray(entry[()])
    if h5py.check_string_dtype(entry.dtype) is None:
        raise Unusual(f"{what} is of type {entry.dtype}")
    return np.asarray(entry.asstr()[()], dtype=object).astype(str)


def read_attributes(path: Path) -> dict[str, Any]:
    """Attributes of a file alone, which takes a thousandth of a second.

    Raises:
        OSError: It cannot be read.
    """
    import h5py

    with h5py.File(path) as file:
        return {name: file.attrs[name] for name in file.attrs}


def read_identity(path: Path) -> tuple[dict[str, Any], int | None]:
    """Attributes of a file, and the seed that it holds, without reading what was measured.

    Returns:
        The attributes; the seed, from among the packed scalars or, in files from before scalars were packed,
        from the variable of that name; None if there is none.

    Raises:
        OSError, ValueError, TypeError, KeyError: It cannot be read.
    """
    import h5py

    with h5py.File(path) as file:
        attributes = {name: file.attrs[name] for name in file.attrs}
        if "seed" in file:
            seed: Any = file["seed"]
            return attributes, int(seed[()])
    packed = json.loads(str(attributes.get(SCALARS, "{}")))
    return attributes, int(packed["seed"][2]) if "seed" in packed else None
