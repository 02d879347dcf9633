"""Networks of study 2: named layers, stages that cover every parameter once, and names that do not exist."""

import pytest
import torch

from reprise.models.activations import capture
from reprise.models.architectures import build
from reprise.places import UserError

SHAPES = {
    "conv4": {"pool1": (64, 16, 16), "pool4": (64, 2, 2), "logits": (10,)},
    "resnet18": {"stem": (64, 8, 8), "layer1": (64, 8, 8), "layer4": (512, 1, 1), "logits": (10,)},
    "vgg16-bn": {"pool1": (64, 16, 16), "pool5": (512, 1, 1), "fc1": (512,), "fc2": (512,), "logits": (10,)},
    "timm:resnet10t": {"layer1": (64, 8, 8), "layer4": (512, 1, 1), "logits": (10,)},
    "timm:mobilenetv3_small_050": {"blocks.1": (16, 4, 4), "logits": (10,)},
}


@pytest.mark.parametrize("name", SHAPES)
def test_layers_have_their_names_and_shapes_and_stages_cover_every_parameter_once(name):
    architecture = build(name, 10, 0)
    model = architecture.model.eval()
    with torch.no_grad(), capture(model, architecture.chosen(())) as outputs:
        logits = model(torch.zeros(2, 3, 32, 32))
    assert logits.shape == (2, 10) and torch.equal(outputs["logits"], logits)
    for layer, shape in SHAPES[name].items():
        assert tuple(outputs[layer].shape[1:]) == shape
    assert list(architecture.layers)[-1] == "logits" and list(architecture.stages)[-1] == "head"
    parts = [architecture.parameters_of([stage]) for stage in architecture.stages]
    assert sum(map(len, parts)) == len(set().union(*parts)) == len(list(model.parameters()))


def test_freezing_the_first_stages_leaves_no_gap():
    for name in SHAPES:
        architecture = build(name, 10, 0)
        order = [n for n, _ in architecture.model.named_parameters()]
        first = architecture.parameters_of(architecture.body[:2])
        assert {*order[: len(first)]} == first


def test_initial_values_depend_on_the_seed_alone():
    torch.manual_seed(5)
    before = torch.get_rng_state()
    a, b, c = (build("conv4", 10, seed).model.state_dict() for seed in (1, 1, 2))
    assert torch.equal(before, torch.get_rng_state())
    assert all(torch.equal(a[name], b[name]) for name in a)
    assert not torch.equal(a["head.weight"], c["head.weight"])


def test_names_that_do_not_exist_are_answered_with_those_that_do():
    with pytest.raises(UserError, match="no network 'conv5'; there are: conv4, resnet18, vgg16-bn"):
        build("conv5", 10, 0)
    with pytest.raises(UserError, match="timm has no network 'resnet10'; near it are: .*resnet10t"):
        build("timm:resnet10", 10, 0)
    architecture = build("conv4", 10, 0)
    with pytest.raises(
        UserError, match=r"no layer 'pool5'; it has: pool1, pool2, pool3, pool4, logits.*blocks\.0\.0"
    ):
        architecture.chosen(["pool1", "pool5"])
    assert architecture.chosen(["blocks.2.1", "logits"]) == {"blocks.2.1": "blocks.2.1", "logits": "head"}
    with pytest.raises(UserError, match="no ImageNet weights of conv4"):
        build("conv4", 10, 0, imagenet=True)
