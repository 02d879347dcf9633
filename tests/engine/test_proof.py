"""A unit's file proves what it is: whatever is changed of it, it is not read as what it was."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import h5py
import numpy as np
import pytest
import xarray as xr

from reprise.engine.netcdf import pack_scalars, read_attributes
from reprise.engine.proof import SEALS, DamagedUnit, digest, seal
from reprise.engine.store import Store, read, sweep
from reprise.engine.study import Unit, studies, study

RESULTS = Path(__file__).parents[2] / "results"
CONFIG = study("control").configure("smoke", {})
UNIT, OTHER = Unit(CONFIG, 1), Unit(CONFIG, 2)


def dataset(unit=UNIT):
    values = np.random.default_rng(unit.seed).normal(size=(3, 400)).astype(np.float32)
    return xr.Dataset(
        {"x": (("layer", "stimulus"), values)},
        coords={"layer": ["block1", "block2", "head"], "seed": unit.seed, "dataset": "glyphs"},
        attrs={"config": unit.config.model_dump_json(), "provenance": json.dumps({"seconds": 3})},
    )


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "results", tmp_path / "runs")


def written_before_seals(store, unit=UNIT):
    """A local unit as it was written when only its values had a digest."""
    path = store.path(unit, "local")
    path.parent.mkdir(parents=True, exist_ok=True)
    plain = dataset(unit).assign_attrs(digest=digest(dataset(unit)))
    pack_scalars(plain).to_netcdf(path, engine="h5netcdf")
    return path


def refused(store, unit=UNIT, layer="local"):
    """Whether a unit's file is noticed to be wrong, here and where only attributes are read."""
    path = store.path(unit, layer)
    with pytest.warns(UserWarning, match=path.name) as caught:
        found = store.load(unit)
    assert len(caught) == 1 and path.is_file() == (layer == "published")
    return found is None


def test_a_unit_says_which_it_is(store):
    store.write(UNIT, dataset())
    found = store.load(UNIT)
    assert found is not None and found.drop_attrs().identical(dataset().drop_attrs())
    assert (found.attrs["id"], found.attrs["study"], found.attrs["seed"]) == (UNIT.id, "control", "1")
    assert [attributes["id"] for attributes in store.attributes("control", "local")] == [UNIT.id]


@pytest.mark.parametrize("write", [lambda store: store.write(UNIT, dataset()), written_before_seals])
def test_a_file_under_the_name_of_another_unit_is_set_aside(store, write):
    path = write(store)
    assert store.load(UNIT) is not None
    shutil.copy(path, store.path(OTHER, "local"))
    with pytest.warns(UserWarning, match="not what its name says"):
        assert [a["config"] for a in store.attributes("control", "local")] == [CONFIG.model_dump_json()]
    with pytest.raises(DamagedUnit, match=f"holds unit {UNIT.id} of control"):
        read(store.path(OTHER, "local"))
    assert refused(store, OTHER)
    assert store.load(UNIT) is not None


@pytest.mark.parametrize("write", [lambda store: store.write(UNIT, dataset()), written_before_seals])
def test_a_published_file_under_the_name_of_another_unit_is_passed_over(store, write):
    target = store.path(OTHER, "published")
    target.parent.mkdir(parents=True)
    shutil.move(write(store), target)
    assert refused(store, OTHER, "published")


def test_a_unit_of_another_study_is_set_aside(store):
    unit = Unit(study("maml").configure("smoke", {}), 1)
    path = store.path(unit, "local")
    path.parent.mkdir(parents=True)
    shutil.copy(store.write(UNIT, dataset()), path)
    assert refused(store, unit)


CHANGES = {
    "provenance": lambda file: file.attrs.__setitem__("provenance", '{"seconds":4}'),
    "config": lambda file: file.attrs.__setitem__("config", file.attrs["config"].replace("glyphs", "other")),
    "id": lambda file: file.attrs.__setitem__("id", OTHER.id),
    "seed": lambda file: file.attrs.__setitem__("seed", "2"),
    "study": lambda file: file.attrs.__setitem__("study", "maml"),
    "digest": lambda file: file.attrs.__setitem__("digest", "0" * 16),
    "seal": lambda file: file.attrs.__setitem__("seal", "0" * 16),
    "scalars": lambda file: file.attrs.__setitem__("scalars", file.attrs["scalars"].replace("glyphs", "x")),
    "more": lambda file: file.attrs.__setitem__("note", "x"),
    "no provenance": lambda file: file.attrs.__delitem__("provenance"),
    "no digest": lambda file: file.attrs.__delitem__("digest"),
    "no id": lambda file: file.attrs.__delitem__("id"),
    "a value": lambda file: file["x"].__setitem__((0, 0), 1e-3),
    "another order": lambda file: file["layer"].__setitem__(slice(0, 2), ["block2", "block1"]),
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_whatever_is_changed_of_a_file_is_noticed(store, change):
    with h5py.File(store.write(UNIT, dataset()), "r+") as file:
        CHANGES[change](file)
    if "value" not in change and "order" not in change and change != "scalars":
        with pytest.warns(UserWarning, match=UNIT.id):
            assert list(store.attributes("control", "local")) == []
    assert refused(store)


def test_bytes_of_a_file_are_not_changed_unnoticed(store, tmp_path):
    """Bits, zeros, cuts: found out, or the file still says exactly what was written."""
    path = store.write(UNIT, dataset())
    content, whole = path.read_bytes(), store.load(UNIT)
    random = np.random.default_rng(0)
    noticed = 0
    for number in range(150):
        changed, at = bytearray(content), int(random.integers(len(content)))
        if number % 3 == 0:
            changed[at] ^= 1 << int(random.integers(8))
        elif number % 3 == 1:
            changed[at : at + 16] = bytes(len(changed[at : at + 16]))
        else:
            del changed[at:]
        path.write_bytes(changed)
        try:
            assert read(path).identical(whole)
        except DamagedUnit:
            noticed += 1
    assert noticed > 75


def test_a_unit_from_before_seals_is_read_and_published_with_one(store):
    written_before_seals(store)
    (attributes,) = store.attributes("control", "local")
    assert "seal" not in attributes
    assert store.publish(UNIT)
    published = read_attributes(store.path(UNIT, "published"))
    assert published["id"] == UNIT.id and published["seal"] == seal(published)
    found = store.load(UNIT)
    assert found is not None and found.drop_attrs().identical(dataset().drop_attrs())


def test_attributes_of_published_units_from_before_seals_are_sealed_beside_them(store):
    path = store.path(UNIT, "published")
    path.parent.mkdir(parents=True)
    shutil.move(written_before_seals(store), path)
    (path.parent / SEALS).write_text(json.dumps({UNIT.id: seal(read_attributes(path))}))
    assert store.load(UNIT) is not None
    with h5py.File(path, "r+") as file:
        file.attrs["provenance"] = '{"seconds":4}'
    assert refused(store, UNIT, "published")


def test_every_published_unit_is_sealed():
    for folder in (path for path in RESULTS.iterdir() if path.is_dir()):
        table = json.loads((folder / SEALS).read_text()) if (folder / SEALS).is_file() else {}
        for path in folder.glob("*.nc"):
            attributes = read_attributes(path)
            assert attributes.get("seal", table.get(path.stem)) == seal(attributes), path
        assert {path.stem for path in folder.glob("*.nc")} >= set(table)


def test_what_dead_processes_were_writing_is_swept(tmp_path):
    script = (
        "import sys, time; from pathlib import Path; from reprise.engine.store import _temporary\n"
        "with _temporary(Path(sys.argv[1])):\n    print('writing', flush=True); time.sleep(600)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None and process.stdout.readline() == "writing\n"
    assert sweep(tmp_path) == []
    process.kill()
    process.wait()
    foreign = tmp_path / ".writing-another-machine-1-abc.nc"
    foreign.write_bytes(b"")
    assert len(sweep(tmp_path)) == 1 and foreign.is_file()
    old = time.time() - 1e6
    os.utime(foreign, (old, old))
    assert sweep(tmp_path) == [foreign] and not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", studies())
def test_attributes_of_every_published_unit_are_read_without_a_warning(name, recwarn):
    """Files from before scalars were packed keep the seed as a variable, later ones among the scalars."""
    there = sorted((RESULTS / name).glob("*.nc"))
    assert there and len(list(Store(RESULTS, RESULTS / "none").attributes(name, "published"))) == len(there)
    assert [str(warning.message) for warning in recwarn] == []
