"""Reading through HDF5 gives what xarray gives, on published units and on every kind of variable."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from reprise.engine.netcdf import Unusual, pack_scalars, read_attributes, read_plain, unpack_scalars
from reprise.engine.store import read, write_once

PUBLISHED = sorted((Path(__file__).parents[2] / "results").rglob("*.nc"))


def by_xarray(path):
    with xr.open_dataset(path, engine="h5netcdf") as opened:
        return opened.load()


@pytest.mark.parametrize("path", PUBLISHED[:: max(len(PUBLISHED) // 4, 1)], ids=lambda path: path.stem)
def test_published_units(path):
    expected, found = by_xarray(path), read_plain(path)
    xr.testing.assert_identical(found, expected)
    assert {k: v.dtype for k, v in found.variables.items()} == {
        k: v.dtype for k, v in expected.variables.items()
    }


def test_every_kind_of_variable(tmp_path):
    """Numbers, strings, truth values, scalars, large and empty variables, dimensions without a variable."""
    dataset = xr.Dataset(
        {
            "large": (("layer", "x"), np.random.default_rng(0).normal(size=(2, 20_000)).astype(np.float32)),
            "named": ("x2", ["a", "", "µ – ü"]),
            "flags": ("layer", [True, False]),
            "nothing": ("none", np.zeros(0)),
            "undefined": ("x2", [1.0, np.nan, np.inf]),
            "scalar": 3.5,
        },
        coords={"layer": ["block1", "logits"], "seed": 3, "kind": "maml", "note": ("x2", [1, 2, 3])},
        attrs={"config": "{}", "count": "5"},
    )
    path = tmp_path / "unit.nc"
    write_once(dataset, path)
    xr.testing.assert_identical(read_plain(path), by_xarray(path))
    assert read_plain(path)["flags"].dtype == bool
    found = read(path)
    xr.testing.assert_identical(found.drop_attrs(deep=False), dataset.drop_attrs(deep=False))
    assert set(found.attrs) == {"config", "count", "digest", "seal"}


def test_scalars_lie_in_one_attribute(tmp_path):
    """Types, coordinates and values come back exactly; what JSON cannot hold stays a variable."""
    dataset = xr.Dataset(
        {"rate": np.float32(0.1), "undefined": np.nan, "tested": 5000, "large": ("x", [1.0, 2.0])},
        coords={
            "seed": np.int16(-3),
            "shift": True,
            "target": "µ “x”",
            "day": np.datetime64("2020-01-01", "ns"),
        },
    )
    packed = pack_scalars(dataset)
    assert set(packed.variables) == {"large", "day"}
    xr.testing.assert_identical(unpack_scalars(packed), dataset)
    types = {name: variable.dtype for name, variable in unpack_scalars(packed).variables.items()}
    assert types == {name: variable.dtype for name, variable in dataset.variables.items()}
    write_once(dataset.drop_vars("day"), tmp_path / "unit.nc")
    assert set(read_plain(tmp_path / "unit.nc").variables) == {"large"}
    assert "seed" in read_attributes(tmp_path / "unit.nc")["scalars"]
    assert unpack_scalars(dataset) is dataset


def test_the_layout_is_the_compact_one_of_hdf5_1_10(tmp_path):
    """Smaller by kilobytes than xarray's own file of the same content, and readable wherever HDF5 1.10 is."""
    dataset = xr.Dataset({f"v{i}": (f"x{i}", np.arange(4.0)) for i in range(25)})
    write_once(dataset, tmp_path / "unit.nc")
    dataset.to_netcdf(tmp_path / "plain.nc", engine="h5netcdf")
    small, plain = ((tmp_path / name).stat().st_size for name in ("unit.nc", "plain.nc"))
    assert small < 0.95 * plain
    version_of_superblock = (tmp_path / "unit.nc").read_bytes()[8]
    assert version_of_superblock <= 3  # HDF5 1.10 reads up to 3
    xr.testing.assert_identical(
        by_xarray(tmp_path / "unit.nc").drop_attrs(), by_xarray(tmp_path / "plain.nc")
    )


def test_another_layout_is_left_to_xarray(tmp_path):
    path = tmp_path / "unit.nc"
    dataset = xr.Dataset({"day": ("x", np.array(["2020-01-01", "2020-01-02"], "datetime64[ns]"))})
    write_once(dataset, path)
    with pytest.raises(Unusual, match="day has attributes"):
        read_plain(path)
    assert read(path)["day"].dtype.kind == "M"
