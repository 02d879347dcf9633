"""From configuration to gathered units: found, computed, resumed after SIGKILL, made by two at once."""

import json
import os
import shlex
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from reprise.engine import labels as spelling
from reprise.engine import runner
from reprise.engine.store import Store, digest
from reprise.engine.study import Unit, study
from reprise.engine.words import spell_seeds
from reprise.places import UserError
from reprise.training.checkpoints import CheckpointFolder

MAML = study("maml")


def test_a_second_run_computes_nothing(tiny_run, tiny_config, tiny_places, monkeypatch):
    monkeypatch.setattr("reprise.studies.maml.compute.train", None)
    again = runner.run(MAML, tiny_config, (0, 1), tiny_places, compute="never")
    assert again.drop_attrs().identical(tiny_run.drop_attrs())
    one = runner.run(MAML, tiny_config, (1,), tiny_places)
    assert one.sizes["seed"] == 1 and float(one["seed"][0]) == 1


def test_seeds_differ_in_initial_values_data_and_probe(tiny_run):
    assert (tiny_run["stimulus_drawing"].isel(seed=0) != tiny_run["stimulus_drawing"].isel(seed=1)).any()
    first = tiny_run["training_loss"].isel(checkpoint=1)
    assert float(first[0]) != float(first[1])


def test_conditions_and_provenance_are_with_the_numbers(tiny_run, tiny_config):
    for name, value in tiny_config.model_dump().items():
        if name not in ("explorer_seeds", "mds"):  # a list, and a setting of pictures alone
            assert tiny_run[name].item() == value
    config = json.loads(tiny_run.attrs["config"])
    assert config == tiny_config.model_dump(mode="json")
    for record, seed in zip(tiny_run.attrs["records"], (0, 1), strict=True):
        assert record["unit"] == Unit(tiny_config, seed).id
        assert record["seconds"] > 0 and len(record["source"]) == 16 and record["device"] == "cpu"


def test_units_say_nothing_of_settings_that_do_not_name_them(tiny_run, tiny_config):
    """Otherwise units of one condition, made under different ones, could not be gathered."""
    drawn = tiny_config.model_copy(update={"mds": "rows"})
    assert Unit(drawn, 1).id == Unit(tiny_config, 1).id
    assert Unit(drawn, 1).dataset({}, {}).identical(Unit(tiny_config, 1).dataset({}, {}))
    assert "mds" not in tiny_run.coords


def test_units_of_before_a_setting_existed_fit_with_those_after(tiny_run):
    new = [tiny_run.isel(seed=i).assign_attrs(provenance="{}") for i in range(2)]
    old = new[0].drop_vars(["analysis", "blocks", "downsampling", "adapt_offset", "probe"])
    joint = runner.gather([old, new[1]])
    assert joint.sizes["seed"] == 2 and joint["blocks"].item() == 4
    assert joint["seed"].values.tolist() == [0, 1]


def test_only_chosen_seeds_keep_grams_and_no_picture_is_kept(tiny_run, tiny_config, tiny_places):
    store = Store(tiny_places.published, tiny_places.local)
    first, second = (store.load(Unit(tiny_config, seed)) for seed in (0, 1))
    assert first is not None and second is not None
    assert "gram" in first and "gram" not in second and "gram" not in tiny_run
    assert first.sizes["state"] <= 400
    pixels = 28 * 28
    for dataset in (first, second):
        assert all(
            pixels not in variable.shape and 28 not in variable.shape
            for variable in dataset.variables.values()
        )


def test_never_fails_and_names_the_command(tiny_config, empty_places):
    with pytest.raises(runner.UnitsMissing) as caught:
        runner.run(MAML, tiny_config, (0, 2), empty_places, compute="never", preset="smoke")
    message = str(caught.value)
    assert "2 of 2 units" in message and Unit(tiny_config, 2).id in message
    assert "reprise run maml --preset smoke --set" in message and "--seeds 0,2" in message
    with pytest.raises(UserError, match="missing or never"):
        runner.run(MAML, tiny_config, (0,), empty_places, compute="always")  # type: ignore[arg-type]


def test_missing_data_stop_a_run_before_training(empty_places, monkeypatch):
    monkeypatch.setattr("reprise.studies.maml.compute.compute", None)
    with pytest.raises(UserError, match="images_background_small1.zip"):
        runner.run(MAML, MAML.configure("laptop", {}), (0,), empty_places)


def test_commands_and_seeds_are_spelled_as_they_are_read():
    config = MAML.configure("laptop", {"ways": 10, "explorer_seeds": (0, 1)})
    text = spelling.command(MAML, config, (0, 1, 2), "laptop")
    assert text == "reprise run maml --preset laptop --set ways=10 'explorer_seeds=[0,1]' --seeds 0..2"
    words = [word.partition("=") for word in shlex.split(text)[6:-2]]
    settings = {key: value for key, _, value in words}
    assert MAML.configure("laptop", settings) == config
    assert spell_seeds((4,)) == "4" and spell_seeds((3, 1)) == "3,1"


def test_time_is_estimated_from_finished_units(tiny_run, tiny_settings, tiny_config, lone_places):
    store = Store(lone_places.published, lone_places.local)
    plan = runner.plan(MAML, tiny_config, (0, 1, 2, 3), store)
    assert [unit.seed for unit in plan.present] == [0, 1] and [unit.seed for unit in plan.missing] == [2, 3]
    spent = np.median([record["seconds"] for record in tiny_run.attrs["records"]])
    assert plan.seconds == pytest.approx(2 * spent)
    longer = MAML.configure("smoke", {**tiny_settings, "iterations": 600})
    estimate = runner.plan(MAML, longer, (0,), store).seconds
    assert estimate is not None and estimate > spent
    assert (
        runner.plan(MAML, tiny_config, (0,), Store(store.local / "none", store.local / "none")).seconds
        is None
    )


def test_an_estimate_follows_the_finished_units_of_like_size_local_ones_first():
    finished = [(10.0, True, 5.0), (1000.0, False, 1.0), (1500.0, True, 2.0), (1200.0, True, 4.0)]
    assert runner._rate(1100.0, finished) == 3.0  # the two local ones near it
    assert runner._rate(9.0, finished) == 5.0
    assert runner._rate(1e6, finished[:2]) == 1.0  # a published one, for want of a local one of its size


def test_a_truncated_unit_is_made_again_with_the_same_numbers(tiny_run, tiny_config, lone_places):
    store = Store(lone_places.published, lone_places.local)
    path = store.path(Unit(tiny_config, 1), "local")
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.warns(UserWarning, match="set aside"):
        again = runner.run(MAML, tiny_config, (1,), lone_places, progress=False)
    assert digest(again.isel(seed=0)) == digest(tiny_run.isel(seed=1))


SCRIPT = """
import sys
from pathlib import Path
import reprise.training.session as session
from reprise.places import Places
from reprise.engine import runner
from reprise.engine.study import study
session.SAVE_EVERY = 0.0
folder = Path(sys.argv[1])
maml = study("maml")
config = maml.configure("smoke", {settings!r})
runner.run(maml, config, (0,), Places(folder, folder / "results", folder / "runs"), progress=False)
"""


def _start(folder, settings):
    environment = {**os.environ, "OMP_WAIT_POLICY": "PASSIVE"}
    script = SCRIPT.replace("{settings!r}", repr(settings))
    return subprocess.Popen(
        [sys.executable, "-c", script, str(folder)], env=environment, stderr=subprocess.PIPE
    )


def test_a_killed_run_goes_on_and_ends_with_the_same_dataset(tmp_path, tiny_settings):
    settings = {**tiny_settings, "iterations": 180}
    unit = Unit(MAML.configure("smoke", settings), 0)
    killed = tmp_path / "killed"
    progress = killed / "runs" / "weights" / unit.weights_id / "progress.bin"
    process = _start(killed, settings)
    deadline = time.monotonic() + 240
    while not progress.is_file() and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    reached = CheckpointFolder(progress.parent).last()
    assert reached and 0 < reached.step < 180, "the run was not killed in mid-training"
    assert Store(killed / "results", killed / "runs").load(unit) is None

    whole = tmp_path / "whole"
    for folder in (killed, whole):
        process = _start(folder, settings)
        assert process.wait(timeout=400) == 0, process.stderr and process.stderr.read().decode()
    resumed, uninterrupted = (Store(f / "results", f / "runs").load(unit) for f in (killed, whole))
    assert resumed is not None and uninterrupted is not None
    assert resumed.drop_attrs().identical(uninterrupted.drop_attrs())
    assert digest(resumed) == digest(uninterrupted)


def test_two_equal_runs_at_once_leave_one_intact_unit(tmp_path, tiny_settings):
    unit = Unit(MAML.configure("smoke", tiny_settings), 0)
    processes = [_start(tmp_path, tiny_settings) for _ in range(2)]
    for process in processes:
        assert process.wait(timeout=400) == 0, process.stderr and process.stderr.read().decode()
    files = list((tmp_path / "runs" / "maml").iterdir())
    assert [path.name for path in files] == [f"{unit.id}.nc"]
    assert Store(tmp_path / "results", tmp_path / "runs").load(unit) is not None
