"""The meta-gradient written out, against autograd and finite differences, in float64."""

import dataclasses

import pytest
import torch
from torch import nn

from reprise.data.fewshot import Episodes, generator
from reprise.models.conv4 import Conv4Maml
from reprise.training import Diverged, conv4_body
from reprise.training.conv4_maps import Columns
from reprise.training.conv4_step import Conv4Step, supports
from reprise.training.maml import InnerLoop, meta_gradients
from reprise.training.metalearner import AUTOGRAD, EXPLICIT, MetaLearner, TaskThreads

# Downsampling, size of the images, channels; sizes that leave odd sides somewhere.
STRIDE, PHOTOGRAPHS, POOL = ("stride", 28, 1), ("stride", 17, 3), ("pool", 21, 3)


def network(kind=STRIDE, seed=0, depth=4, filters=6):
    downsampling, size, channels = kind
    model = Conv4Maml(4, channels, filters, size, downsampling, "xavier", generator(seed), depth).double()
    with torch.no_grad():
        for name, value in model.named_parameters():
            if name.endswith("bias"):  # zero offsets would hide mistakes
                value.add_(torch.randn(value.shape, generator=generator(1), dtype=torch.float64) * 0.1)
    return model


def episodes(kind=STRIDE, tasks=3, seed=0, shots=2, queries=3):
    _, size, channels = kind
    draw, labels = generator(2, seed), torch.arange(4)

    def images(count):
        return torch.rand(tasks, 4 * count, channels, size, size, generator=draw, dtype=torch.float64)

    support, query = (labels.repeat_interleave(n).expand(tasks, -1) for n in (shots, queries))
    return Episodes(images(shots), support, images(queries), query, labels.expand(tasks, -1))


def parameters_of(model):
    return {name: value.detach().clone().requires_grad_() for name, value in model.named_parameters()}


def relative_error(a, b):
    a, b = (torch.cat([value.flatten() for value in part.values()]) for part in (a, b))
    return float((a - b).norm() / b.norm())


def assert_equal_outcomes(found, expected):
    torch.testing.assert_close(found[0], expected[0], rtol=1e-10, atol=0)
    torch.testing.assert_close(found[1].double(), expected[1].double(), rtol=1e-6, atol=0)
    assert list(found[2]) == list(expected[2])
    assert {name: value.shape for name, value in found[2].items()} == {
        name: value.shape for name, value in expected[2].items()
    }
    assert relative_error(found[2], expected[2]) < 1e-10


@pytest.mark.parametrize("kind", [STRIDE, PHOTOGRAPHS, POOL], ids=["stride", "stride, odd", "pool"])
@pytest.mark.parametrize("algorithm", ["maml", "fomaml", "anil", "boil"])
@pytest.mark.parametrize("loss", ["mean", "sum"])
@pytest.mark.parametrize(("steps", "adapt_offset"), [(1, False), (3, False), (2, True)])
def test_meta_gradient_equals_autograds(kind, algorithm, loss, steps, adapt_offset):
    model, some = network(kind), episodes(kind)
    inner = InnerLoop(algorithm, 0.3, steps, loss, adapt_offset)
    start = parameters_of(model)
    expected = meta_gradients(model, start, some, inner)
    step = Conv4Step(model, inner)
    assert_equal_outcomes(step(start, some), expected)
    # Again, in memory that is no longer fresh and in other chunks: one task, or an uneven rest.
    assert_equal_outcomes(step(start, some, 2), expected)
    assert_equal_outcomes(step(start, some, 1), expected)


@pytest.mark.parametrize("algorithm", ["maml", "anil"])
def test_pooling_with_columns_as_on_a_gpu_gives_the_same(algorithm, monkeypatch):
    model, some, inner = network(POOL), episodes(POOL), InnerLoop(algorithm, 0.3, 2)
    expected = meta_gradients(model, parameters_of(model), some, inner)
    monkeypatch.setattr(conv4_body, "Convolutions", Columns)
    step = Conv4Step(model, inner)
    assert_equal_outcomes(step(parameters_of(model), some), expected)
    assert step.body is not None and all(isinstance(block.map, Columns) for block in step.body.later)


@pytest.mark.parametrize("depth", [1, 2, 5])
@pytest.mark.parametrize("kind", [("stride", 32, 1), ("pool", 32, 1)], ids=["stride", "pool"])
def test_any_number_of_blocks(kind, depth):
    model, some, inner = network(kind, depth=depth), episodes(kind), InnerLoop("maml", 0.3, 2)
    start = parameters_of(model)
    assert_equal_outcomes(Conv4Step(model, inner)(start, some), meta_gradients(model, start, some, inner))


def test_without_inner_steps_it_is_the_gradient_of_the_query_loss():
    model, some, inner = network(), episodes(), InnerLoop(steps=0)
    start = parameters_of(model)
    assert_equal_outcomes(Conv4Step(model, inner)(start, some), meta_gradients(model, start, some, inner))


def test_equal_pixels_under_pooling_pass_as_autograd_has_it():
    """Windows whose maximum is not unique, as in a photograph's white sky."""
    model, some, inner = network(POOL), episodes(POOL), InnerLoop("maml", 0.3, 2)
    for images in (some.support_x, some.query_x):
        images[..., 5:18, 4:16] = 1.0
    start = parameters_of(model)
    assert_equal_outcomes(Conv4Step(model, inner)(start, some), meta_gradients(model, start, some, inner))


@pytest.mark.parametrize("kind", [STRIDE, POOL], ids=["stride", "pool"])
@pytest.mark.parametrize("algorithm", ["maml", "anil", "boil"])
def test_meta_gradient_equals_finite_differences(kind, algorithm):
    model, some, inner = network(kind, filters=4), episodes(kind, 2), InnerLoop(algorithm, 0.2, 2)
    step, start = Conv4Step(model, inner), parameters_of(model)
    _, _, gradients = step(start, some)
    draw = generator(10)
    way = {n: torch.randn(v.shape, generator=draw, dtype=torch.float64) for n, v in start.items()}
    # A unit direction and a tiny step: where a ReLU of the inner loop switches, the meta-objective jumps.
    length = sum(float((v**2).sum()) for v in way.values()) ** 0.5
    slope = sum(float((gradients[n] * way[n]).sum()) for n in start) / length
    ends = [
        float(step({n: v.detach() + h / length * way[n] for n, v in start.items()}, some)[0])
        for h in (1e-6, -1e-6)
    ]
    assert (ends[0] - ends[1]) / 2e-6 == pytest.approx(slope, rel=1e-5, abs=1e-7)


@pytest.mark.parametrize("kind", [STRIDE, POOL], ids=["stride", "pool"])
def test_both_paths_agree_over_fifty_iterations(kind):
    size = 28 if kind is STRIDE else 16
    kind = (kind[0], size, 1)
    inner = InnerLoop("maml", 0.1, 2)
    ours, theirs = (MetaLearner(network(kind, filters=4), inner, 1e-3) for _ in range(2))
    assert ours.path == EXPLICIT
    theirs.path = AUTOGRAD
    for i in range(50):
        some = episodes(kind, 2, i, 1, 1)
        assert ours.step(some) == pytest.approx(theirs.step(some), rel=1e-9)
    for name, value in theirs.snapshot().items():
        # A convolution's bias has no gradient but rounding, which Adam enlarges; here it has none at all.
        atol = 1e-6 if name.endswith(".0.bias") else 1e-9
        torch.testing.assert_close(ours.snapshot()[name], value, rtol=1e-8, atol=atol)


@pytest.mark.parametrize("threads", [None, 2, 5])
@pytest.mark.parametrize("path", [EXPLICIT, AUTOGRAD])
def test_a_training_goes_on_bit_equal_on_the_path_that_it_began_with(tmp_path, path, threads):
    inner = InnerLoop("maml", 0.3, 2)

    def learner(shared, start=0):
        return MetaLearner(network(seed=start).float(), inner, threads=shared)

    def some(i):
        drawn = episodes(seed=i)
        return dataclasses.replace(drawn, support_x=drawn.support_x.float(), query_x=drawn.query_x.float())

    def run(shared):
        whole, first, rest = learner(shared), learner(shared), learner(shared, 3)
        whole.path = first.path = path
        rest.step(some(9))  # what it did before must not matter
        for i in range(4):
            whole.step(some(i))
        for i in range(2):
            first.step(some(i))
        torch.save(first.state(), tmp_path / "state.pt")
        rest.restore(torch.load(tmp_path / "state.pt", weights_only=True))
        assert rest.path == path
        for i in range(2, 4):
            rest.step(some(i))
        for name, value in whole.snapshot().items():
            assert torch.equal(value, rest.snapshot()[name])

    if threads is None:
        run(None)
    else:
        with TaskThreads(network(), threads) as shared:
            run(shared)


def test_a_state_that_names_no_path_was_autograds():
    learner = MetaLearner(network(), InnerLoop())
    state = learner.state()
    del state["path"]
    learner.restore(state)
    assert learner.path == AUTOGRAD


@pytest.mark.parametrize("threads", [1, 2, 8])
def test_threads_change_speed_not_the_result(threads):
    model, some, inner = network(), episodes(tasks=4), InnerLoop("maml", 0.3, 2)
    alone = MetaLearner(model, inner)
    expected = alone.gradients(alone.parameters, some)
    with TaskThreads(model, threads) as shared:
        learner = MetaLearner(model, inner, threads=shared)
        assert_equal_outcomes(learner.gradients(learner.parameters, some), expected)


@pytest.mark.parametrize("kind", [STRIDE, POOL], ids=["stride", "pool"])
@pytest.mark.parametrize("broken", ["support_x", "query_x"])
def test_divergence_names_the_iteration_and_leaves_the_parameters(kind, broken):
    learner = MetaLearner(network(kind), InnerLoop("maml", 0.3))
    learner.step(episodes(kind))
    before, some = learner.snapshot(), episodes(kind, seed=1)
    images = getattr(some, broken).clone()
    images[0, 0, 0, 3, 3] = torch.nan
    with pytest.raises(Diverged, match="nan at meta-iteration 1"):
        learner.step(dataclasses.replace(some, **{broken: images}))
    assert all(torch.equal(before[name], value) for name, value in learner.snapshot().items())
    learner.step(some)  # nothing of it stays in the memory that is used again
    assert learner.iteration == 2


def changed(model):
    model.blocks[1][2] = nn.Tanh()
    return model


class Other(Conv4Maml):
    pass


@pytest.mark.parametrize(
    ("model", "inner"),
    [
        (network(), InnerLoop(loss="squared")),
        (network(), InnerLoop(only=("head.",))),
        (changed(network()), InnerLoop()),
        (Other(4), InnerLoop()),
        (nn.Linear(2, 2), InnerLoop()),
    ],
)
def test_anything_else_is_left_to_autograd(model, inner):
    assert not supports(model, inner)
    assert MetaLearner(model, inner).path == AUTOGRAD
    with pytest.raises(ValueError, match=f"not for {type(model).__name__}"):
        Conv4Step(model, inner)


def test_images_that_are_not_square_are_refused():
    some = episodes()
    narrow = dataclasses.replace(some, support_x=some.support_x[..., :20], query_x=some.query_x[..., :20])
    with pytest.raises(ValueError, match="28×20 pixels"):
        Conv4Step(network(), InnerLoop())(parameters_of(network()), narrow)
