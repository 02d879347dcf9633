"""Checkpoints are whole or absent, and belong to one training."""

import pytest
import torch

from reprise.training.checkpoints import CheckpointFolder


def test_progress_comes_back_as_it_was(tmp_path):
    folder = CheckpointFolder(tmp_path / "a")
    assert folder.progress() is None
    state = {"iteration": 3, "moments": {0: {"exp_avg": torch.randn(3)}}, "loss": [0.1, 0.2]}
    folder.save_progress(state)
    found = folder.progress()
    assert found is not None and found["iteration"] == 3 and found["loss"] == [0.1, 0.2]
    assert torch.equal(found["moments"][0]["exp_avg"], state["moments"][0]["exp_avg"])


def test_a_truncated_progress_file_is_passed_over(tmp_path):
    folder = CheckpointFolder(tmp_path)
    folder.save_progress({"x": torch.randn(1000)})
    path = tmp_path / "progress.pt"
    path.write_bytes(path.read_bytes()[:500])
    assert folder.progress() is None


def test_parameters_by_label(tmp_path):
    folder = CheckpointFolder(tmp_path)
    values = {"w": torch.randn(3, 4).T, "b": torch.zeros(2)}
    folder.save("iteration-000002", values)
    folder.save("iteration-000010", values)
    assert folder.labels() == ["iteration-000002", "iteration-000010"]
    assert torch.equal(folder.load("iteration-000002")["w"], values["w"])
    with pytest.raises(FileNotFoundError, match="iteration-000002, iteration-000010"):
        folder.load("iteration-000099")


def test_a_failed_write_leaves_the_earlier_file_and_no_litter(tmp_path):
    folder = CheckpointFolder(tmp_path)
    folder.save("a", {"w": torch.ones(1)})
    with pytest.raises(Exception):  # noqa: B017 - whatever safetensors raises
        folder.save("a", {"w": "not a tensor"})  # type: ignore[dict-item]
    assert torch.equal(folder.load("a")["w"], torch.ones(1))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.safetensors"]
