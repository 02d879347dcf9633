"""Files of a training are whole or absent, prove what they are, and belong to one process at a time."""

import subprocess
import sys

import pytest
import torch
from safetensors.torch import load_file, save_file

from reprise.training.checkpoints import CheckpointFolder, DamagedWeights, Progress

STATE = {"moments": {0: {"exp_avg": torch.randn(3)}}, "loss": [0.1, float("nan")], "rates": {1e-3: 2}}


def damages(content):
    """A file's content, changed in every way that disks and people change it: what was done → content."""
    middle = len(content) // 2
    flipped = [bytearray(content) for _ in range(8)]
    for i, copy in enumerate(flipped):
        copy[(len(content) - 1) * i // 7] ^= 1 << i
    return {
        "truncated": content[:middle], "empty": b"", "text": b"no weights", "appended": content + b"\0" * 9,
        "zeros": content[:middle] + bytes(64) + content[middle + 64 :],
        **{f"bit {i}": bytes(copy) for i, copy in enumerate(flipped)},
    }  # fmt: skip


def asides(folder):
    return sorted(path.name for path in folder.path.glob("*.damaged-*"))


def test_a_point_comes_back_as_it_was(tmp_path):
    folder = CheckpointFolder(tmp_path / "a")
    assert folder.last() is None
    digest = folder.save("w", {"w": torch.ones(2)})
    folder.save_progress(Progress(3, 1.5, {"w": digest}, STATE))
    found = folder.last()
    assert found is not None and (found.step, found.seconds, found.checkpoints) == (3, 1.5, {"w": digest})
    assert torch.equal(found.state["moments"][0]["exp_avg"], STATE["moments"][0]["exp_avg"])
    assert found.state["rates"] == {1e-3: 2} and str(found.state["loss"]) == "[0.1, nan]"


def test_parameters_by_label(tmp_path):
    folder = CheckpointFolder(tmp_path)
    values = {"w": torch.randn(3, 4).T, "b": torch.zeros(2, dtype=torch.bfloat16), "n": torch.tensor(3)}
    folder.save("iteration-000002", values)
    folder.save("iteration-000010", values)
    assert folder.labels() == ["iteration-000002", "iteration-000010"]
    found = folder.load("iteration-000002")
    assert found.keys() == values.keys() and all(torch.equal(found[name], values[name]) for name in values)
    with pytest.raises(FileNotFoundError, match="iteration-000002, iteration-000010"):
        folder.load("iteration-000099")


def test_damaged_parameters_are_set_aside_and_never_read(tmp_path, capsys):
    folder = CheckpointFolder(tmp_path)
    folder.save("a", {"w": torch.randn(100), "b": torch.randn(3)})
    path = tmp_path / "a.safetensors"
    content = path.read_bytes()
    for number, (name, damaged) in enumerate(damages(content).items(), 1):
        path.write_bytes(damaged)
        if number % 2:
            with pytest.raises(DamagedWeights, match="set aside as a.safetensors.damaged"):
                folder.load("a")
        else:
            assert not folder.whole("a"), name
            assert capsys.readouterr().err.count("\n") == 1
        assert folder.labels() == [] and len(asides(folder)) == number
    path.write_bytes(content)
    assert folder.whole("a")


def test_a_damaged_point_is_set_aside_and_the_one_before_it_taken(tmp_path, capsys):
    folder = CheckpointFolder(tmp_path)
    folder.save_progress(Progress(1, state=STATE), keep_below=1e6)
    folder.save_progress(Progress(2, state=STATE))
    path = tmp_path / "progress.bin"
    content = path.read_bytes()
    for number, damaged in enumerate(damages(content).values(), 1):
        path.write_bytes(damaged)
        found = folder.last()
        assert found is not None and found.step == 1
        assert len(asides(folder)) == number and capsys.readouterr().err.count("\n") == 1
    torch.save({"step": 7}, path)  # intact, but no progress
    assert [point.step for point in folder.points()] == [1]


def test_a_point_counts_only_with_the_parameters_that_it_names(tmp_path, capsys):
    folder = CheckpointFolder(tmp_path)
    digests = {}
    for step, label in enumerate("abc", 1):
        digests[label] = folder.save(label, {"w": torch.full((3,), float(step))})
        folder.save_progress(Progress(step, checkpoints=dict(digests)), keep_below=1e6)
    assert [point.step for point in folder.points()] == [3, 3, 2, 1]
    folder.save("c", {"w": torch.zeros(3)})  # whole, but not the one that was named
    assert [point.step for point in folder.points()] == [2, 1]
    (tmp_path / "b.safetensors").unlink()
    assert [point.step for point in folder.points()] == [1]
    assert "b, c lost; training goes on from the last point before" in capsys.readouterr().err


def test_files_of_another_training_or_label_are_not_taken_for_ones_own(tmp_path):
    ours, other = CheckpointFolder(tmp_path / "ours"), CheckpointFolder(tmp_path / "other")
    for folder in (ours, other):
        folder.save("a", {"w": torch.ones(1)})
        folder.save("b", {"w": torch.ones(1)})
        folder.save_progress(Progress(1))
    (ours.path / "a.safetensors").write_bytes((other.path / "a.safetensors").read_bytes())
    (ours.path / "progress.bin").write_bytes((other.path / "progress.bin").read_bytes())
    (other.path / "a.safetensors").write_bytes((other.path / "b.safetensors").read_bytes())
    assert not ours.whole("a") and ours.last() is None and not other.whole("a") and other.whole("b")


def test_parameters_that_say_nothing_of_themselves_or_something_else_prove_nothing(tmp_path):
    folder, path = CheckpointFolder(tmp_path), tmp_path / "a.safetensors"
    folder.save("a", {"w": torch.ones(3)})
    values = load_file(path)
    save_file(values, path)
    assert not folder.whole("a")
    folder.save("a", values)
    content = path.read_bytes()
    path.write_bytes(content.replace(b'"F32"', b'"I32"'))  # the same bytes, read as other numbers
    assert not folder.whole("a")
    folder.save("a", values)
    path.write_bytes(path.read_bytes().replace(b'"w"', b'"v"'))
    assert not folder.whole("a")


def test_a_failed_write_leaves_the_earlier_file_and_no_litter(tmp_path):
    folder = CheckpointFolder(tmp_path)
    folder.save("a", {"w": torch.ones(1)})
    shared = torch.ones(4)
    with pytest.raises(RuntimeError):
        folder.save("a", {"w": shared, "v": shared[:2]})  # safetensors takes no tensors that share memory
    assert torch.equal(folder.load("a")["w"], torch.ones(1))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.safetensors"]


HOLD = """
import sys, time
from pathlib import Path
from reprise.training.checkpoints import CheckpointFolder
with CheckpointFolder(Path(sys.argv[1])).locked():
    print("held", flush=True)
    time.sleep(120)
"""


def test_the_lock_and_the_litter_of_a_dead_process_are_recognised(tmp_path):
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None and holder.stdout.readline() == "held\n"
    (tmp_path / "writing-x.tmp").write_bytes(b"half")
    holder.kill()
    holder.wait()
    with CheckpointFolder(tmp_path).locked():  # nobody will ever release the other one
        assert not list(tmp_path.glob("writing-*"))


def test_whoever_waits_for_another_process_is_told_so(tmp_path):
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None and holder.stdout.readline() == "held\n"
    waiter = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stderr=subprocess.PIPE, text=True)
    assert waiter.stderr is not None
    assert waiter.stderr.readline() == f"another process is training {tmp_path.name}; waiting for it\n"
    for process in (waiter, holder):
        process.kill()
        process.wait()


def test_thinning_out_leaves_what_is_named_and_no_point_that_names_the_rest(tmp_path):
    folder = CheckpointFolder(tmp_path)
    digests = {label: folder.save(label, {"w": torch.ones(1)}) for label in "abc"}
    folder.save_progress(Progress(3, checkpoints=digests), keep_below=1e6)
    folder.thin_out({"a", "c"})
    assert folder.labels() == ["a", "c"] and folder.points() == []
