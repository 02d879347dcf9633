"""Omniglot's official task within an alphabet: labels against an explicit loop; the real runs."""

import io
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from reprise.data import dataset_entry, load_few_shot, load_within_alphabet
from reprise.data.fetch import DataMissing, locate
from reprise.data.omniglot import decode
from reprise.data.within_alphabet import read_runs

RUNS, WAYS = 3, 4


def _png(number):
    """A drawing in one bit a pixel, as the official ones are, that says which it is."""
    ink = np.ones((105, 105), bool)
    ink[(7 * number) % 90 : (7 * number) % 90 + 12, 10 : 20 + 3 * number] = False
    buffer = io.BytesIO()
    Image.fromarray(ink).save(buffer, "PNG")
    return buffer.getvalue()


def _partner(run, item):
    """Class of a test drawing, from 1: another permutation in each run."""
    return (3 * item + run) % WAYS + 1


def _members():
    """Contents of a zip in the official layout, by name."""
    members = {}
    for run in range(1, RUNS + 1):
        lines = []
        for i in range(1, WAYS + 1):
            members[f"run{run:02d}/training/class{i:02d}.png"] = _png(10 * run + i)
            members[f"run{run:02d}/test/item{i:02d}.png"] = _png(10 * run + i + 5)
            lines.append(
                f"run{run:02d}/test/item{i:02d}.png run{run:02d}/training/class{_partner(run, i):02d}.png"
            )
        # The order of lines says nothing.
        members[f"run{run:02d}/class_labels.txt"] = ("\n".join(lines[::-1]) + "\n").encode()
    return members


def _write(path, members):
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def _check(episodes, archive, runs, ways):
    """Compare with a plain loop over the zip's members."""
    for run in range(runs):
        folder = f"run{run + 1:02d}"
        pairs = dict(
            line.split() for line in archive.read(f"{folder}/class_labels.txt").decode().splitlines()
        )
        for i in range(ways):
            training, item = f"{folder}/training/class{i + 1:02d}.png", f"{folder}/test/item{i + 1:02d}.png"
            for images, member in ((episodes.support_x, training), (episodes.query_x, item)):
                expected = torch.from_numpy(decode(archive.read(member)) / 255).float()
                torch.testing.assert_close(images[run, i, 0], expected)
            assert int(episodes.support_y[run, i]) == i
            label = int(episodes.query_y[run, i])
            assert pairs[item] == f"{folder}/training/class{label + 1:02d}.png"
            assert int(episodes.classes[run, i]) == run * ways + i


def test_labels_follow_the_pairs(tmp_path):
    path = _write(tmp_path / "runs.zip", _members())
    episodes = read_runs(path)
    assert episodes.support_x.shape == episodes.query_x.shape == (RUNS, WAYS, 1, 28, 28)
    assert episodes.support_x.dtype == torch.float32
    assert episodes.query_y.dtype == episodes.support_y.dtype == episodes.classes.dtype == torch.int64
    expected = [[_partner(run, item) - 1 for item in range(1, WAYS + 1)] for run in range(1, RUNS + 1)]
    assert episodes.query_y.tolist() == expected and expected[0] != expected[1] != list(range(WAYS))
    with zipfile.ZipFile(path) as archive:
        _check(episodes, archive, RUNS, WAYS)


def test_a_folder_around_the_runs_does_not_matter(tmp_path):
    plain = read_runs(_write(tmp_path / "a.zip", _members()))
    inside = read_runs(_write(tmp_path / "b.zip", {f"all_runs/{k}": v for k, v in _members().items()}))
    for a, b in zip(plain.tensors(), inside.tensors(), strict=True):
        assert torch.equal(a, b)


def test_ink_is_bright(tmp_path):
    episodes = read_runs(_write(tmp_path / "a.zip", _members()))
    assert 0 <= episodes.support_x.min() < 0.05 and 0.95 < episodes.support_x.max() <= 1
    assert episodes.support_x.mean() < 0.3


def _without(name):
    members = _members()
    del members[name]
    return members


def _relabelled(text):
    return _members() | {"run02/class_labels.txt": text.encode()}


def _lines(*pairs):
    return "\n".join(f"run02/test/item{a:02d}.png run02/training/class{b:02d}.png" for a, b in pairs)


@pytest.mark.parametrize(
    ("members", "message"),
    [
        (lambda: {"run01/training/class01.png": _png(1)}, "runs of equal size, found \\[\\]"),
        (lambda: _without("run02/test/item03.png"), "run02/class_labels.txt names run02/test/item03.png"),
        (lambda: _without("run03/training/class01.png"), "names run03/training/class01.png"),
        (lambda: _relabelled(_lines((1, 1), (2, 2), (3, 3))), "equal size, found \\[4, 3, 4\\]"),
        (lambda: _relabelled(_lines((1, 1), (2, 2), (3, 3), (4, 3))), "class_labels.txt are not one to one"),
        (lambda: _relabelled(_lines((1, 1), (2, 2), (3, 3), (3, 4))), "class_labels.txt are not one to one"),
        (lambda: _relabelled("run02/test/item01.png"), "does not pair"),
    ],
)  # fmt: skip
def test_zips_that_are_not_the_task_are_refused(tmp_path, members, message):
    with pytest.raises(ValueError, match=message):
        read_runs(_write(tmp_path / "a.zip", members()))


def test_a_missing_zip_is_named_with_its_source(tmp_path):
    with pytest.raises(
        DataMissing, match=r"omniglot_all_runs.zip \(from https.*all_runs.zip\).*\n.*data fetch"
    ):
        load_within_alphabet(tmp_path)


@pytest.mark.realdata
def test_real_runs():
    root = Path(os.environ.get("REPRISE_DATA", "data"))
    paths = locate(dataset_entry("omniglot-one-shot-runs"), root)
    if paths is None:
        pytest.skip(f"omniglot-one-shot-runs is not below {root}")
    episodes = load_within_alphabet(root)
    assert episodes.support_x.shape == episodes.query_x.shape == (20, 20, 1, 28, 28)
    with zipfile.ZipFile(paths[0]) as archive:
        _check(episodes, archive, 20, 20)
    assert all(sorted(labels) == list(range(20)) for labels in episodes.query_y.tolist())
    # The pairs mean something: the nearest drawing by pixels is right far more often than 1 in 20.
    query, support = episodes.query_x.flatten(2), episodes.support_x.flatten(2)
    nearest = torch.cdist(query, support).argmin(-1)
    assert 0.15 < (nearest == episodes.query_y).float().mean() < 0.4
    if locate(dataset_entry("omniglot-minimal"), root) is None:
        pytest.skip(f"omniglot-minimal is not below {root}")
    splits = load_few_shot("omniglot-minimal", root)
    pools = (splits.train, splits.validation, splits.test)
    known = {image.tobytes() for pool in pools for image in pool.images.reshape(-1, 784)}
    runs = torch.cat([episodes.support_x, episodes.query_x]).mul(255).round().byte().flatten(0, 1)
    assert len(runs) == 800 and not known & {image.numpy().tobytes() for image in runs}
