"""Layer by layer similarity of two networks."""

import numpy as np
import pytest
import torch
from torch import nn

from reprise import similarity
from reprise.profiling import profile

IMAGES = torch.randn(20, 3, 16, 16, generator=torch.Generator().manual_seed(0))


def network(seed, width=8):
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(3, width, 3),
        nn.BatchNorm2d(width),
        nn.ReLU(inplace=True),
        nn.Flatten(),
        nn.Dropout(0.5),
        nn.Linear(width * 14 * 14, 5),
    )


@pytest.mark.parametrize("measure", ["cka-linear", "rsa-correlation", "svcca"])
def test_equals_measure_by_hand(measure):
    a, b = network(0), network(1, width=6)
    result = profile(a, b, IMAGES, ["0", "2", "5"], measure, batch_size=6, progress=False)
    assert result.dims == ("layer_a", "layer_b")
    assert result.attrs["stimuli"] == 20
    assert result.name == measure
    for model in (a, b):
        model.eval()
    with torch.no_grad():
        expected = similarity.measure(measure)(a[:3](IMAGES), b(IMAGES))
    assert float(result.sel(layer_a="2", layer_b="5")) == pytest.approx(expected, abs=1e-5)


def test_leaves_networks_as_they_were():
    a, b = network(0), network(1)
    a.train()
    b.eval()
    a[4].eval()
    before = {k: v.clone() for k, v in a.state_dict().items()}
    profile(a, b, IMAGES, progress=False)
    assert a.training and not b.training and a[0].training and not a[4].training
    assert all(torch.equal(v, before[k]) for k, v in a.state_dict().items())
    assert all(p.grad is None for p in a.parameters())
    assert not any(m._forward_hooks for m in a.modules())
    profile(a, b, IMAGES, training=True, progress=False)
    assert not torch.equal(a.state_dict()["1.running_mean"], before["1.running_mean"])


def test_default_layers_and_one_network_with_itself():
    a = network(0)
    result = profile(a, a, IMAGES, progress=False)
    assert list(result.layer_a.values) == [str(i) for i in range(6)]
    np.testing.assert_allclose(np.diag(result), 1, atol=1e-6)
    np.testing.assert_allclose(result, result.T, atol=1e-12)


def test_small_memory_takes_layers_in_groups():
    a, b = network(0), network(1)
    expected = profile(a, b, IMAGES, progress=False)
    calls = []
    handle = a.register_forward_hook(lambda *_: calls.append(1))
    result = profile(a, b, IMAGES, memory=1e-6, batch_size=7, progress=False)
    handle.remove()
    assert len(calls) > 6 * 3
    np.testing.assert_allclose(result, expected, atol=1e-6)


def test_loaders_and_arrays():
    a, b = network(0), network(1)
    expected = profile(a, b, IMAGES, ["0", "5"], progress=False)
    dataset = torch.utils.data.TensorDataset(IMAGES, torch.zeros(20))
    loader = torch.utils.data.DataLoader(dataset, batch_size=8)
    np.testing.assert_allclose(profile(a, b, loader, ["0", "5"], progress=False), expected, atol=1e-6)
    np.testing.assert_allclose(profile(a, b, IMAGES.numpy(), ["0", "5"], progress=False), expected, atol=1e-6)


def test_progress(capsys):
    profile(network(0), network(1), IMAGES, ["0"])
    assert "model_a" in capsys.readouterr().err


def test_timm_and_torchvision():
    import timm
    import torchvision

    torch.manual_seed(0)
    a = torchvision.models.resnet18(weights=None)
    b = timm.create_model("resnet10t", pretrained=False)
    result = profile(a, b, torch.randn(6, 3, 32, 32), progress=False)
    assert "layer2.0" in result.layer_a.values
    assert "fc" in result.layer_b.values
    assert np.isfinite(result).all()


def test_refuses():
    a, b = network(0), network(1)
    with pytest.raises(ValueError, match="it has: 0, 1, 2"):
        profile(a, b, IMAGES, ["conv"])
    with pytest.raises(ValueError, match="at least 3"):
        profile(a, b, IMAGES[:2])
    with pytest.raises(ValueError, match="unknown measure"):
        profile(a, b, IMAGES, measure="cka")
    with pytest.raises(ValueError, match="iterator"):
        profile(a, b, iter([IMAGES]))
    a.add_module("unused", nn.Linear(2, 2))
    a.forward = lambda x: nn.Sequential.forward(network(0), x)  # type: ignore[method-assign]
    with pytest.raises(ValueError, match="do not run"):
        profile(a, b, IMAGES, ["unused"], layers_b=["0"], progress=False)


def test_not_one_row_per_image():
    class Odd(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = nn.Identity()

        def forward(self, x):
            return self.inner(x.mean(0))

    with pytest.raises(TypeError, match="not one row per image"):
        profile(Odd(), network(0), IMAGES, ["inner"], layers_b=["0"], progress=False)
    with pytest.raises(ValueError, match="found no layers"):
        profile(Odd(), network(0), IMAGES, progress=False)
