"""MAML for regression: meta-gradients in float64 against an explicit loop, and that sinusoids are learned."""

import numpy as np
import pytest
import torch

from reprise.data.fewshot import Episodes, generator
from reprise.data.sinusoid import draw_sinusoids
from reprise.models.mlp import MLP
from reprise.training.maml import (
    InnerLoop,
    inner_step,
    meta_gradients,
    query_loss,
    support_loss,
    task_outcome,
)
from reprise.training.metalearner import MetaLearner, TaskThreads


def forward(p, x):
    """The network written out a second time, without modules."""
    h = torch.relu(x @ p["hidden1.0.weight"].T + p["hidden1.0.bias"])
    h = torch.relu(h @ p["hidden2.0.weight"].T + p["hidden2.0.bias"])
    return h @ p["head.weight"].T + p["head.bias"]


def explicit_meta_gradient(parameters, episodes, inner):
    """One task after the other, by ``autograd.grad``."""
    p = {name: value.detach().clone().requires_grad_() for name, value in parameters.items()}
    moves = {"anil": lambda n: n.startswith("head"), "boil": lambda n: n.startswith("hidden")}
    names = [name for name in p if moves.get(inner.algorithm, lambda _: True)(name)]
    losses = []
    for sx, sy, qx, qy in zip(*episodes.tensors(), strict=True):
        fast = dict(p)
        for _ in range(inner.steps):
            loss = ((forward(fast, sx) - sy) ** 2).sum() / len(sx)
            create = inner.algorithm != "fomaml"
            gradients = torch.autograd.grad(loss, [fast[n] for n in names], create_graph=create)
            fast |= {n: fast[n] - inner.rate * g for n, g in zip(names, gradients, strict=True)}
        losses.append(((forward(fast, qx) - qy) ** 2).sum() / len(qx))
    total = torch.stack(losses).mean()
    return total.item(), dict(zip(p, torch.autograd.grad(total, list(p.values())), strict=True))


@pytest.fixture(scope="module")
def problem():
    """A small network in float64 with biases that are not 0, and five tasks."""
    model = MLP((7, 6), weight_scale=0.6, generator=generator(0)).double()
    with torch.no_grad():
        for name, value in model.named_parameters():
            if name.endswith("bias"):
                value.add_(0.3 * torch.randn(value.shape, generator=generator(1), dtype=torch.float64))
    episodes = draw_sinusoids(5, generator(2)).episodes(8, 6, generator(3))
    sx, sy, qx, qy = (x.double() for x in episodes.tensors())
    return model, Episodes(sx, sy, qx, qy, episodes.classes)


def start(model):
    return {name: value.detach().clone().requires_grad_() for name, value in model.named_parameters()}


def relative_error(a, b):
    a, b = (torch.cat([value.flatten() for value in part.values()]) for part in (a, b))
    return float((a - b).norm() / b.norm())


@pytest.mark.parametrize("algorithm", ["maml", "fomaml", "anil", "boil"])
@pytest.mark.parametrize("steps", [0, 1, 3])
def test_meta_gradient_equals_the_explicit_loop(problem, algorithm, steps):
    model, episodes = problem
    inner = InnerLoop(algorithm, 0.02, steps, "squared")
    expected, reference = explicit_meta_gradient(start(model), episodes, inner)
    for chunk in (None, 2):  # 2 leaves a chunk of a single task
        loss, _, gradients = meta_gradients(model, start(model), episodes, inner, chunk)
        assert float(loss) == pytest.approx(expected, rel=1e-12)
        assert relative_error(gradients, reference) < 1e-10


def test_meta_gradient_equals_finite_differences(problem):
    model, episodes = problem
    inner = InnerLoop("maml", 0.02, 2, "squared")
    _, _, gradients = meta_gradients(model, start(model), episodes, inner)
    values = start(model)
    for seed in range(3):
        way = {
            n: torch.randn(v.shape, generator=generator(9, seed), dtype=v.dtype) for n, v in values.items()
        }
        ends = []
        for sign in (1, -1):
            moved = {n: (v + sign * 1e-6 * way[n]).detach().requires_grad_() for n, v in values.items()}
            ends.append(float(meta_gradients(model, moved, episodes, inner)[0]))
        along = sum(float((gradients[n] * way[n]).sum()) for n in values)
        assert (ends[0] - ends[1]) / 2e-6 == pytest.approx(along, rel=1e-5)


def test_the_second_order_term_matters(problem):
    model, episodes = problem
    second, first = (
        meta_gradients(model, start(model), episodes, InnerLoop(name, 0.02, 2, "squared"))[2]
        for name in ("maml", "fomaml")
    )
    assert relative_error(first, second) > 1e-2


def test_an_inner_step_is_gradient_descent_on_the_mean_squared_error(problem):
    model, episodes = problem
    x, y = episodes.support_x[0], episodes.support_y[0]
    values = start(model)
    loss = ((forward(values, x) - y) ** 2).mean()
    gradients = dict(zip(values, torch.autograd.grad(loss, list(values.values())), strict=True))
    after = inner_step(model, values, x, y, InnerLoop(rate=0.05, loss="squared"))
    for name, value in values.items():
        torch.testing.assert_close(after[name], value - 0.05 * gradients[name], rtol=1e-12, atol=1e-14)
    again = support_loss(forward(values, x), y, "squared").detach()
    assert float(again) == pytest.approx(float(loss.detach()), rel=1e-12)


def test_threads_give_the_same_regression_gradients(problem):
    model, episodes = problem
    inner = InnerLoop(rate=0.02, loss="squared")
    expected = meta_gradients(model, start(model), episodes, inner)
    with TaskThreads(model, 2) as threads:
        loss, _, gradients = threads.meta_gradients(start(model), episodes, inner)
    assert float(loss) == pytest.approx(float(expected[0]), rel=1e-12)
    assert relative_error(gradients, expected[2]) < 1e-12


def test_meta_training_makes_one_step_worth_more_than_joint_training_does():
    # 300 meta-iterations take about a second on an idle core.
    test = draw_sinusoids(100, generator(77)).episodes(10, 50, generator(78))
    one_step = InnerLoop(rate=0.01, loss="squared")

    def error(values, inner):
        tasks = zip(*test.tensors(), strict=True)
        with torch.no_grad():
            return np.mean([float(task_outcome(MLP(), values, task, inner)[0]) for task in tasks])

    errors = {}
    for steps in (1, 0):
        inner = InnerLoop(rate=0.01, steps=steps, loss="squared")
        learner = MetaLearner(MLP(generator=generator(0)), inner, outer_rate=0.01)
        errors["untrained"] = error(learner.snapshot(), one_step)
        for i in range(300):
            random = generator(0, i)
            learner.step(draw_sinusoids(25, random).episodes(10, 10, random))
        errors[steps] = error(learner.snapshot(), one_step)
    assert errors[1] < 0.5 * errors["untrained"]
    assert errors[1] < 0.7 * errors[0]


def test_without_an_inner_loop_the_mean_of_all_tasks_is_learned():
    learner = MetaLearner(MLP(generator=generator(0)), InnerLoop(steps=0, loss="squared"), outer_rate=0.01)
    for i in range(400):
        random = generator(1, i)
        learner.step(draw_sinusoids(50, random).episodes(1, 20, random))
    x = torch.linspace(-4, 4, 81)[:, None]
    with torch.no_grad():
        learned = forward(learner.snapshot(), x)[:, 0].numpy()
    # E[a sin(x − φ)] with a over [0.1, 5] and φ over [0, π]
    mean = -2 * 2.55 / np.pi * np.cos(x[:, 0].numpy())
    assert np.corrcoef(learned, mean)[0, 1] > 0.9
    assert np.mean((learned - mean) ** 2) < 0.3 * np.mean(mean**2)


def test_query_loss_is_a_mean_over_points():
    outputs, targets = torch.tensor([[1.0], [3.0]]), torch.tensor([[0.0], [1.0]])
    assert float(query_loss(outputs, targets, "squared")) == 2.5
