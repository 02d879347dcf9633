"""Steps on a schedule: its rates, its evaluations, and that it goes on where it was."""

import pytest
import torch
from torch import nn

from reprise.data.fewshot import generator
from reprise.training import Diverged
from reprise.training.checkpoints import CheckpointFolder
from reprise.training.session import Session
from reprise.training.steps import Schedule, Steps


class Regression(nn.Module):
    def __init__(self):
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(0)
            self.layers = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Dropout(0.3), nn.Linear(8, 1))
        self.calls = 0

    def loss(self, step):
        self.calls += 1
        x = torch.randn(16, 4, generator=generator(7, step))
        error = (self.layers(x)[:, 0] - x.sum(1)).square().mean()
        return error, float(error)


def _steps(module, count=20, rate=0.05, evaluate=None, every=0):
    return Steps(module, module.loss, Schedule(count, rate), (1, 2), evaluate, every)


def _run(steps, folder=None):
    Session([folder] if folder else [], steps.schedule.steps).run(steps)
    return steps.history


def test_the_rate_rises_and_falls_as_stated():
    schedule = Schedule(100, 2.0, warmup=0.1)
    rates = [schedule.rate_at(step) for step in range(101)]
    assert rates[0] == pytest.approx(0.2) and max(rates) == pytest.approx(2.0, rel=0.03)
    assert rates[100] == pytest.approx(0, abs=1e-12)
    assert rates[:9] == sorted(rates[:9]) and rates[10:] == sorted(rates[10:], reverse=True)


def _weight(module):
    return lambda: {"weight": float(module.layers[0].weight.detach().sum())}


def test_it_learns_and_is_evaluated_in_evaluation_mode_at_both_ends_and_between():
    module, modes = Regression(), []

    def evaluate():
        modes.append(module.training)
        return _weight(module)()

    history = _run(_steps(module, 25, evaluate=evaluate, every=10))
    assert history["evaluated"] == [0, 10, 20, 25] and modes == [False] * 4
    assert len(set(history["weight"])) == 4 and len(history["loss"]) == module.calls == 25
    longer = _run(_steps(Regression(), 200))["loss"]
    assert sum(longer[-10:]) < 0.5 * sum(longer[:10])


class Killed(Exception):
    pass


@pytest.mark.parametrize("at", [1, 7, 10, 19])
def test_a_killed_training_goes_on_to_the_same_numbers(at, tmp_path, monkeypatch):
    monkeypatch.setattr("reprise.training.session.SAVE_EVERY", 0.0)
    whole = Regression()
    expected = _run(_steps(whole, evaluate=_weight(whole), every=5))

    folder, first = CheckpointFolder(tmp_path / "w"), Regression()
    loss = first.loss

    def kill(step):
        if step == at:
            raise Killed
        return loss(step)

    first.loss = kill
    with pytest.raises(Killed):
        _run(_steps(first, evaluate=_weight(first), every=5), folder)
    second = Regression()
    resumed = _run(_steps(second, evaluate=_weight(second), every=5), folder)
    assert second.calls == 20 - at
    assert resumed == expected
    assert all(
        torch.equal(a, b)
        for a, b in zip(whole.state_dict().values(), second.state_dict().values(), strict=True)
    )
    third = Regression()
    assert _run(_steps(third, evaluate=_weight(third), every=5), folder) == expected and third.calls == 0


def test_a_finished_training_with_a_product_keeps_that_alone(tmp_path):
    module, folder = Regression(), CheckpointFolder(tmp_path / "w")
    weight = module.layers[0].weight
    assert isinstance(weight, torch.Tensor)
    steps = Steps(module, module.loss, Schedule(5, 0.1), (0,), product=lambda: {"w": weight})
    Session([folder], 5, {5: "final"}).run(steps)
    last = folder.last()
    assert last is not None and last.step == 5 and last.state.keys() == {"history"}
    assert torch.equal(folder.load("final")["w"], module.layers[0].weight)  # type: ignore[arg-type]


def test_the_global_stream_is_left_alone():
    torch.manual_seed(3)
    before = torch.rand(1)
    torch.manual_seed(3)
    _run(_steps(Regression()))
    assert torch.equal(torch.rand(1), before)


def test_a_loss_that_is_not_finite_and_nothing_to_move_are_refused():
    module = Regression()
    steps = Steps(module, lambda step: (module.loss(step)[0] / (step < 3), 0.0), Schedule(9, 0.1), (0,))
    with pytest.raises(Diverged, match="at step 4"):
        _run(steps)
    with pytest.raises(ValueError, match="every part of the network is frozen"):
        _steps(Regression().requires_grad_(False))
