"""How units are computed: what the processes that do it have in common."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from reprise.engine.store import Store, digest
from reprise.engine.study import Unit, study
from reprise.engine.workers import keep_freed_memory
from reprise.training.checkpoints import CheckpointFolder

FAULTS = """
import resource, sys
import torch
from reprise.engine.workers import keep_freed_memory

if sys.argv[1] == "kept":
    keep_freed_memory()

def step():  # a few megabytes a tensor, all of them held and then thrown away
    [torch.ones(1_500_000) for _ in range(8)]

for _ in range(3):
    step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    step()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(way):
    done = subprocess.run([sys.executable, "-c", FAULTS, way], capture_output=True, text=True, check=True)
    return int(done.stdout)


def test_freed_memory_is_used_again_instead_of_being_fetched_anew():
    if not keep_freed_memory():
        pytest.skip("the C library of this machine has nothing to set")
    usual = faults("usual")
    if not usual:
        pytest.skip("the kernel of this machine counts no page faults")
    assert faults("kept") < usual / 10


RUN = """
import sys
from pathlib import Path
import reprise.training.session as session
from reprise.engine import runner
from reprise.engine.study import study
from reprise.places import Places

session.SAVE_EVERY = 0.0
if __name__ == "__main__":
    folder, maml = Path(sys.argv[1]), study("maml")
    config = maml.configure("smoke", eval(sys.argv[2]))
    places = Places(folder, folder / "results", folder / "runs")
    runner.run(maml, config, (0, 1), places, progress=False, jobs=2)
"""


def begin(folder, script, settings):
    """Two units side by side in a process group of their own, as a terminal has it."""
    script.write_text(RUN)
    command = [sys.executable, str(script), str(folder), repr(settings)]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)


def reached(folder, unit):
    last = CheckpointFolder(folder / "runs" / "weights" / unit.weights_id).last()
    return last.step if last else 0


def wait_for_training(process, folder, units):
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline and process.poll() is None:
        if all((folder / "runs" / "weights" / unit.weights_id / "progress.bin").is_file() for unit in units):
            return
        time.sleep(0.05)
    pytest.fail(f"no training began: {process.communicate()}")


def children(process):
    found = subprocess.run(["ps", "-o", "pid=", "--ppid", str(process.pid)], capture_output=True, text=True)
    return [int(line) for line in found.stdout.split()]


def running(number):
    try:
        status = Path(f"/proc/{number}/stat").read_text()
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] not in "ZX"


@pytest.fixture
def interruptible():
    """Where the tests run in a script's background, SIGINT is ignored, and processes inherit that."""
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, handler)


@pytest.mark.torture
@pytest.mark.usefixtures("interruptible")
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks at processes below /proc")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_side_by_side_units_stop_with_their_parent_and_go_on(number, tmp_path, tiny_settings):
    signal.signal(
        signal.SIGINT, signal.default_int_handler
    )  # in a background job it is ignored, and inherited
    settings = {**tiny_settings, "iterations": 300}
    units = [Unit(study("maml").configure("smoke", settings), seed) for seed in (0, 1)]
    stopped, whole = tmp_path / "stopped", tmp_path / "whole"
    process = begin(stopped, tmp_path / "run.py", settings)
    wait_for_training(process, stopped, units)
    workers = children(process)
    assert len(workers) >= 2
    if number == signal.SIGINT:
        os.killpg(process.pid, number)  # the terminal sends Ctrl-C to all of them
    else:
        process.send_signal(number)
    said = process.communicate(timeout=300)[1]
    deadline = time.monotonic() + 60
    while any(map(running, workers)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(map(running, workers))
    assert process.returncode == -number
    assert said.count("Traceback") == (number == signal.SIGINT)  # the script's own
    assert "resource_tracker" not in said or number == signal.SIGKILL
    assert any(0 < reached(stopped, unit) < 300 for unit in units)
    for folder in (stopped, whole):
        again = begin(folder, tmp_path / "run.py", settings)
        assert again.wait(timeout=600) == 0, again.communicate()
    for unit in units:
        resumed, uninterrupted = (Store(f / "results", f / "runs").load(unit) for f in (stopped, whole))
        assert resumed is not None and uninterrupted is not None
        assert digest(resumed) == digest(uninterrupted)
