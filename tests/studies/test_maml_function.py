"""The functional test of study 1 against an explicit loop over tasks."""

import numpy as np
import pytest
import torch
from torch.func import functional_call
from torch.nn import functional as F

from reprise.data.fewshot import EpisodeSampler, generator
from reprise.data.synthetic import glyphs
from reprise.engine.runner import run
from reprise.engine.study import study
from reprise.models.conv4 import Conv4Maml
from reprise.studies.maml import function, interventions
from reprise.training.maml import InnerLoop

LAYERS = ("block1", "block2", "block3", "block4", "logits")


@pytest.fixture(scope="module")
def problem():
    def model(seed):
        return Conv4Maml(3, filters=4, head_init="xavier", generator=generator(seed)).double()

    start, untrained = ({n: p.detach() for n, p in model(s).named_parameters()} for s in (1, 2))
    tasks = EpisodeSampler(glyphs().test, 3, 1, 4).sample(3, generator(5))
    tasks.support_x.requires_grad_(False)
    doubled = type(tasks)(
        tasks.support_x.double(), tasks.support_y, tasks.query_x.double(), tasks.query_y, tasks.classes
    )
    return model(0), start, untrained, doubled


def belongs(name, part):
    layer = "logits" if name.startswith("head") else f"block{int(name.split('.')[1]) + 1}"
    return layer == part or (part == "body" and layer != "logits")


def loop(model, start, tasks, task, steps, moves, rate=0.5):
    """Plain gradient descent on one task's support set."""
    values = {name: value.clone().requires_grad_() for name, value in start.items()}
    for _ in range(steps):
        logits = functional_call(model, values, (tasks.support_x[task],))
        gradients = torch.autograd.grad(F.cross_entropy(logits, tasks.support_y[task]), list(values.values()))
        values = {
            name: (value - rate * gradient if moves(name) else value).detach().requires_grad_()
            for (name, value), gradient in zip(values.items(), gradients, strict=True)
        }
    return values


def judged(model, values, tasks, task):
    predicted = functional_call(model, dict(values), (tasks.query_x[task],)).argmax(-1)
    return float((predicted == tasks.query_y[task]).double().mean())


@pytest.mark.parametrize("algorithm", ["maml", "anil", "boil"])
def test_interventions_equal_an_explicit_loop(problem, algorithm):
    model, start, untrained, tasks = problem
    inner = InnerLoop(algorithm, 0.5, 2)
    found = interventions.intervene(model, start, untrained, tasks, inner, 3)

    def moves(name):
        head = name.startswith("head")
        offset = name.startswith("blocks") and name.split(".")[2] == "1"
        return not offset and (algorithm == "maml" or head == (algorithm == "anil"))

    full = [loop(model, start, tasks, t, 2, moves) for t in range(3)]
    for row, (kind, part) in zip(found, interventions.interventions(LAYERS), strict=True):
        for t in range(3):

            def put(values, others, part=part):
                return {n: (others if belongs(n, part) else values)[n].detach() for n in values}

            def freeze(name, part=part):
                return moves(name) and not belongs(name, part)

            def only(name, part=part):
                return moves(name) and belongs(name, part)

            expected = {
                "none": lambda k, t=t: start,
                "full": lambda k, t=t: loop(model, start, tasks, t, k, moves),
                "freeze": lambda k, t=t: loop(model, start, tasks, t, k, freeze),
                "only": lambda k, t=t: loop(model, start, tasks, t, k, only),
                "reset-before": lambda k, t=t: loop(model, put(start, untrained), tasks, t, 2, moves),
                "reset-after": lambda k, t=t: put(full[t], start),
                "swap-before": lambda k, t=t: loop(model, put(start, full[t - 1]), tasks, t, 2, moves),
                "swap-after": lambda k, t=t: put(full[t], full[t - 1]),
            }[kind]
            assert row[0, t] == judged(model, expected(2), tasks, t), (kind, part)
            if kind in ("none", "full") or (kind == "freeze" and part in ("body", "logits")):
                assert row[1, t] == judged(model, expected(3), tasks, t), (kind, part)
            else:
                assert np.isnan(row[1, t])


def test_null_states_are_what_they_say(problem):
    model, start, _, tasks = problem
    states, lengths = function.null_states(model, start, tasks, InnerLoop("maml", 0.5, 2), generator(3))
    full = loop(model, start, tasks, 1, 2, lambda n: not (n.startswith("blocks") and n.split(".")[2] == "1"))
    weights = [f"blocks.{i}.0.weight" for i in range(4)] + ["head.weight"]

    def relative(values, names):
        moved = sum(float(((values[n].detach() - start[n]) ** 2).sum()) for n in names)
        return (moved / sum(float((start[n] ** 2).sum()) for n in names)) ** 0.5

    for name in start:
        torch.testing.assert_close(states["adaptation"][1][name], full[name].detach(), rtol=1e-9, atol=1e-12)
    whole = relative(full, weights)
    for i, name in enumerate(weights):
        assert lengths[i, 1] == pytest.approx(relative(full, [name]))
        assert relative(states["perturbation, equal"][1], [name]) == pytest.approx(whole)
        assert relative(states["perturbation, own"][1], [name]) == pytest.approx(relative(full, [name]))
        alone = states[f"only {LAYERS[i]}"][1]
        assert {n for n in start if not torch.equal(alone[n], start[n])} <= {name, name[:-6] + "bias"}
    assert lengths[5, 1] == pytest.approx(whole)


def test_a_unit_of_function_shares_the_weights_and_holds_its_own_levels(tiny_config, lone_places):
    config = tiny_config.model_copy(update={"analysis": "function"})
    unit = run(study("maml"), config, (0,), lone_places, progress=False)
    kinds = list(zip(unit["intervention_kind"].values, unit["intervention_part"].values, strict=True))
    values = dict(zip(kinds, unit["function_accuracy"].values[0, :, 0], strict=True))
    # Putting everything that adapted back is not adapting; freezing it neither.
    assert values["only", "body"] == values["freeze", "logits"]
    assert values["only", "logits"] == values["freeze", "body"]
    change = 1 - unit["null_similarity"].sel(measure="rsa-correlation").isel(seed=0)
    # A layer's own update alone cannot reach the layers before it.
    for i, layer in enumerate(LAYERS):
        alone = change.sel(null=f"only {layer}").values
        np.testing.assert_allclose(alone[:i], 0, atol=1e-6)
        assert alone[i] > 1e-6
    assert not (lone_places.local / "maml" / "weights").exists()
    assert len(list((lone_places.local / "weights").glob("maml-*"))) == 2  # those of the two similarity units


def test_a_probe_from_the_first_tasks_query_set(tiny_config, empty_places):
    config = tiny_config.model_copy(update={"probe": "query", "blocks": 3, "downsampling": "pool"})
    config = type(config)(**config.model_dump())
    unit = run(study("maml"), config, (0,), empty_places, progress=False)
    assert unit.sizes["stimulus"] == config.ways * config.analysis_queries
    assert list(unit["layer"].values) == ["block1", "block2", "block3", "logits"]
    assert len(set(unit["stimulus_class"].values.ravel())) == config.ways
    assert float(unit["inner_similarity"].min()) < 1
