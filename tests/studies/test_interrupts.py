"""Ctrl-C at every line of a training: gone on with, it ends with the numbers of an undisturbed one.

Two ways. A *signal* arrives before a line is executed; the session remembers it. An *exception* is raised at
a line as if it had failed, which a signal that nobody remembers does too; nothing of that step is then kept.
"""

import importlib
import shutil
import signal
import sys
from pathlib import Path

import pytest
import safetensors.torch
import torch
from torch import nn

from reprise import interrupts
from reprise.data.fewshot import EpisodeSampler
from reprise.data.synthetic import glyphs
from reprise.engine.study import Context, Unit, study
from reprise.models import architectures
from reprise.studies.maml import train as maml
from reprise.studies.segmentation import pretrain, tune
from reprise.studies.transfer import train as transfer
from reprise.studies.transfer.subsets import load_subsets
from reprise.training import checkpoints, metalearner, session, steps, supervised
from reprise.training.checkpoints import CheckpointFolder
from reprise.training.metalearner import MetaLearner
from reprise.training.pretext import Architecture
from reprise.training.session import Session

OURS = (session, checkpoints, steps, metalearner, supervised, maml, transfer, pretrain, tune)
THEIRS = (
    *(importlib.import_module(f"torch.optim.{name}") for name in ("adam", "adamw", "sgd", "optimizer")),
    safetensors.torch,
)


class Injected(KeyboardInterrupt):
    """What is raised at a line."""


class Lines:
    """Counts the lines that are executed in some modules, and does something before one of them.

    Args:
        way: ``"signal"``, ``"exception"`` or ``"count"``.
        at: Number of the line, from 1.
    """

    def __init__(self, way="count", at=0):
        modules = OURS + THEIRS if way == "exception" else (*OURS, *THEIRS, interrupts)
        self.files = {module.__file__ for module in modules}
        self.way, self.at, self.count = way, at, 0

    def __enter__(self):
        sys.settrace(self._enter)
        return self

    def __exit__(self, *_):
        sys.settrace(None)

    def _enter(self, frame, event, _):
        return self._line if frame.f_code.co_filename in self.files else None

    def _line(self, frame, event, _):
        if event == "line":
            self.count += 1
            if self.count == self.at:
                if self.way == "exception":
                    raise Injected
                signal.raise_signal(signal.SIGINT)
        return self._line


GLYPHS = glyphs()


def maml_training(folder, context):
    values = {"ways": 2, "filters": 1, "meta_batch": 1, "blocks": 1, "inner_steps": 1}
    config = study("maml").configure("smoke", values)
    sampler = EpisodeSampler(GLYPHS.train, config.ways, config.shots, config.queries)
    learner = MetaLearner(maml.build_model(config, 0), maml.inner_loop(config), config.outer_rate)
    training = maml.MetaTraining(Unit(config, 0), learner, sampler)
    Session([folder], 2, {i: maml.label(i) for i in range(3)}).run(training)
    return training.history


def tiny_architecture(config, seed, pretrained, images):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        body = nn.AvgPool2d(8), nn.BatchNorm2d(3), nn.Flatten(), nn.Dropout()
        model = nn.Sequential(*body, nn.Linear(48, 10))
    return architectures.Architecture(model, {"logits": "4"}, {"body": ("1",), "head": ("4",)})


def transfer_training(folder, context):
    unit = Unit(study("transfer").configure("smoke", {"images": 40, "batch": 20, "epochs": 1}), 1)
    history = transfer.train(unit, load_subsets(unit.config, 1, context.data), folder, context)
    return history["loss"]


class TinyNetwork(nn.Module):
    """An encoder and a decoder of one layer each: the loops over parameters are short."""

    stride = 1

    def __init__(self, classes):
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(classes)
            self.encoder, self.decoder = nn.Conv2d(3, 2, 1, bias=False), nn.BatchNorm2d(2)
            self.head = nn.Conv2d(2, classes, 1, bias=False)

    def forward(self, images):
        return self.head(self.decoder(self.encoder(images)))

    def freeze(self, still):
        return self


SEGMENTATION = {
    "pretext": "segmentation", "transfer": "both", "pretrain_steps": 2, "steps": 2, "batch": 2,
    "curve_every": 2, "crop": 32, "pretrain_crop": 32, "choice_steps": 1,
}  # fmt: skip


def segmentation_pretraining(folder, context):
    config = study("segmentation").configure("smoke", SEGMENTATION)
    pretrain._pretrain(Unit(config.pretraining, 0), folder, context)
    last = folder.last()
    assert last is not None
    return last.state["history"]


def segmentation_training(folder, context):
    config = study("segmentation").configure("smoke", SEGMENTATION)
    target = pretrain.load(config.dataset, context.data)
    network = pretrain.start(config, 0, len(target.classes), pretrain.Pretrained())
    history, _ = tune.tune(network, config, 0, 0.01, config.steps, target, context, folder, judged=True)
    return history, {name: value.tolist() for name, value in network.state_dict().items()}


TRAININGS = [maml_training, transfer_training, segmentation_pretraining, segmentation_training]


def outcome(training, path, context):
    """All that a unit depends on: what the training returns, and the parameters that it keeps."""
    torch.manual_seed(0)
    folder = CheckpointFolder(path)
    with folder.locked():
        returned = training(folder, context)
    assert not list(path.glob("*.damaged-*")) and not list(path.glob("writing-*"))
    kept = {label: folder.load(label) for label in folder.labels()}
    return repr((returned, {k: {n: v.tolist() for n, v in values.items()} for k, values in kept.items()}))


def check_every_line(training, way, stride, tmp_path):
    context = Context(Path("data"), tmp_path / "weights", progress=False)
    expected = outcome(training, tmp_path / "whole", context)
    with Lines("signal" if way == "signal" else "exception") as lines:  # none of them is number 0
        assert outcome(training, tmp_path / "counted", context) == expected
    assert lines.count > 300
    for at in range(1, lines.count + 1, stride):
        path = tmp_path / f"{at}"
        with pytest.raises(KeyboardInterrupt), Lines(way, at):
            outcome(training, path, context)
        torch.set_grad_enabled(True)  # off where torch's `finally` was the line; a new process has them on
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
        assert outcome(training, path, context) == expected, f"{way} at line {at}"
        shutil.rmtree(path)
    return lines.count


@pytest.fixture(autouse=True)
def short_ways(monkeypatch):
    monkeypatch.setattr(session, "SAVE_EVERY", 0.0)
    monkeypatch.setattr(transfer, "PIECE", 1)
    monkeypatch.setattr(transfer, "starting", tiny_architecture)
    monkeypatch.setattr(Architecture, "build", lambda self, classes, key: TinyNetwork(classes))
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    # Where the tests run in a script's background, SIGINT is ignored.
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, handler)
    torch.set_num_threads(threads)


@pytest.mark.parametrize("way", ["signal", "exception"])
@pytest.mark.parametrize("training", TRAININGS)
def test_some_lines(training, way, tmp_path):
    check_every_line(training, way, 97, tmp_path)


@pytest.mark.torture
@pytest.mark.parametrize("way", ["signal", "exception"])
@pytest.mark.parametrize("training", TRAININGS)
def test_every_line(training, way, tmp_path):
    check_every_line(training, way, 1, tmp_path)
