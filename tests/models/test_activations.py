"""Named layers of any module, also under functional calls and transforms."""

import pytest
import torch
from torch import nn
from torch.func import functional_call, vmap

from reprise.models.activations import capture, flat, layer_names
from reprise.models.conv4 import MAML_LAYERS, TRANSFER_LAYERS, Conv4Maml, Conv4Transfer


def test_records_what_a_forward_pass_by_hand_gives():
    model = Conv4Transfer(image_size=32).eval()
    x = torch.randn(3, 3, 32, 32)
    with capture(model, TRANSFER_LAYERS) as outputs, torch.no_grad():
        logits = model(x)
    h = x
    for i, block in enumerate(model.blocks, 1):
        h = block(h)
        assert torch.equal(outputs[f"pool{i}"], h)
    assert torch.equal(outputs["logits"], logits)
    assert flat(outputs["pool4"]).shape == (3, 256)


def test_functional_call_sees_the_given_parameters():
    model = Conv4Maml(5, filters=4)
    other = {name: value + 1 for name, value in model.named_parameters()}
    x = torch.rand(6, 1, 28, 28)
    with capture(model, ["head"]) as outputs:
        expected = functional_call(model, other, (x,))
    assert torch.equal(outputs["head"], expected)


def test_under_vmap_equals_a_loop():
    model = Conv4Maml(5, filters=4).double()
    stacked = {n: torch.stack([v, v * 1.5, v - 0.1]) for n, v in model.named_parameters()}
    x = torch.rand(7, 1, 28, 28, dtype=torch.float64)

    def blocks(parameters):
        with capture(model, MAML_LAYERS) as outputs:
            functional_call(model, parameters, (x,))
        return outputs["block3"]

    together = vmap(blocks)(stacked)
    for i in range(3):
        alone = blocks({name: value[i] for name, value in stacked.items()})
        torch.testing.assert_close(together[i], alone, rtol=1e-12, atol=1e-12)


def test_an_in_place_layer_does_not_overwrite_what_was_recorded():
    linear = nn.Linear(4, 4)
    model = nn.Sequential(linear, nn.ReLU(inplace=True))
    x = torch.randn(50, 4)
    with capture(model, ["0"]) as outputs, torch.no_grad():
        model(x)
    torch.testing.assert_close(outputs["0"], linear(x))
    assert (outputs["0"] < 0).any()


def test_unknown_names_list_those_that_exist():
    with (
        pytest.raises(ValueError, match=r"no layer 'blocks\.9' in Conv4Maml.*blocks\.3.*head"),
        capture(Conv4Maml(5), ["blocks.9"]),
    ):
        pass


def test_hooks_are_gone_after_the_block_even_if_it_fails():
    model = nn.Sequential(nn.Linear(2, 2))
    with pytest.raises(RuntimeError), capture(model, ["0"]):
        raise RuntimeError
    assert not model[0]._forward_hooks


def test_outputs_that_are_no_tensor_are_refused():
    model = nn.Sequential(nn.LSTM(3, 3))
    with pytest.raises(TypeError, match="tuple"), capture(model, ["0"]):
        model(torch.randn(2, 1, 3))


def test_leaves_and_containers():
    model = Conv4Transfer()
    assert "blocks.0" not in layer_names(model)
    assert "blocks.0" in layer_names(model, leaves=False)
    assert layer_names(model)[-1] == "head"
