"""Records of published units, the table of all results, and times."""

import csv

import numpy as np
import pytest

from reprise.book import tables
from reprise.book.records import family_provenance, of_seed, units_shown
from reprise.book.units import (
    nearest_preset,
    published_records,
    records_html,
    spell_seconds,
    times,
    times_table,
)
from reprise.engine.netcdf import read_attributes
from reprise.engine.store import Store
from reprise.engine.study import Unit, study


@pytest.fixture
def published(tmp_path, tiny_config, tiny_places, tiny_run):
    """A published layer that holds the tiny run's two units."""
    store = Store(tmp_path / "results", tiny_places.local)
    for seed in (0, 1):
        assert store.publish(Unit(tiny_config, seed))
    return tmp_path / "results"


def test_records_name_unit_seed_condition_and_provenance(published, tiny_config):
    records = published_records(published)
    assert [(record.study, record.seed) for record in records] == [("maml", 0), ("maml", 1)]
    assert [record.id for record in records] == [Unit(tiny_config, seed).id for seed in (0, 1)]
    assert records[0].config == tiny_config and records[0].preset.startswith("smoke, filters=8")
    page = records_html(records)
    for record in records:
        assert page.count(f'id="unit-{record.id}"') == 1
        for name in ("commit", "source", "versions", "device_name", "threads", "finished", "seconds", "data"):
            assert f"<dt>{name}</dt>" in page
    assert read_attributes(records[0].path)["config"] == tiny_config.model_dump_json()


def test_a_file_under_another_name_is_refused(published):
    path = next((published / "maml").glob("*.nc"))
    path.rename(path.with_name("0123456789abcdef.nc"))
    with pytest.raises(ValueError, match="make another unit"):
        published_records(published)


def test_the_table_holds_every_quantity_of_every_unit(published, tmp_path, tiny_run):
    files = tables.write_tables(published, tmp_path / "static")
    with files[0].open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    expected = study("maml").endpoints(tiny_run)
    assert len(rows) == 2 * len(expected.data_vars)
    assert list(rows[0]) == list(tables.COLUMNS)
    for row in rows:
        value = float(expected[row["quantity"]].values[int(row["seed"])])
        found = float(row["value"]) if row["value"] else np.nan
        np.testing.assert_allclose(found, value, rtol=1e-5)
    with files[1].open(encoding="utf-8", newline="") as file:
        assert {row["column"]: row["meaning"] for row in csv.DictReader(file)} == tables.COLUMNS
    assert all(f"| `{name}` |" in tables.dictionary_table() for name in tables.COLUMNS)


def test_times_are_by_condition_and_machine(published):
    records = published_records(published)
    (row,) = times(records)
    seconds = [record.provenance["seconds"] for record in records]
    assert (row["units"], row["total"]) == (2, pytest.approx(sum(seconds)))
    assert row["median"] == pytest.approx(np.median(seconds))
    assert times_table(records).count("\n") == 2 and "| maml | smoke" in times_table(records)
    assert [spell_seconds(s) for s in (48, 1200, 9000)] == ["48 s", "20 min", "2.5 h"]


def test_the_nearest_preset_is_named_with_what_differs():
    maml = study("maml")
    for name in ("laptop", "as_described"):
        assert nearest_preset("maml", maml.configure(name, {}).model_dump_json()) == name
    assert nearest_preset("maml", maml.configure("laptop", {"ways": 7}).model_dump_json()) == "laptop, ways=7"


def test_units_of_a_figure_are_those_of_its_runs(tiny_run, tiny_config):
    class Shown:
        run, seeds = tiny_run, (0, 1)

    ids = [Unit(tiny_config, seed).id for seed in (0, 1)]
    assert units_shown(Shown()) == ids  # type: ignore[arg-type]
    assert units_shown(Shown(), seed=1) == ids[1:]  # type: ignore[arg-type]
    assert units_shown(Shown(), beside=[Shown()]) == ids  # type: ignore[arg-type]
    assert units_shown(Shown(), runs={"a": tiny_run.isel(seed=[0])}) == ids  # type: ignore[arg-type]


def test_a_figure_of_one_seed_names_that_seed_of_each_run(tiny_run, tiny_config):
    runs = {"a": tiny_run, "b": tiny_run.isel(seed=[0]).assign_attrs(records=tiny_run.attrs["records"][:1])}
    assert list(of_seed(runs, 0)) == ["a", "b"] and list(of_seed(runs, 1)) == ["a"] and of_seed(runs, 7) == {}
    chosen = of_seed(runs, 1)["a"]
    assert chosen["seed"].values.tolist() == [1]
    assert chosen.attrs["records"] == tiny_run.attrs["records"][1:]
    assert "seeds 1 " in family_provenance(of_seed(runs, 1)) + " "
