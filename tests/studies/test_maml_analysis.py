"""What study 1 stores, against explicit loops over modules, tasks and layers."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from reprise.data import load_few_shot
from reprise.data.fewshot import EpisodeSampler, draw_probe, generator
from reprise.engine.store import Store
from reprise.engine.study import Unit
from reprise.similarity.measures import measure
from reprise.studies.maml import endpoints, states
from reprise.studies.maml.states import LAYERS
from reprise.studies.maml.train import PROBE, TASKS, build_model, label
from reprise.training.checkpoints import CheckpointFolder


def _representations(model, images):
    outputs, h = {}, images
    with torch.no_grad():
        for i, block in enumerate(model.blocks, 1):
            h = block(h)
            outputs[f"block{i}"] = h.flatten(1).double().numpy()
        outputs["logits"] = model.head(h.mean((2, 3))).double().numpy()
    return outputs


def _load(model, folder, iteration):
    model.load_state_dict(folder.load(label(iteration)))
    return model


@pytest.fixture(scope="module")
def pieces(tiny_run, tiny_config, tiny_places):
    """Seed 0's checkpoints, probe and tasks, drawn here a second time."""
    splits = load_few_shot("glyphs", tiny_places.data)
    probe = draw_probe(
        splits.test, tiny_config.probe_classes, tiny_config.probe_drawings, generator(0, PROBE)
    )
    unseen = splits.test.without(np.unique(probe.classes))
    sampler = EpisodeSampler(unseen, tiny_config.ways, tiny_config.shots, tiny_config.analysis_queries)
    tasks = sampler.sample(tiny_config.analysis_tasks, generator(0, TASKS))
    folder = CheckpointFolder(tiny_places.local / "weights" / Unit(tiny_config, 0).weights_id)
    return probe, tasks, folder


def _adapted(model, x, y, rate, steps):
    """Plain gradient descent on every parameter but the offsets of batch norm."""
    moving = [p for name, p in model.named_parameters() if not name.endswith(".1.bias")]
    for _ in range(steps):
        gradients = torch.autograd.grad(F.cross_entropy(model(x), y), moving)
        with torch.no_grad():
            for p, g in zip(moving, gradients, strict=True):
                p -= rate * g
    return model


def test_base_analysis_equals_a_plain_loop(tiny_run, tiny_config, pieces):
    probe, tasks, folder = pieces
    for iteration in (0, tiny_config.iterations):
        for step in tiny_config.kept_steps:
            values = []
            for task in range(tiny_config.analysis_tasks):
                model = _load(build_model(tiny_config, 0), folder, iteration)
                before = _representations(model, probe.images)
                _adapted(model, tasks.support_x[task], tasks.support_y[task], tiny_config.inner_rate, step)
                after = _representations(model, probe.images)
                values.append([[measure(m)(before[n], after[n]) for n in LAYERS] for m in states.MEASURES])
            found = (
                tiny_run["inner_similarity"].isel(seed=0).sel(checkpoint=iteration, inner_step=step).values
            )
            np.testing.assert_allclose(found, np.mean(values, axis=0), atol=2e-3)


def test_accuracy_equals_a_plain_loop(tiny_run, tiny_config, pieces):
    _, tasks, folder = pieces
    last = tiny_config.kept_steps[-1]
    for task in range(tiny_config.analysis_tasks):
        model = _load(build_model(tiny_config, 0), folder, tiny_config.iterations)
        _adapted(model, tasks.support_x[task], tasks.support_y[task], tiny_config.inner_rate, last)
        with torch.no_grad():
            right = (model(tasks.query_x[task]).argmax(1) == tasks.query_y[task]).double().mean()
        found = tiny_run["accuracy"].isel(seed=0, checkpoint=-1, analysed=task).sel(accuracy_step=last)
        assert float(found) == pytest.approx(float(right), abs=0.11)  # one query more or less by rounding


def test_neighbours_start_lags_and_fresh_equal_a_plain_loop(tiny_run, tiny_config, pieces):
    probe, _, folder = pieces
    spacing, model = tiny_config.spacing, build_model(tiny_config, 0)
    seen = {
        i: _representations(_load(model, folder, i), probe.images) for i in range(0, 61 * spacing, spacing)
    }
    run, kind = tiny_run.isel(seed=0).sel(measure="rsa-correlation"), measure("rsa-correlation")
    for layer in LAYERS:
        for i in (1, 30, 60):
            expected = kind(seen[(i - 1) * spacing][layer], seen[i * spacing][layer])
            found = run["neighbour_similarity"].sel(checkpoint=i * spacing, layer=layer)
            assert float(found) == pytest.approx(expected, abs=1e-3)
            expected = kind(seen[0][layer], seen[i * spacing][layer])
            assert float(run["start_similarity"].sel(checkpoint=i * spacing, layer=layer)) == pytest.approx(
                expected, abs=1e-3
            )
        lag = 20
        pairs = [kind(seen[i * spacing][layer], seen[(i + lag) * spacing][layer]) for i in range(6, 61 - lag)]
        assert float(run["lag_similarity"].sel(lag=lag, layer=layer)) == pytest.approx(
            np.mean(pairs), abs=1e-3
        )
    assert bool(run["neighbour_similarity"].isel(checkpoint=0).isnull().all())
    assert float(run["fresh_similarity"].sel(layer="logits").max()) < 0.9


def test_kept_grams_give_the_stored_similarities(tiny_config, tiny_run, tiny_places):
    unit = Store(tiny_places.published, tiny_places.local).load(Unit(tiny_config, 0))
    assert unit is not None
    for layer in ("block1", "block4", "logits"):
        grams, kept = states.state_grams(unit, layer)
        key = list(
            zip(*(kept[f"state_{k}"].values.tolist() for k in ("sixtieth", "step", "task")), strict=True)
        )
        start, last = key.index((60, 0, -1)), tiny_config.kept_steps[-1]
        values = measure("cka-linear").pairwise(grams)
        tasks = range(tiny_config.analysis_tasks)
        from_grams = np.mean([values[start, key.index((60, last, task))] for task in tasks])
        stored = (
            unit["inner_similarity"]
            .sel(measure="cka-linear", layer=layer, inner_step=last)
            .isel(checkpoint=-1)
        )
        assert float(stored) == pytest.approx(from_grams, abs=1e-4)
    with pytest.raises(ValueError, match="block1, block2"):
        states.state_grams(unit, "block7")


def test_the_probe_is_not_in_the_tasks(tiny_run, tiny_config, pieces):
    probe, tasks, _ = pieces
    shown = {image.numpy().tobytes() for image in probe.images}
    for images in (tasks.support_x, tasks.query_x):
        assert not shown & {image.numpy().tobytes() for image in images.flatten(0, 1)}
    assert list(tiny_run["stimulus_name"].isel(seed=0).values) == list(probe.names)


def test_effective_layers_by_hand():
    import xarray as xr

    shares = xr.DataArray([[1.0, 0, 0, 0], [1, 1, 1, 1], [3, 1, 0, -0.1]], dims=("seed", "layer"))
    assert endpoints.effective_layers(shares).values == pytest.approx([1, 4, 16 / 10])


def test_break_even_interpolates_between_lags(tiny_run):
    run = tiny_run.copy(deep=True)
    layers = {"layer": endpoints.blocks(run)}
    run["lag_similarity"][:] = 1.0
    run["lag_similarity"].loc[layers] = 1 - 0.01 * run["lag"].astype(float)
    run["inner_similarity"].loc[layers] = 1 - 0.105
    assert endpoints.break_even(run).values == pytest.approx([10.5, 10.5], abs=1e-3)
    run["inner_similarity"].loc[layers] = 0.0
    assert np.isinf(endpoints.break_even(run).values).all()


def test_m3_quantities_equal_explicit_loops(tiny_run, tiny_config):
    spacing = tiny_config.spacing
    counted = [i * spacing for i in range(7, 61)]
    pick = tiny_run.sel(measure="rsa-correlation")
    for u in range(2):
        shares = {}
        for name in ("inner", "outer"):
            change = []
            for layer in LAYERS:
                per = []
                for checkpoint in counted:
                    source = (
                        pick["inner_similarity"].sel(inner_step=tiny_config.inner_steps)
                        if name == "inner"
                        else pick["neighbour_similarity"]
                    )
                    per.append(1 - float(source.isel(seed=u).sel(layer=layer, checkpoint=checkpoint)))
                change.append(np.mean(per))
            shares[name] = np.array(change)
        ratio = np.log(shares["inner"][:4].mean() / shares["outer"][:4].mean())
        assert float(endpoints.further(tiny_run)[u]) == pytest.approx(ratio, rel=1e-4)
        number = [1 / ((s / s.sum()) ** 2).sum() for s in shares.values()]
        assert float(endpoints.broader(tiny_run)[u]) == pytest.approx(
            number[0] - number[1], rel=1e-3, abs=1e-4
        )
