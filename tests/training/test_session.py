"""A training may be stopped anywhere, by anything, and ends with the same numbers."""

import os
import signal
import subprocess
import sys
import threading

import pytest
import torch

from reprise.interrupts import Interrupts
from reprise.training import Diverged
from reprise.training.checkpoints import CheckpointFolder
from reprise.training.session import Session

WANTED = {0: "start", 3: "middle", 8: "end"}


class Walk:
    """Networks of three numbers each, of which every step depends on all before."""

    def __init__(self, networks=1, during=lambda step: None):
        self.values = [torch.full((3,), float(i)) for i in range(networks)]
        self.during, self.taken = during, []

    def advance(self, step):
        self.values = [value * 1.1 for value in self.values]
        self.during(step)
        self.values = [value + step for value in self.values]
        self.taken.append(step)
        return {"sum": f"{float(self.values[0].sum()):.1f}"}

    def states(self):
        return [{"value": value} for value in self.values]

    def restore(self, states):
        self.values = [state["value"] for state in states]

    def snapshots(self):
        return [{"value": value.clone()} for value in self.values]


def kept(folder):
    return {label: folder.load(label)["value"].tolist() for label in folder.labels()}


@pytest.fixture(autouse=True)
def interruptible():
    """Where the tests run in a script's background, SIGINT is ignored."""
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, handler)


@pytest.fixture
def whole(tmp_path):
    folder = CheckpointFolder(tmp_path / "whole")
    Session([folder], 8, WANTED).run(Walk())
    return kept(folder)


@pytest.fixture
def folder(tmp_path):
    return CheckpointFolder(tmp_path / "training")


@pytest.mark.parametrize("at", range(8))
def test_a_signal_during_a_step_stops_after_it_and_loses_nothing(at, whole, folder, capfd):
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    walk = Walk(during=lambda step: signal.raise_signal(signal.SIGINT) if step == at else None)
    with pytest.raises(KeyboardInterrupt):
        Session([folder], 8, WANTED).run(walk)
    assert walk.taken == [*range(at + 1)]
    assert capfd.readouterr().err.count("stopping as soon as what is under way is whole") == 1
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before
    again = Walk()
    Session([folder], 8, WANTED).run(again)
    assert again.taken == [*range(at + 1, 8)]
    assert kept(folder) == whole


@pytest.mark.parametrize("at", range(8))
def test_an_exception_during_a_step_leaves_no_half_step(at, whole, folder, monkeypatch):
    monkeypatch.setattr("reprise.training.session.SAVE_EVERY", 0.0)

    def fail(step):
        if step == at:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Session([folder], 8, WANTED).run(Walk(during=fail))
    again = Walk()
    Session([folder], 8, WANTED).run(again)
    assert again.taken == [*range(at, 8)] and kept(folder) == whole


def test_a_finished_training_takes_no_step_and_comes_back(whole, folder):
    for expected in ([*range(8)], []):
        walk = Walk()
        session = Session([folder], 8, WANTED)
        session.run(walk)
        assert walk.taken == expected and walk.values[0].tolist() == whole["end"]
        assert session.step == 8 and session.seconds > 0


@pytest.mark.parametrize("label", ["start", "middle", "end"])
@pytest.mark.parametrize("way", ["damaged", "missing"])
def test_lost_parameters_are_made_again_from_the_last_whole_point(label, way, whole, folder, capsys):
    Session([folder], 8, WANTED).run(Walk())
    path = folder.path / f"{label}.safetensors"
    if way == "missing":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-1] + b"?")
    again = Walk()
    Session([folder], 8, WANTED).run(again)
    # Points are kept after 2, 4 and 6 of 8 steps.
    first = {"start": 0, "middle": 2, "end": 6}[label]
    assert again.taken == [*range(first, 8)] and kept(folder) == whole
    assert f"{label} lost" in capsys.readouterr().err


def test_damaged_progress_costs_what_came_after_the_last_whole_point(whole, folder):
    Session([folder], 8, WANTED).run(Walk())
    lost = [
        ("progress.bin", 6),
        ("point-000000006.bin", 8),
        ("progress.bin", 4),
    ]  # with the first step to take
    for name, first in lost:
        (folder.path / name).write_bytes(b"half")
        again = Walk()
        Session([folder], 8, WANTED).run(again)
        assert again.taken == [*range(first, 8)] and kept(folder) == whole


def test_a_large_training_keeps_no_points_but_the_last(folder, monkeypatch):
    monkeypatch.setattr("reprise.training.session.KEEP_BELOW", 100.0)
    Session([folder], 8, WANTED).run(Walk())
    assert not list(folder.path.glob("point-*"))


def test_networks_side_by_side_go_on_from_the_last_point_of_all(tmp_path):
    folders = [CheckpointFolder(tmp_path / name) for name in "ab"]
    Session(folders, 8, WANTED).run(Walk(2))
    expected = [kept(folder) for folder in folders]
    (folders[1].path / "progress.bin").unlink()
    again = Walk(2)
    Session(folders, 8, WANTED).run(again)
    assert again.taken == [6, 7] and [kept(folder) for folder in folders] == expected


def test_divergence_names_the_last_good_checkpoint_and_saves_nothing_after_it(folder):
    def diverge(step):
        if step == 5:
            raise Diverged("the loss is nan at step 6")

    with pytest.raises(Diverged, match=f"at step 6; the last good checkpoint is middle in .*{folder.id}"):
        Session([folder], 8, WANTED).run(Walk(during=diverge))
    with pytest.raises(Diverged, match="at step 6$"):
        Session([], 8).run(Walk(during=diverge))
    last = folder.last()
    assert last is not None and last.step == 4


def test_a_session_in_another_thread_takes_no_signals_and_is_the_same(whole, folder):
    seen = []
    walk = Walk(during=lambda step: seen.append(signal.getsignal(signal.SIGINT)))
    thread = threading.Thread(target=Session([folder], 8, WANTED).run, args=(walk,))
    thread.start()
    thread.join()
    assert set(seen) == {signal.default_int_handler} and kept(folder) == whole


def test_blocks_within_one_another_leave_the_outer_one_in_charge():
    with pytest.raises(KeyboardInterrupt), Interrupts() as outer:
        with Interrupts() as inner:
            signal.raise_signal(signal.SIGINT)
            assert inner.pending == outer.pending == signal.SIGINT
        reached = True
    assert reached and signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_an_ignored_signal_stays_ignored(whole, folder):
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # as for a job in the background of a script
    try:
        walk = Walk(during=lambda step: signal.raise_signal(signal.SIGINT))
        Session([folder], 8, WANTED).run(walk)
        assert walk.taken == [*range(8)] and kept(folder) == whole
    finally:
        signal.signal(signal.SIGINT, before)


SCRIPT = """
import sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from test_session import WANTED, Walk
from reprise.training.checkpoints import CheckpointFolder
from reprise.training.session import Session

def during(step):
    if step == 5:
        print("step", flush=True)
        time.sleep(float(sys.argv[3]))

with (folder := CheckpointFolder(Path(sys.argv[1]))).locked():
    Session([folder], 8, WANTED).run(Walk(during=during))
"""


def stopped(folder, numbers, sleep):
    """Status and messages of a process that gets signals in its sixth step."""
    here = os.path.dirname(__file__)
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(folder.path), here, str(sleep)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None and process.stderr is not None
    assert process.stdout.readline() == "step\n"
    lines = []
    for number in numbers:
        process.send_signal(number)
        if not lines:
            lines = [process.stderr.readline(), process.stderr.readline()]
            threading.Event().wait(0.3)  # longer than what counts as one and the same signal
    return process.wait(), "".join(lines) + process.stderr.read()


def test_termination_saves_the_step_under_way_and_ends_as_it_should(whole, folder):
    status, said = stopped(folder, [signal.SIGTERM], 1.0)
    assert status == -signal.SIGTERM and "stopping as soon as" in said
    last = folder.last()
    assert last is not None and last.step == 6
    Session([folder], 8, WANTED).run(Walk())
    assert kept(folder) == whole


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_second_signal_ends_at_once_and_saves_nothing(number, whole, folder):
    status, said = stopped(folder, [number, number], 600.0)
    assert status == 128 + number and "Traceback" not in said
    last = folder.last()
    assert last is not None and last.step == 4  # the point at half of the way
    with folder.locked():
        Session([folder], 8, WANTED).run(Walk())
    assert kept(folder) == whole
