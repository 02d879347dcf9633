"""Requests of study 2 that cannot be met: refused with exit code 2 before anything is trained."""

import sys
from pathlib import Path

import numpy as np
import pytest

from reprise import cli
from reprise.data import images

NOTHING = ("--preset", "smoke", "--no-notebook", "--seeds", "1")


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Call ``reprise run transfer``; gives exit code and messages, and fails if anything was trained."""
    root = tmp_path / "book"
    (root / "chapters").mkdir(parents=True)
    (root / "_toc.yml").write_text("format: jb-book\n")
    monkeypatch.chdir(root)
    monkeypatch.setenv("REPRISE_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("REPRISE_STORE", str(tmp_path / "runs"))

    def refuse(*_arguments, **_settings):
        pytest.fail("something was trained")

    monkeypatch.setattr("reprise.training.supervised.Learner.advance", refuse)
    monkeypatch.setattr("reprise.training.batched.BatchedLearner.advance", refuse)

    def call(*settings):
        monkeypatch.setattr(sys, "argv", ["reprise", "run", "transfer", *NOTHING, *settings])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        assert not list(Path(tmp_path / "runs").rglob("*.safetensors"))
        assert not list(Path(tmp_path / "runs").rglob("*.nc"))
        return ended.value.code, capsys.readouterr().err

    return call


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["images=60000"], "images=60000: gratings has"),
        (["images=0"], "images='0': input should be greater than or equal to 2"),
        (["target_images=0"], "target_images='0': input should be greater"),
        (["target=rings", "target_images=5000"], "of rings's test split"),
        (["noise=10"], "noise=10: gratings has 10 classes, so 0 to 9"),
        (["target=rings", "target_noise=12"], "target_noise=12: rings has 10 classes"),
        (["layers=pool1,pool7"], "no layer 'pool7' in conv4; it has: pool1, pool2, pool3, pool4, logits"),
        (["target=rings", "moving=after-4"], "moving='after-4'"),
        (["model=vgg19"], "model='vgg19': choose conv4, resnet18, vgg16-bn"),
        (["model=timm:resnet10"], "timm has no network 'resnet10'; near it are"),
        (["model=timm:resnet10t", "layers=layer9"], "no layer 'layer9'; it has: act1, layer1"),
        (["images=8"], "8 images of gratings to train on have none of 2 classes that are tested"),
        (["probe_images=5000"], "probe_images=5000: "),
        (["dataset=cifar9"], "dataset='cifar9'"),
    ],
)
def test_what_cannot_be_is_refused_before_training(run, settings, message):
    code, said = run(*settings)
    assert code == 2 and message in said


@pytest.fixture
def broken(monkeypatch):
    """Replaces what the synthetic set's loader reads."""

    def replace(labels, count=None):
        found = np.zeros((len(labels) if count is None else count, 32, 32, 3), np.uint8)
        decoded = found, np.asarray(labels, np.int64), tuple(map(str, range(10)))
        monkeypatch.setitem(images._LOADERS, "gratings", lambda *_: decoded)
        images._load.cache_clear()

    yield replace
    images._load.cache_clear()


def test_labels_out_of_range_are_refused_before_training(run, broken):
    broken([0, 1, 10] * 400)
    code, said = run("images=40")
    assert code == 2 and "labels from 0 to 10, but there are 10 classes: 0 to 9 are allowed" in said


def test_an_empty_set_and_one_smaller_than_declared_are_refused_before_training(run, broken):
    broken([])
    code, said = run("images=40")
    assert code == 2 and "an image set without images" in said
    broken(list(range(10)) * 3)
    code, said = run("images=40")
    assert code == 2 and "40 images asked for, but there are 30" in said
