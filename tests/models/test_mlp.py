"""The fully connected network against matrix products, and its named layers."""

import numpy as np
import pytest
import torch

from reprise.data.fewshot import generator
from reprise.models.activations import capture
from reprise.models.mlp import MLP


def test_the_network_of_the_paper_has_its_number_of_parameters():
    names = [name for name, _ in MLP().named_parameters()]
    assert sum(p.numel() for p in MLP().parameters()) == (1 * 40 + 40) + (40 * 40 + 40) + (40 + 1)
    assert names[-2:] == ["head.weight", "head.bias"]


def test_layers_equal_matrix_products():
    model = MLP((5, 4, 3), 2, 2, weight_scale=0.7, generator=generator(0)).double()
    with torch.no_grad():
        for name, value in model.named_parameters():
            if name.endswith("bias"):
                value.add_(torch.randn(value.shape, generator=generator(1), dtype=torch.float64))
    x = torch.randn(6, 2, generator=generator(2), dtype=torch.float64)
    with torch.no_grad(), capture(model, model.layers) as outputs:
        y = model(x)
    values = {name: value.detach().numpy() for name, value in model.named_parameters()}
    h = x.numpy()
    for layer in ("hidden1", "hidden2", "hidden3"):
        h = np.maximum(h @ values[f"{layer}.0.weight"].T + values[f"{layer}.0.bias"], 0)
        np.testing.assert_allclose(outputs[layer].numpy(), h, atol=1e-12)
    np.testing.assert_allclose(y.numpy(), h @ values["head.weight"].T + values["head.bias"], atol=1e-12)
    assert list(model.layers) == ["hidden1", "hidden2", "hidden3", "output"]
    assert torch.equal(outputs["output"], y)


def test_initial_values_come_from_the_generator_at_the_scale_asked_for():
    one, two, other = (
        dict(MLP((200, 200), generator=generator(seed)).named_parameters()) for seed in (0, 0, 1)
    )
    weight = one["hidden2.0.weight"]
    assert torch.equal(weight, two["hidden2.0.weight"])
    assert not torch.equal(weight, other["hidden2.0.weight"])
    assert float(weight.detach().abs().max()) <= 0.2
    # a normal distribution cut at two standard deviations has 0.88 of its spread
    assert float(weight.detach().std()) == pytest.approx(0.088, rel=0.02)
    assert not any(p.any() for name, p in one.items() if name.endswith("bias"))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"hidden": ()}, "one of them must be hidden"),
        ({"hidden": (40, 0)}, "at least one unit"),
        ({"out_features": 0}, "at least one unit"),
        ({"weight_scale": 0.0}, "weight_scale must be above 0, not 0.0"),
    ],
)
def test_networks_that_cannot_be_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        MLP(**settings)
