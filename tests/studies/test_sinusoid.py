"""The sinusoid page's study: settings, training, and what is measured, against explicit loops."""

import subprocess
import sys

import numpy as np
import pytest
import torch

from reprise.data.fewshot import generator
from reprise.places import UserError
from reprise.similarity import measure
from reprise.studies import sinusoid
from reprise.studies.sinusoid.settings import INITIALISATIONS, LAYERS, MEASURES
from reprise.studies.sinusoid.train import FRESH, TASKS

SMALL = sinusoid.SinusoidSettings(meta_iterations=40, meta_batch=4, steps=3, tasks=5, stimuli=12)


@pytest.fixture(scope="module")
def trained():
    networks = (sinusoid.train(SMALL, 1), sinusoid.train(SMALL, 0), sinusoid.untrained(SMALL))
    return dict(zip(INITIALISATIONS, networks, strict=True))


@pytest.fixture(scope="module")
def result(trained):
    return sinusoid.look(SMALL, trained)


def layers_of(p, x):
    """Every layer's output, written out with NumPy."""
    first = np.maximum(x @ p["hidden1.0.weight"].T + p["hidden1.0.bias"], 0)
    second = np.maximum(first @ p["hidden2.0.weight"].T + p["hidden2.0.bias"], 0)
    return {"hidden1": first, "hidden2": second, "output": second @ p["head.weight"].T + p["head.bias"]}


def adapted_by_hand(parameters, x, y, rate, steps):
    """Plain gradient descent on one task by ``autograd.grad``; parameters as NumPy after each step."""
    p = {name: value.clone().double().requires_grad_() for name, value in parameters.items()}
    x, y = x.double(), y.double()
    course = [{name: value.detach().numpy() for name, value in p.items()}]
    for _ in range(steps):
        h = torch.relu(x @ p["hidden1.0.weight"].T + p["hidden1.0.bias"])
        h = torch.relu(h @ p["hidden2.0.weight"].T + p["hidden2.0.bias"])
        loss = ((h @ p["head.weight"].T + p["head.bias"] - y) ** 2).mean()
        gradients = torch.autograd.grad(loss, list(p.values()))
        pairs = zip(p.items(), gradients, strict=True)
        p = {name: (value - rate * g).detach().requires_grad_() for (name, value), g in pairs}
        course.append({name: value.detach().numpy() for name, value in p.items()})
    return course


def test_predictions_errors_and_similarities_equal_an_explicit_loop(trained, result):
    random = generator(SMALL.seed, TASKS)
    from reprise.data.sinusoid import draw_sinusoids

    tasks = draw_sinusoids(SMALL.tasks, random)
    x, y = tasks.sample(SMALL.shots, random)
    grid = np.linspace(-5, 5, SMALL.stimuli)[:, None]
    np.testing.assert_allclose(result["support_x"], x[..., 0])
    np.testing.assert_allclose(result["x"], grid[:, 0], atol=1e-6)
    for name in INITIALISATIONS:
        for task in (0, 3):
            truth = float(tasks.amplitude[task]) * np.sin(grid[:, 0] - float(tasks.phase[task]))
            np.testing.assert_allclose(result["truth"][task], truth, atol=1e-5)
            course = adapted_by_hand(
                trained[name].parameters, x[task], y[task], SMALL.inner_rate, SMALL.steps
            )
            before = layers_of(course[0], grid)
            for step, parameters in enumerate(course):
                here = result.sel(initialisation=name, inner_step=step).isel(task=task)
                now = layers_of(parameters, grid)
                np.testing.assert_allclose(here["prediction"], now["output"][:, 0], atol=1e-4)
                assert float(here["error"]) == pytest.approx(
                    np.mean((now["output"][:, 0] - truth) ** 2), rel=1e-3
                )
                for layer in LAYERS:
                    for key in ("cka-linear", "cka-linear-debiased"):
                        expected = measure(key)(now[layer], before[layer])
                        got = float(here["similarity"].sel(measure=key, layer=layer))
                        assert got == pytest.approx(expected, abs=1e-3), (name, layer, key)


def test_the_data_set_has_everything_that_figures_need(result):
    assert dict(result["similarity"].sizes) == {
        "initialisation": 3, "measure": len(MEASURES), "layer": 3, "inner_step": 4, "task": 5,
    }  # fmt: skip
    assert np.isfinite(result["similarity"]).all() and np.isfinite(result["error"]).all()
    np.testing.assert_allclose(result["similarity"].sel(inner_step=0), 1, atol=1e-9)
    assert result["training_loss"].sel(initialisation="random").isnull().all()
    assert result["training_loss"].sel(initialisation="meta-learned").notnull().all()
    assert result.attrs["settings"]["shots"] == 10


def test_the_null_is_the_difference_to_another_random_network(trained, result):
    grid = result["x"].values.astype(np.float64)[:, None]
    other = {n: p.detach().double().numpy() for n, p in sinusoid.build_model(SMALL, FRESH).named_parameters()}
    for name in INITIALISATIONS:
        own = {n: p.double().numpy() for n, p in trained[name].parameters.items()}
        for layer in LAYERS:
            expected = measure("cka-linear")(layers_of(other, grid)[layer], layers_of(own, grid)[layer])
            got = result["fresh_similarity"].sel(initialisation=name, measure="cka-linear", layer=layer)
            assert float(got) == pytest.approx(expected, abs=1e-4)
            assert expected < 1 - 1e-6


def test_equal_seeds_give_equal_numbers_and_others_do_not(result):
    torch.manual_seed(123)
    again = dict(
        zip(
            INITIALISATIONS,
            (sinusoid.train(SMALL, 1), sinusoid.train(SMALL, 0), sinusoid.untrained(SMALL)),
            strict=True,
        )
    )
    assert sinusoid.look(SMALL, again).drop_attrs().identical(result.drop_attrs())
    other = sinusoid.SinusoidSettings(seed=1, meta_iterations=3, meta_batch=4)
    assert not np.allclose(sinusoid.train(other, 1).loss, again["meta-learned"].loss[:3])


def test_both_trainings_start_from_the_same_network_and_leave_torch_as_it_was(trained):
    threads = torch.get_num_threads()
    zero = sinusoid.SinusoidSettings(meta_iterations=1, meta_batch=4)
    for steps in (0, 1):
        before, after = sinusoid.untrained(zero).parameters, sinusoid.train(zero, steps).parameters
        # Adam's first step moves every entry by at most its rate.
        assert 0 < max(float((after[n] - before[n]).abs().max()) for n in before) <= zero.outer_rate * 1.001
    assert torch.get_num_threads() == threads
    assert len(trained["meta-learned"].loss) == SMALL.meta_iterations and trained["random"].seconds == 0


def test_training_leads_from_the_untrained_network_to_fast_adaptation():
    settings = sinusoid.SinusoidSettings(meta_iterations=300, tasks=50, steps=2)
    networks = (sinusoid.train(settings, 1), sinusoid.train(settings, 0), sinusoid.untrained(settings))
    learned = sinusoid.look(settings, dict(zip(INITIALISATIONS, networks, strict=True)))
    after = learned["error"].sel(inner_step=1).median("task")
    before = learned["error"].sel(inner_step=0).median("task")
    meta, joint, random = (before / after).values
    assert meta > 1.8 and meta > 1.3 * joint
    assert random < 1.1
    losses = learned["training_loss"].sel(initialisation="meta-learned").values
    assert np.median(losses[-50:]) < 0.6 * np.median(losses[:50])


def test_a_line_says_that_it_was_trained_on_the_page(result):
    line = sinusoid.provenance_line(result)
    assert line.startswith("trained on this page · seed 0 · new tasks 5 · commit ")
    assert line.endswith(" s") and "unit" not in line


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"meta_iterations": 0},
            "meta_iterations=0: a whole number of meta-iterations is needed, at least 1",
        ),
        ({"shots": 2.5}, "shots=2.5: a whole number of points is needed, at least 1"),
        ({"tasks": 1}, "tasks=1: a whole number of tasks is needed, at least 2"),
        ({"seed": -1}, "seed=-1: a whole number is needed, at least 0"),
        ({"inner_rate": 0.0}, "inner_rate=0.0: a number above 0 is needed"),
        ({"outer_rate": float("nan")}, "outer_rate=nan: a number above 0 is needed"),
        ({"weight_scale": "big"}, "weight_scale='big': a number is needed"),
        ({"inner_steps": 11}, "steps=10: networks trained for 11 inner steps"),
        ({"stimuli": 3}, "stimuli=3: a whole number of points is needed, at least 4"),
    ],
)
def test_settings_that_cannot_be_are_answered_with_the_range(change, message):
    with pytest.raises(UserError, match=message):
        sinusoid.SinusoidSettings(**change)


def test_other_initialisations_are_refused(trained):
    with pytest.raises(ValueError, match="give meta-learned, jointly trained, random, in this order"):
        sinusoid.look(SMALL, {"meta-learned": trained["meta-learned"]})


def test_torch_is_not_imported_before_it_is_needed():
    modules = "reprise.studies.sinusoid, reprise.studies.sinusoid.figures"
    code = f"import sys, {modules}; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
