"""A fast slice of `make torture`: nothing is lost, no number is another one, no traceback."""

import importlib.util
import random
import signal
import sys
from pathlib import Path

import pytest

spec = importlib.util.spec_from_file_location("torture", Path(__file__).with_name("torture.py"))
assert spec is not None and spec.loader is not None
torture = sys.modules["torture"] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(torture)


def test_made_up_commands_end_with_a_message(tmp_path):
    count, _ = torture.commands(200, tmp_path, random.Random(3))
    assert count.trials == 200 and count.noticed > 50 and count.good


@pytest.mark.torture
@pytest.mark.parametrize("number", torture.SIGNALS, ids=lambda number: number.name)
@pytest.mark.parametrize("run", ["maml", "transfer", "segmentation", "maml, two jobs"])
def test_runs_stopped_at_random_moments_end_with_the_same_units(run, number, tmp_path):
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in a script's background
    try:
        count = torture.interrupts(run, number, 2, tmp_path, random.Random(4))
    finally:
        signal.signal(signal.SIGINT, handler)
    assert count.trials >= 2 and count.good, count


@pytest.mark.torture
@pytest.mark.parametrize("kind", ["units", "weights", "progress"])
@pytest.mark.parametrize("run", ["maml", "transfer", "segmentation"])
def test_damaged_files_are_made_again(run, kind, tmp_path):
    count = torture.mutations(run, kind, 4, tmp_path, random.Random(5))
    assert count.trials == 4 and count.good, count
