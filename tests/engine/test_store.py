"""Units are written once and whole; damage is noticed, set aside and never read."""

import dataclasses
import json
from dataclasses import dataclass

import numpy as np
import pytest
import xarray as xr

from reprise.engine.store import DamagedUnit, Store, digest, read, write_once
from reprise.places import Places


@dataclass(frozen=True)
class Toy:
    id: str = "0123456789abcdef"
    study: str = "toy"
    seed: int = 3


def dataset(value=1.0):
    return xr.Dataset(
        {"x": (("layer", "time"), np.full((2, 3), value, np.float32)), "empty": ("time", [np.nan] * 3)},
        coords={"layer": ["block1", "logits"], "seed": 3, "kind": "maml"},
        attrs={"config": json.dumps({"a": 1})},
    )


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "results", tmp_path / "runs")


def test_what_was_written_comes_back(store):
    store.write(Toy(), dataset())
    found = store.load(Toy())
    assert found is not None and found.drop_attrs().identical(dataset().drop_attrs())
    assert found.attrs["config"] == '{"a": 1}'
    assert store.find(Toy()) == "local"


def test_the_first_writer_wins_and_nothing_is_left_over(store):
    path = store.write(Toy(), dataset(1.0))
    store.write(Toy(), dataset(2.0))
    found = store.load(Toy())
    assert found is not None and float(found["x"][0, 0]) == 1.0
    assert [p.name for p in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("damage", ["truncated", "empty", "text", "flipped"])
def test_a_damaged_local_unit_is_set_aside_and_counts_as_missing(store, damage):
    path = store.write(Toy(), dataset())
    content = path.read_bytes()
    if damage == "flipped":  # intact netCDF with another number in it
        kept = read(store.write(Toy(), dataset())).attrs
        path.unlink()
        changed = dataset(1.5).assign_attrs(kept)
        changed.to_netcdf(path, engine="h5netcdf")
    else:
        path.write_bytes(
            {"truncated": content[: len(content) // 2], "empty": b"", "text": b"no netCDF"}[damage]
        )
    with pytest.warns(UserWarning, match="set aside"):
        assert store.load(Toy()) is None
    assert store.find(Toy()) is None
    assert len(list(path.parent.glob("*.damaged-*"))) == 1
    store.write(Toy(), dataset())
    assert store.load(Toy()) is not None


def test_a_damaged_published_unit_is_passed_over_not_moved(store):
    store.write(Toy(), dataset())
    store.publish(Toy())
    path = store.path(Toy(), "published")
    path.write_bytes(path.read_bytes()[:100])
    with pytest.warns(UserWarning, match="cannot be read"):
        found = store.load(Toy())
    assert found is not None and path.is_file()  # the local one


def test_publishing_copies_once_and_published_comes_first(store):
    with pytest.raises(FileNotFoundError, match="0123456789abcdef"):
        store.publish(Toy())
    store.write(Toy(), dataset())
    assert store.publish(Toy()) is True
    assert store.publish(Toy()) is False
    assert store.find(Toy()) == "published"
    (attributes,) = store.attributes("toy", "published")
    assert {**dataset().attrs, "digest": digest(dataset()), "id": Toy().id}.items() <= attributes.items()
    store.path(Toy(), "published").write_bytes(b"no netCDF")
    with pytest.warns(UserWarning, match="cannot be read"):
        assert list(store.attributes("toy", "published")) == []


def test_units_are_looked_for_in_the_layers_that_the_places_name(store, tmp_path):
    store.write(Toy(), dataset())
    places = Places(tmp_path, store.published, store.local)
    assert Store.of(places) == store
    published = Store.of(dataclasses.replace(places, layers=("published",)))
    assert published.find(Toy()) is None and published.load(Toy()) is None
    store.publish(Toy())
    assert published.find(Toy()) == "published" and published.load(Toy()) is not None
    assert Store.of(dataclasses.replace(places, layers=("local",))).find(Toy()) == "local"


def test_a_digest_follows_values_and_not_attributes():
    base = digest(dataset())
    assert digest(dataset().assign_attrs(seconds=3)) == base
    assert digest(dataset(1.0000001)) != base
    assert digest(dataset().rename(x="y")) != base
    assert digest(dataset().assign_coords(kind="anil")) != base
    assert digest(dataset().assign_coords(layer=["block1", "block2"])) != base


def test_a_failed_write_leaves_nothing(tmp_path):
    broken = dataset().assign(x=("q", [object()]))
    with pytest.raises(Exception):  # noqa: B017 - whatever the netCDF writer raises
        write_once(broken, tmp_path / "a.nc")
    assert not list(tmp_path.iterdir())
    with pytest.raises(DamagedUnit):
        read(tmp_path / "a.nc")
