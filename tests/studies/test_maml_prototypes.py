"""What the body's features are worth alone, against explicit loops over tasks, classes and steps."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from reprise.data.fewshot import EpisodeSampler, generator
from reprise.data.synthetic import glyphs
from reprise.engine.runner import run
from reprise.engine.study import Unit, study
from reprise.models.conv4 import Conv4Maml
from reprise.studies.maml import endpoints, prototypes
from reprise.training.maml import InnerLoop

MAML = study("maml")


@pytest.fixture(scope="module", params=["stride", "pool"])
def problem(request):
    model = Conv4Maml(
        3, filters=4, downsampling=request.param, depth=3, head_init="xavier", generator=generator(1)
    ).double()
    tasks = EpisodeSampler(glyphs().test, 3, 2, 4).sample(3, generator(5))
    doubled = type(tasks)(
        tasks.support_x.double(), tasks.support_y, tasks.query_x.double(), tasks.query_y, tasks.classes
    )
    return model, {n: p.detach() for n, p in model.named_parameters()}, doubled


def read_by_the_head(model, images):
    """What reaches the head on an ordinary forward pass."""
    seen = []
    handle = model.head.register_forward_pre_hook(lambda _module, inputs: seen.append(inputs[0]))
    with torch.no_grad():
        model(images)
    handle.remove()
    return seen[0]


def test_features_are_what_the_head_reads(problem):
    model, start, tasks = problem
    found = prototypes.features(model, start, tasks.query_x[0])
    torch.testing.assert_close(found, read_by_the_head(model, tasks.query_x[0]))


def test_nearest_prototypes_equal_a_loop(problem):
    model, start, tasks = problem
    values = {name: value.expand(3, *value.shape) for name, value in start.items()}
    found = prototypes.prototype_accuracy(model, values, tasks)
    for t in range(3):
        support, query = (read_by_the_head(model, x[t]) for x in (tasks.support_x, tasks.query_x))
        means = [support[tasks.support_y[t] == c].mean(0) for c in range(3)]
        right = [
            min(range(3), key=lambda c, q=q: float((q - means[c]).norm())) == int(y)
            for q, y in zip(query, tasks.query_y[t], strict=True)
        ]
        assert float(found[t]) == pytest.approx(np.mean(right))


def test_a_converged_head_equals_plain_gradient_descent(problem):
    model, start, tasks = problem
    accuracy, loss = prototypes.converged_head(model, start, tasks, InnerLoop("maml", 0.5, 2), steps=30)
    for t in range(3):
        support, query = (read_by_the_head(model, x[t]) for x in (tasks.support_x, tasks.query_x))
        head = torch.nn.Linear(support.shape[1], 3).double()
        head.load_state_dict({"weight": start["head.weight"], "bias": start["head.bias"]})
        optimiser = torch.optim.SGD(head.parameters(), lr=0.5)
        for _ in range(30):
            optimiser.zero_grad()
            F.cross_entropy(head(support), tasks.support_y[t]).backward()
            optimiser.step()
        left = F.cross_entropy(head(support), tasks.support_y[t]).detach()
        assert float(loss[t]) == pytest.approx(float(left))
        right = (head(query).argmax(1) == tasks.query_y[t]).double().mean()
        assert float(accuracy[t]) == pytest.approx(float(right))


def test_units_of_function_have_it_if_asked_and_are_otherwise_the_same(tiny_config, lone_places):
    plain = tiny_config.model_copy(update={"analysis": "function"})
    asked = plain.model_copy(update={"prototypes": True})
    assert Unit(plain, 0).weights_id == Unit(asked, 0).weights_id and Unit(plain, 0).id != Unit(asked, 0).id
    with_them, without = (run(MAML, one, (0,), lone_places, progress=False) for one in (asked, plain))
    for name in without.data_vars:
        np.testing.assert_array_equal(with_them[name], without[name])
    assert with_them["prototype_accuracy"].dims == ("seed", "features_from")
    assert 0.2 < float(with_them["prototype_accuracy"].min()) <= 1
    assert 0 < with_them["converged_loss"].item() < 1
    found = MAML.endpoints(with_them)
    gain = found["M1b: points gained by nearest prototypes through adaptation"]
    np.testing.assert_allclose(gain, 100 * np.diff(with_them["prototype_accuracy"])[:, 0])
    np.testing.assert_array_equal(
        found["points lost by freezing the body, the head converged"], endpoints.converged_cost(with_them)
    )


def test_own_change_is_the_diagonal_and_the_whole_is_adaptations(tiny_config, lone_places):
    config = tiny_config.model_copy(update={"analysis": "function"})
    unit = run(MAML, config, (0,), lone_places, progress=False)
    own, whole = (changes.isel(seed=0) for changes in endpoints.own_change(unit))
    similarity = unit["null_similarity"].sel(measure="rsa-correlation").isel(seed=0)
    for layer in unit["layer"].values:
        assert float(own.sel(layer=layer)) == pytest.approx(
            1 - float(similarity.sel(null=f"only {layer}", layer=layer))
        )
        assert float(whole.sel(layer=layer)) == pytest.approx(
            1 - float(similarity.sel(null="adaptation", layer=layer))
        )
    # nothing comes before the first layer, so all of its change is its own
    assert float(own[0]) == pytest.approx(float(whole[0]), abs=1e-5)
