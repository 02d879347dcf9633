"""Meta-gradients against a plain loop and finite differences, in float64; and that MAML learns."""

import pytest
import torch
from torch.nn import functional as F

from reprise.data.fewshot import ClassPool, Episodes, EpisodeSampler, generator
from reprise.data.synthetic import glyphs
from reprise.models.conv4 import Conv4Maml
from reprise.training import Diverged
from reprise.training.maml import (
    InnerLoop,
    adapted_names,
    inner_step,
    meta_gradients,
    support_loss,
)
from reprise.training.metalearner import MetaLearner, TaskThreads

ALGORITHMS = ["maml", "fomaml", "anil", "boil"]


def plain_forward(p, x):
    """The network written out a second time, without modules: the independent side of the comparison."""
    for i in range(4):
        size = x.shape[-1]
        total = max((-(-size // 2) - 1) * 2 + 3 - size, 0)
        x = F.pad(x, (total // 2, total - total // 2) * 2)
        x = F.conv2d(x, p[f"blocks.{i}.0.weight"], p[f"blocks.{i}.0.bias"], stride=2)
        mean = x.mean((0, 2, 3), keepdim=True)
        variance = ((x - mean) ** 2).mean((0, 2, 3), keepdim=True)
        x = (x - mean) / (variance + 1e-3).sqrt() + p[f"blocks.{i}.1.bias"].view(1, -1, 1, 1)
        x = F.relu(x)
    return x.mean((2, 3)) @ p["head.weight"].T + p["head.bias"]


def plain_adapt(p, x, y, inner, create_graph):
    """The inner loop, one task at a time, by ``autograd.grad``."""
    moves = {
        "anil": lambda n: n.startswith("head"),
        "boil": lambda n: n[8:].startswith(".0."),  # blocks.<i>.0 is the convolution, blocks.<i>.1 its norm
    }.get(inner.algorithm, lambda n: n[8:].startswith(".0.") or n.startswith("head"))
    names = [name for name in p if moves(name)]
    for _ in range(inner.steps):
        loss = F.cross_entropy(plain_forward(p, x), y)
        if inner.loss == "sum":
            loss = loss * len(y.unique())
        gradients = torch.autograd.grad(loss, [p[n] for n in names], create_graph=create_graph)
        p = {**p, **{n: p[n] - inner.rate * g for n, g in zip(names, gradients, strict=True)}}
    return p


def plain_meta_gradient(parameters, episodes, inner):
    p = {name: value.detach().clone().requires_grad_() for name, value in parameters.items()}
    losses = []
    for sx, sy, qx, qy in zip(
        episodes.support_x, episodes.support_y, episodes.query_x, episodes.query_y, strict=True
    ):
        adapted = plain_adapt(p, sx, sy, inner, create_graph=inner.algorithm != "fomaml")
        losses.append(F.cross_entropy(plain_forward(adapted, qx), qy))
    loss = torch.stack(losses).mean()
    return loss.detach(), dict(zip(p, torch.autograd.grad(loss, list(p.values())), strict=True))


@pytest.fixture(scope="module")
def problem():
    """A small network in float64 and four tasks of random images."""
    model = Conv4Maml(5, filters=6, head_init="xavier", generator=generator(0)).double()
    with torch.no_grad():
        for name, value in model.named_parameters():
            if name.endswith("bias"):  # zero offsets would hide mistakes
                value.add_(torch.randn(value.shape, generator=generator(1), dtype=torch.float64) * 0.1)
    draw = generator(2)
    labels = torch.arange(5)
    episodes = Episodes(
        torch.rand(4, 10, 1, 28, 28, generator=draw, dtype=torch.float64),
        labels.repeat_interleave(2).expand(4, -1),
        torch.rand(4, 15, 1, 28, 28, generator=draw, dtype=torch.float64),
        labels.repeat_interleave(3).expand(4, -1),
        labels.expand(4, -1),
    )
    return model, episodes


def ours(model, episodes, inner, chunk=None):
    parameters = {name: value.detach().clone().requires_grad_() for name, value in model.named_parameters()}
    loss, _, gradients = meta_gradients(model, parameters, episodes, inner, chunk)
    return loss, gradients


def relative_error(a, b):
    a, b = (torch.cat([value.flatten() for value in part.values()]) for part in (a, b))
    return float((a - b).norm() / b.norm())


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize(("steps", "loss"), [(1, "mean"), (3, "mean"), (2, "sum")])
def test_meta_gradient_equals_the_plain_loop(problem, algorithm, steps, loss):
    model, episodes = problem
    inner = InnerLoop(algorithm, 0.3, steps, loss)
    value, gradients = ours(model, episodes, inner)
    expected, reference = plain_meta_gradient(dict(model.named_parameters()), episodes, inner)
    assert abs(float(value - expected)) < 1e-12
    assert relative_error(gradients, reference) < 1e-10


def test_second_order_differs_from_first_order(problem):
    model, episodes = problem
    second, first = (ours(model, episodes, InnerLoop(name, 0.3, 2))[1] for name in ("maml", "fomaml"))
    assert relative_error(first, second) > 1e-2


@pytest.mark.parametrize("algorithm", ["maml", "anil", "boil"])
def test_meta_gradient_equals_finite_differences(problem, algorithm):
    model, episodes = problem
    inner = InnerLoop(algorithm, 0.2, 2)
    _, gradients = ours(model, episodes, inner)
    start = {name: value.detach() for name, value in model.named_parameters()}
    for seed in range(3):
        draw = generator(10, seed)
        way = {n: torch.randn(v.shape, generator=draw, dtype=torch.float64) for n, v in start.items()}
        # A unit direction and a tiny step: where a ReLU of the inner loop switches, the meta-objective jumps.
        length = sum(float((v**2).sum()) for v in way.values()) ** 0.5
        way = {n: v / length for n, v in way.items()}
        slope = sum(float((gradients[n] * way[n]).sum()) for n in start)
        ends = []
        for step in (1e-7, -1e-7):
            moved = {n: (start[n] + step * way[n]).requires_grad_() for n in start}
            ends.append(float(meta_gradients(model, moved, episodes, inner)[0]))
        assert (ends[0] - ends[1]) / 2e-7 == pytest.approx(slope, rel=1e-5, abs=1e-7)


@pytest.mark.parametrize("chunk", [1, 3])
def test_chunks_change_memory_not_the_result(problem, chunk):
    model, episodes = problem
    inner = InnerLoop("maml", 0.3, 2)
    assert relative_error(ours(model, episodes, inner, chunk)[1], ours(model, episodes, inner)[1]) < 1e-12


@pytest.mark.parametrize("threads", [1, 2, 3, 8])
def test_threads_change_speed_not_the_result(problem, threads):
    model, episodes = problem
    inner = InnerLoop("maml", 0.3, 2)
    before = torch.get_num_threads()
    with TaskThreads(model, threads) as shared:
        loss, accuracy, gradients = shared.meta_gradients(dict(model.named_parameters()), episodes, inner)
    assert torch.get_num_threads() == before
    expected = meta_gradients(model, dict(model.named_parameters()), episodes, inner)
    torch.testing.assert_close(loss, expected[0], rtol=1e-12, atol=0)
    torch.testing.assert_close(accuracy, expected[1])
    assert relative_error(gradients, expected[2]) < 1e-12


def test_what_moves_can_be_limited_to_layers_and_extended_to_offsets(problem):
    model, _ = problem
    assert adapted_names(model, InnerLoop(only=("head.",))) == ["head.weight", "head.bias"]
    assert adapted_names(model, InnerLoop(only=("blocks.1.",))) == ["blocks.1.0.weight", "blocks.1.0.bias"]
    offsets = set(adapted_names(model, InnerLoop(adapt_offset=True))) - set(adapted_names(model, InnerLoop()))
    assert offsets == {f"blocks.{i}.1.bias" for i in range(4)}
    with pytest.raises(ValueError, match=r"anil moves no 'blocks\.0\.'; it moves head\.weight, head\.bias"):
        adapted_names(model, InnerLoop("anil", only=("blocks.0.",)))


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_only_what_an_algorithm_adapts_moves_in_the_inner_loop(problem, algorithm):
    model, episodes = problem
    before = dict(model.named_parameters())
    after = inner_step(model, before, episodes.support_x[0], episodes.support_y[0], InnerLoop(algorithm, 0.5))
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    body = {f"blocks.{i}.0.weight" for i in range(4)}
    head = {"head.weight", "head.bias"}
    expected = {"anil": head, "boil": body}.get(algorithm, body | head)
    # A convolution's bias has no effect under batch norm: it may move by rounding, and nothing else may.
    assert moved - {f"blocks.{i}.0.bias" for i in range(4)} == expected
    assert not any(".1.bias" in name for name in adapted_names(model, InnerLoop(algorithm)))


def test_summed_loss_is_divided_by_the_shots():
    logits, labels = torch.randn(15, 5), torch.arange(5).repeat_interleave(3)
    explicit = sum(F.cross_entropy(logits[i : i + 1], labels[i : i + 1]) for i in range(15)) / 3
    torch.testing.assert_close(support_loss(logits, labels, "sum"), explicit)
    torch.testing.assert_close(support_loss(logits, labels, "mean"), explicit / 5)


def test_unknown_algorithms_are_refused():
    with pytest.raises(ValueError, match="reptile.*maml, fomaml, anil, boil"):
        InnerLoop("reptile")  # type: ignore[arg-type]


def test_clipping_bounds_the_gradient_and_a_step_equals_adam(problem):
    model, episodes = problem
    learner = MetaLearner(model, InnerLoop("maml", 0.3), outer_rate=0.01, clip=1e-3)
    reference = torch.optim.Adam([p.detach().clone().requires_grad_() for p in model.parameters()], lr=0.01)
    _, gradients = ours(model, episodes, learner.inner)
    for p, g in zip(reference.param_groups[0]["params"], gradients.values(), strict=True):
        p.grad = g.clamp(-1e-3, 1e-3)
    reference.step()
    learner.step(episodes)
    for p, q in zip(reference.param_groups[0]["params"], learner.parameters.values(), strict=True):
        # A convolution's bias has no gradient but rounding, which Adam enlarges.
        torch.testing.assert_close(p, q, rtol=1e-9, atol=1e-9)


def test_going_on_from_a_state_equals_not_having_stopped(problem):
    model, episodes = problem
    whole, first, second = (MetaLearner(model, InnerLoop("maml", 0.3)) for _ in range(3))
    for _ in range(4):
        whole.step(episodes)
    for _ in range(2):
        first.step(episodes)
    second.restore(first.state())
    for _ in range(2):
        second.step(episodes)
    assert second.iteration == 4
    for name, value in whole.snapshot().items():
        assert torch.equal(value, second.snapshot()[name])


def test_divergence_names_the_iteration_and_leaves_the_parameters(problem):
    model, episodes = problem
    learner = MetaLearner(model, InnerLoop("maml", 0.3))
    learner.step(episodes)
    before = learner.snapshot()
    broken = Episodes(
        episodes.support_x * float("nan"),
        episodes.support_y,
        episodes.query_x,
        episodes.query_y,
        episodes.classes,
    )
    with pytest.raises(Diverged, match="nan at meta-iteration 1"):
        learner.step(broken)
    assert all(torch.equal(before[name], value) for name, value in learner.snapshot().items())


def test_maml_learns_to_tell_unseen_glyphs_apart():
    splits = glyphs()
    model = Conv4Maml(5, filters=16, head_init="xavier", generator=generator(0))
    learner = MetaLearner(model, InnerLoop("maml", 0.4, 1))
    train = EpisodeSampler(splits.train.rotated(), 5, 1, 5)
    test = EpisodeSampler(splits.test, 5, 1, 5).sample(40, generator(99))

    def accuracy():
        return float(meta_gradients(learner.model, learner.parameters, test, learner.inner, chunk=10)[1])

    before = accuracy()
    for i in range(60):
        learner.step(train.sample(8, generator(0, i)))
    after = accuracy()
    # chance is 0.2; the standard error over 40 tasks of 25 queries is about 0.02
    assert after > 0.5 and after > before + 0.1


def test_labels_dealt_at_random_cannot_be_learned():
    """The control: with nothing to learn, the very same loop stays at chance."""
    noise = torch.randint(0, 256, (60, 20, 28, 28), generator=generator(5)).to(torch.uint8).numpy()
    pool = ClassPool(noise, tuple(f"noise/{i}" for i in range(60)))
    learner = MetaLearner(
        Conv4Maml(5, filters=8, head_init="xavier", generator=generator(0)), InnerLoop("maml", 0.4)
    )
    sampler = EpisodeSampler(pool, 5, 1, 5)
    for i in range(10):
        learner.step(sampler.sample(4, generator(0, i)))
    test = sampler.sample(40, generator(99))
    # 1000 queries: the standard error of chance is 0.013
    chance = float(meta_gradients(learner.model, learner.parameters, test, learner.inner, chunk=10)[1])
    assert abs(chance - 0.2) < 0.06
