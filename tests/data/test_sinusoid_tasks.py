"""Sinusoid tasks: their ranges, their values, and that chance is explicit."""

import math

import numpy as np
import pytest
import torch
from scipy import stats

from reprise.data.fewshot import generator
from reprise.data.sinusoid import AMPLITUDES, INPUTS, PHASES, Sinusoids, draw_sinusoids


def test_values_are_those_of_the_formula():
    tasks = draw_sinusoids(5, generator(0))
    x, y = tasks.sample(7, generator(1))
    assert x.shape == y.shape == (5, 7, 1) and len(tasks) == 5
    for task in range(5):
        a, phase = float(tasks.amplitude[task]), float(tasks.phase[task])
        for point in range(7):
            expected = a * math.sin(float(x[task, point, 0]) - phase)
            assert float(y[task, point, 0]) == pytest.approx(expected, abs=1e-5)


def test_the_same_inputs_can_be_given_to_all_tasks():
    tasks = draw_sinusoids(3, generator(0))
    grid = torch.linspace(-5, 5, 4)[:, None]
    torch.testing.assert_close(tasks.values(grid), tasks.values(grid.expand(3, 4, 1)))


def test_amplitudes_phases_and_inputs_are_uniform_over_the_ranges_of_the_paper():
    assert ((0.1, 5.0), (0.0, math.pi), (-5.0, 5.0)) == (AMPLITUDES, PHASES, INPUTS)
    tasks = draw_sinusoids(4000, generator(3))
    x, _ = tasks.sample(1, generator(4))
    drawn = {AMPLITUDES: tasks.amplitude, PHASES: tasks.phase, INPUTS: x.flatten()}
    for (low, high), values in drawn.items():
        assert stats.kstest(values.double().numpy(), stats.uniform(low, high - low).cdf).pvalue > 0.01
    assert abs(np.corrcoef(tasks.amplitude, tasks.phase)[0, 1]) < 0.05


def test_episodes_hold_support_and_query_points_of_the_same_function():
    tasks = draw_sinusoids(6, generator(0))
    episodes = tasks.episodes(10, 4, generator(1))
    assert episodes.support_x.shape == episodes.support_y.shape == (6, 10, 1)
    assert episodes.query_x.shape == episodes.query_y.shape == (6, 4, 1)
    torch.testing.assert_close(episodes.query_y, tasks.values(episodes.query_x))
    assert not set(episodes.support_x.flatten().tolist()) & set(episodes.query_x.flatten().tolist())
    torch.testing.assert_close(episodes[2:4].support_y, tasks.values(episodes.support_x)[2:4])
    assert episodes.classes.flatten().tolist() == list(range(6))


def test_equal_generators_give_equal_tasks_whatever_the_global_state():
    torch.manual_seed(1)
    one = draw_sinusoids(3, generator(0)).episodes(5, 5, generator(1))
    torch.manual_seed(2)
    two = draw_sinusoids(3, generator(0)).episodes(5, 5, generator(1))
    other = draw_sinusoids(3, generator(9)).episodes(5, 5, generator(1))
    for a, b in zip(one.tensors(), two.tensors(), strict=True):
        assert torch.equal(a, b)
    assert not torch.equal(one.support_y, other.support_y)


def test_nothing_to_draw_is_refused():
    with pytest.raises(ValueError, match="tasks must be at least 1, not 0"):
        draw_sinusoids(0, generator(0))
    with pytest.raises(ValueError, match="points must be at least 1, not 0"):
        draw_sinusoids(2, generator(0)).episodes(5, 0, generator(1))
    with pytest.raises(ValueError, match="one amplitude and one phase a task"):
        Sinusoids(torch.ones(2), torch.ones(3))
