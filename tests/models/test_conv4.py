"""The two conv4 networks."""

import contextlib
from typing import Literal

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from reprise.models.conv4 import (
    BatchStatisticsNorm,
    Conv4Maml,
    Conv4Transfer,
    SameConv2d,
    last_side,
    maml_layers,
    native_norm,
)


@pytest.mark.parametrize(
    ("size", "downsampling", "channels", "features"),
    [(28, "stride", 1, 64), (84, "pool", 3, 32 * 25)],
)
def test_published_shapes(size, downsampling, channels, features):
    filters = 64 if downsampling == "stride" else 32
    model = Conv4Maml(5, channels, filters, size, downsampling)
    assert model.head.in_features == features
    assert model(torch.rand(2, channels, size, size)).shape == (2, 5)


def test_batch_statistics_norm_equals_torch_in_training_mode():
    x = torch.randn(8, 3, 5, 5, dtype=torch.float64)
    norm = BatchStatisticsNorm(3).double()
    with torch.no_grad():
        norm.bias.copy_(torch.tensor([0.1, -2.0, 3.0]))
    expected = F.batch_norm(x, None, None, bias=norm.bias, training=True, eps=1e-3)
    torch.testing.assert_close(norm(x), expected, rtol=1e-12, atol=1e-12)
    assert torch.equal(norm.eval()(x), norm.train()(x))


@pytest.mark.parametrize("size", [28, 14, 7, 4, 5, 84])
def test_same_padding_follows_tensorflows_rule(size):
    conv = SameConv2d(1, 1, stride=2)
    with torch.no_grad():
        conv.weight.fill_(1.0)
    x = torch.rand(1, 1, size, size)
    out = -(-size // 2)
    total = max((out - 1) * 2 + 3 - size, 0)
    before = total // 2
    rows = []
    for i in range(out):
        row = []
        for j in range(out):
            r, c = 2 * i - before, 2 * j - before
            row.append(x[0, 0, max(r, 0) : r + 3, max(c, 0) : c + 3].sum())
        rows.append(torch.stack(row))
    torch.testing.assert_close(conv(x)[0, 0], torch.stack(rows))


def test_initial_values_follow_the_generator_and_the_named_head():
    def build(seed, head: Literal["normal", "xavier"] = "normal"):
        return Conv4Maml(20, generator=torch.Generator().manual_seed(seed), head_init=head)

    a, b, c = build(0), build(0), build(1)
    for first, second, third in zip(a.parameters(), b.parameters(), c.parameters(), strict=True):
        assert torch.equal(first, second)
        assert not first.any() or not torch.equal(first, third)
    assert 0.9 < a.head.weight.std() < 1.1
    assert build(0, "xavier").head.weight.abs().max() <= (6 / 84) ** 0.5
    assert not a.head.bias.any()


def test_transfer_order_is_convolution_relu_norm_pool():
    block = Conv4Transfer().blocks[0]
    assert isinstance(block, nn.Sequential)
    kinds = [type(layer).__name__ for layer in block]
    assert kinds == ["Conv2d", "ReLU", "BatchNorm2d", "MaxPool2d"]
    assert Conv4Transfer()(torch.rand(2, 3, 32, 32)).shape == (2, 10)


@pytest.mark.parametrize(
    "build", [lambda: Conv4Maml(1), lambda: Conv4Transfer(1), lambda: Conv4Transfer(image_size=8)]
)
def test_impossible_sizes_are_refused(build):
    with pytest.raises(ValueError, match="at least"):
        build()


@pytest.mark.parametrize(
    ("size", "downsampling", "depth"), [(8, "pool", 4), (28, "pool", 5), (28, "stride", 6)]
)
def test_images_too_small_to_be_halved_so_often_are_refused(size, downsampling, depth):
    with pytest.raises(ValueError, match=rf"can be halved {depth - 1} times, not {depth}"):
        Conv4Maml(5, image_size=size, downsampling=downsampling, depth=depth)


def test_depth_is_the_number_of_blocks():
    model = Conv4Maml(5, filters=4, depth=5)
    assert list(maml_layers(5).values()) == [*(f"blocks.{i}" for i in range(5)), "head"]
    assert len(model.blocks) == 5 and model(torch.rand(2, 1, 28, 28)).shape == (2, 5)


@pytest.fixture
def norm_problem():
    """A norm with offsets, and a batch of small images, in float64."""
    draw = torch.Generator().manual_seed(3)
    norm = BatchStatisticsNorm(3).double()
    x = torch.randn(4, 3, 2, 3, dtype=torch.float64, generator=draw, requires_grad=True)
    bias = torch.randn(3, dtype=torch.float64, generator=draw, requires_grad=True)
    return norm, x, bias


def _norm_of(norm, native):
    def values(x, bias):
        with native_norm(norm) if native else contextlib.nullcontext():
            return torch.func.functional_call(norm, {"bias": bias}, (x,))

    return values


def test_torchs_norm_equals_the_written_out_one_up_to_the_second_derivative(norm_problem):
    norm, x, bias = norm_problem
    draw = torch.Generator().manual_seed(4)
    outer, second = (torch.randn(x.shape, dtype=torch.float64, generator=draw) for _ in range(2))
    found = []
    for native in (False, True):
        y = _norm_of(norm, native)(x, bias)
        first = torch.autograd.grad((torch.tanh(y) * outer).sum(), (x, bias), create_graph=True)
        # A function of both gradients, so that every second derivative has a part in it.
        of_gradients = (first[0] * second).sum() + (first[1] ** 2).sum()
        found.append([y, *first, *torch.autograd.grad(of_gradients, (x, bias))])
    for written, native in zip(*found, strict=True):
        assert written.abs().max() > 1e-3
        torch.testing.assert_close(native, written, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("native", [False, True])
def test_both_norms_have_the_derivatives_of_finite_differences(norm_problem, native):
    norm, x, bias = norm_problem
    assert torch.autograd.gradcheck(_norm_of(norm, native), (x, bias))
    assert torch.autograd.gradgradcheck(_norm_of(norm, native), (x, bias))


def test_torchs_norm_is_for_the_time_of_the_block_only():
    model = Conv4Maml(5, filters=4)
    norms = [module for module in model.modules() if isinstance(module, BatchStatisticsNorm)]
    x = torch.rand(3, 1, 28, 28)
    written = model(x)
    with native_norm(model):
        assert len(norms) == 4 and all(norm.native for norm in norms)
        torch.testing.assert_close(model(x), written, rtol=1e-4, atol=1e-5)
    assert not any(norm.native for norm in norms)
    with pytest.raises(ZeroDivisionError), native_norm(model):
        raise ZeroDivisionError
    assert not any(norm.native for norm in norms)


@pytest.mark.parametrize(
    ("size", "depth", "downsampling", "side"),
    [(28, 4, "stride", 2), (28, 5, "stride", 1), (84, 4, "pool", 5), (28, 4, "pool", 1), (3, 2, "stride", 1)],
)
def test_the_side_that_is_left_is_that_of_the_blocks_output(size, depth, downsampling, side):
    model = Conv4Maml(2, filters=2, image_size=size, downsampling=downsampling, depth=depth)
    assert last_side(size, depth, downsampling) == side
    assert model.blocks(torch.rand(2, 1, size, size)).shape[-2:] == (side, side)
