"""The supervised control: what is stored, against explicit loops over weights, steps and layers."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from reprise.data.fewshot import generator
from reprise.data.images import load_characters, load_images
from reprise.engine.runner import run
from reprise.engine.store import Store
from reprise.engine.study import Unit, study
from reprise.places import Places, UserError
from reprise.similarity.measures import measure
from reprise.studies.control import ControlConfig, nulls
from reprise.studies.control.train import (
    FRESH,
    NOISE,
    PROBE,
    TESTED,
    accuracy,
    as_input,
    batch_order,
    build_model,
    choose_classes,
    draw,
    with_labels,
)
from reprise.studies.maml.states import LAYERS, MEASURES, state_grams
from reprise.training import Diverged

CONTROL = study("control")
TINY = {"classes": 6, "filters": 8, "steps": 4, "probe_every": 2, "batch": 20, "probe_images": 24, "draws": 3}


@pytest.fixture(scope="module")
def config():
    return CONTROL.configure("smoke", TINY)


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    folder = tmp_path_factory.mktemp("control")
    return Places(folder / "data", folder / "results", folder / "runs")


@pytest.fixture(scope="module")
def tiny(config, places):
    return run(CONTROL, config, (0, 1), places, preset="smoke", progress=False)


@pytest.fixture(scope="module")
def splits(config, places):
    return choose_classes(load_characters("glyphs", places.data, config.drawings), config, 0)


@pytest.fixture(scope="module")
def course(config, splits):
    """Seed 0 trained here a second time by a plain loop: step → parameters, and the losses."""
    model = build_model(config, 0)
    x, y = as_input(splits.train.images), splits.train.labels
    optimiser = torch.optim.Adam(model.parameters(), lr=config.rate)
    kept, losses, order = {0: _copy(model)}, [], []
    for epoch in range(2):
        order += torch.randperm(len(x), generator=generator(0, 2, epoch)).tolist()
    for step in range(config.steps):
        chosen = order[step * config.batch : (step + 1) * config.batch]
        loss = F.cross_entropy(model(x[chosen]), y[chosen])
        model.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
        kept[step + 1] = _copy(model)
    return kept, losses


def _copy(model):
    return {name: value.detach().clone() for name, value in model.named_parameters()}


def _representations(config, parameters, images):
    model: Any = build_model(config, 0)
    model.load_state_dict(parameters)
    outputs, h = {}, images
    with torch.no_grad():
        for i, block in enumerate(model.blocks, 1):
            h = block(h)
            outputs[f"block{i}"] = h.flatten(1).double().numpy()
        outputs["logits"] = model.head(h.mean((2, 3))).double().numpy()
    return outputs


def _similar(a, b):
    """(measure, layer)"""
    return np.array([[measure(m)(a[layer], b[layer]) for layer in LAYERS] for m in MEASURES])


@pytest.fixture(scope="module")
def probe(config, splits):
    return as_input(draw(splits.test, config.probe_images, 0, PROBE).images)


def test_change_over_training_equals_a_plain_loop(tiny, config, course, probe):
    kept, losses = course
    first = _representations(config, kept[0], probe)
    fresh = _representations(config, _copy(build_model(config, 0, FRESH)), probe)
    for step in (0, 2, 4):
        now = _representations(config, kept[step], probe)
        found = tiny.isel(seed=0).sel(step=step)
        np.testing.assert_allclose(found["start_similarity"].values, _similar(first, now), atol=2e-4)
        np.testing.assert_allclose(found["fresh_similarity"].values, _similar(fresh, now), atol=2e-4)
    loss = tiny["training_loss"].isel(seed=0).values
    assert np.isnan(loss[0])
    np.testing.assert_allclose(loss[1:], [np.mean(losses[:2]), np.mean(losses[2:])], rtol=1e-4)
    last, half = _representations(config, kept[4], probe), len(probe) // 2
    for i, part in enumerate((slice(half), slice(half, None))):
        expected = _similar({k: v[part] for k, v in first.items()}, {k: v[part] for k, v in last.items()})
        np.testing.assert_allclose(tiny["half_similarity"].isel(seed=0, half=i).values, expected, atol=2e-4)


def test_a_network_that_was_not_trained_has_not_changed(tiny):
    initial = tiny.sel(step=0)
    np.testing.assert_allclose(initial["start_similarity"].values, 1, atol=1e-6)
    assert not initial["update_norm"].values.any() and not initial["network_update_norm"].values.any()
    assert float(tiny["start_similarity"].isel(step=-1).max()) < 1


def _counted(name):
    """Everything but the convolutions' biases, by the network's own order of modules."""
    return not (name.startswith("blocks.") and name.split(".")[2:] == ["0", "bias"])


def _layer(name):
    return "logits" if name.startswith("head") else f"block{int(name.split('.')[1]) + 1}"


def test_update_norms_equal_explicit_sums(tiny, course):
    kept, _ = course
    squares = {(layer, part): 0.0 for layer in LAYERS for part in ("update", "initial")}
    for name, value in kept[0].items():
        if not _counted(name):
            continue
        for a, b in zip(value.flatten().tolist(), kept[4][name].flatten().tolist(), strict=True):
            squares[_layer(name), "update"] += (b - a) ** 2
            squares[_layer(name), "initial"] += a**2
    expected = [math.sqrt(squares[layer, "update"] / squares[layer, "initial"]) for layer in LAYERS]
    found = tiny.isel(seed=0).sel(step=4)
    np.testing.assert_allclose(found["update_norm"].values, expected, rtol=1e-3)
    whole = math.sqrt(*_sums(squares))
    assert float(found["network_update_norm"]) == pytest.approx(whole, rel=1e-3)


def _sums(squares):
    update, initial = (sum(v for (_, p), v in squares.items() if p == part) for part in ("update", "initial"))
    return (update / initial,)


def test_random_perturbations_have_the_asked_length_in_every_layer_and_leave_biases_of_convolutions(config):
    before = {name: value.double() for name, value in _copy(build_model(config, 0)).items()}
    lengths = {layer: 0.1 * (i + 1) for i, layer in enumerate(LAYERS)}
    after = nulls.perturbed(before, lengths, generator(5))
    for layer, length in lengths.items():
        own = [name for name in before if _layer(name) == layer and _counted(name)]
        moved = math.sqrt(sum(float(((after[n] - before[n]) ** 2).sum()) for n in own))
        size = math.sqrt(sum(float((before[n] ** 2).sum()) for n in own))
        assert moved / size == pytest.approx(length, rel=1e-9)
        assert all(not torch.equal(after[n], before[n]) for n in own)
    for name in before:
        if not _counted(name):
            assert torch.equal(after[name], before[name])
    again = nulls.perturbed(before, lengths, generator(6))
    a, b = ((x["blocks.1.0.weight"] - before["blocks.1.0.weight"]).flatten() for x in (after, again))
    assert abs(float(F.cosine_similarity(a, b, dim=0))) < 0.2  # directions of different draws are unrelated


def test_the_nulls_equal_a_plain_loop(tiny, config, course, probe):
    kept, _ = course
    own, whole = nulls.update_norms(kept[0], kept[4])
    first = _representations(config, kept[0], probe)
    equal: dict[str, float] = dict.fromkeys(LAYERS, whole)
    for k, lengths in enumerate((equal, own)):
        for i in range(config.draws):
            moved = nulls.perturbed(kept[0], lengths, generator(0, NOISE, k, i))
            expected = _similar(first, _representations(config, moved, probe))
            found = tiny["null_similarity"].isel(seed=0, null=k, draw=i).values
            np.testing.assert_allclose(found, expected, atol=5e-4)
    assert tiny["null"].values.tolist() == ["equal norm", "own norm"]


@pytest.fixture(scope="module")
def matched(config, places):
    """Seed 0 with perturbations that change as much as training; nothing else about it is other."""
    return run(
        CONTROL, config.parse({**config.model_dump(), "nulls": "matched"}), (0,), places, progress=False
    )


def test_matched_perturbations_change_as_much_as_training_on_average(matched, tiny):
    for m in matched["matched_measure"].values:
        trained = 1 - matched["start_similarity"].sel(measure=m).isel(seed=0, step=-1).mean("layer")
        random = 1 - matched["matched_similarity"].sel(matched_measure=m).isel(seed=0).mean("layer")
        np.testing.assert_allclose(random, float(trained), rtol=0.05)
    for name in tiny.data_vars:
        np.testing.assert_array_equal(matched[name].isel(seed=0), tiny[name].isel(seed=0))


def test_matched_perturbations_are_the_equal_norm_ones_rescaled(matched, config, course, probe):
    kept, _ = course
    first = _representations(config, kept[0], probe)
    for m, name in enumerate(matched["matched_measure"].values):
        for i in range(config.draws):
            scale = float(matched["matched_scale"].isel(seed=0, matched_measure=m, draw=i))
            moved = nulls.perturbed(kept[0], dict.fromkeys(LAYERS, scale), generator(0, NOISE, 0, i))
            expected = _similar(first, _representations(config, moved, probe))[MEASURES.index(name)]
            found = matched["matched_similarity"].isel(seed=0, matched_measure=m, draw=i)
            np.testing.assert_allclose(found, expected, atol=5e-4)


def test_the_matching_scale_is_found_from_either_side_or_there_is_none():
    for start in (0.01, 0.2, 0.3, 5.0):
        assert nulls.matching_scale(lambda s: min(s**2, 1), 0.07, start) == pytest.approx(0.07**0.5, rel=0.01)
    assert np.isnan(nulls.matching_scale(lambda s: 0.5 * s / (1 + s), 0.6, 1.0))
    assert np.isnan(nulls.matching_scale(lambda s: s, 0.0, 1.0))


def test_random_labels_are_one_for_each_image_and_leave_the_probe_its_own(config, splits, places):
    blind = config.parse({**config.model_dump(), "labels": "random"})
    given, again = with_labels(splits, blind, 0), with_labels(splits, blind, 0)
    assert with_labels(splits, config, 0) is splits
    for part in ("train", "test"):
        labels, own = getattr(given, part).labels, getattr(splits, part).labels
        assert torch.equal(labels, getattr(again, part).labels) and len(labels) == len(own)
        assert float((labels == own).double().mean()) < 0.4
        assert set(labels.tolist()) == set(range(config.classes))
    assert not torch.equal(given.train.labels, with_labels(splits, blind, 1).train.labels)
    units = [run(CONTROL, one, (0,), places, progress=False) for one in (config, blind)]
    assert units[0]["stimulus_class"].values.tolist() == units[1]["stimulus_class"].values.tolist()
    assert float(abs(units[0]["start_similarity"] - units[1]["start_similarity"]).max()) > 1e-4


def test_gratings_are_grey_and_as_large_as_the_characters():
    splits = load_characters("gratings", Path(), 15)
    assert splits.train.images.shape == (2000, 1, 28, 28) and splits.test.images.shape == (800, 1, 28, 28)
    coloured = load_images("gratings", "test", Path()).images[3].double()
    expected = coloured[:, 2:30, 2:30].mean(0)
    assert float((splits.test.images[3, 0] - expected).abs().max()) <= 0.5


def test_the_family_of_tasks_keeps_the_setting_and_names_four():
    def family(preset, **replaced):
        found = CONTROL.family("tasks", CONTROL.configure(preset, replaced))
        return {name: one.model_dump() for name, one in found.items()}

    tasks = family("laptop", steps=100)
    assert list(tasks) == ["digits", "characters", "gratings", "random labels"]
    assert {one["nulls"] for one in tasks.values()} == {"matched"}
    assert {one["steps"] for one in tasks.values()} == {100}
    assert tasks["characters"]["dataset"] == "omniglot-minimal"
    assert [one["labels"] for one in tasks.values()] == ["true", "true", "true", "random"]
    assert family("smoke")["characters"]["dataset"] == "glyphs"


def test_one_layers_update_alone_changes_it_and_what_follows_but_nothing_before(tiny, config, course, probe):
    kept, _ = course
    first = _representations(config, kept[0], probe)
    for position, layer in enumerate(LAYERS):
        mixed = {name: (kept[4] if _layer(name) == layer else kept[0])[name] for name in kept[0]}
        expected = _similar(first, _representations(config, mixed, probe))
        found = tiny["alone_similarity"].isel(seed=0).sel(moved=layer).transpose("measure", "layer").values
        np.testing.assert_allclose(found, expected, atol=5e-4)
        np.testing.assert_allclose(found[:, :position], 1, atol=1e-6)
        assert (found[:, position] < 1 - 1e-6).all()


def test_accuracy_equals_counting(config, splits, course, tiny):
    model = build_model(config, 0)
    model.load_state_dict(course[0][4])
    tested = draw(splits.test, config.test_images, 0, TESTED)
    right = 0
    # 30 images, 20 a batch: two parts of equal size
    for part in (slice(0, 15), slice(15, 30)):
        with torch.no_grad():
            logits = model(as_input(tested.images[part]))
        for row, label in zip(logits.tolist(), tested.labels[part].tolist(), strict=True):
            right += row.index(max(row)) == label
    assert accuracy(model, tested, config.batch) == pytest.approx(right / 30)
    assert float(tiny["accuracy"].isel(seed=0, step=-1)) == pytest.approx(right / 30, abs=0.04)


def test_every_epoch_shows_every_image_once():
    config = ControlConfig(steps=10, batch=30)
    order = batch_order(100, config, 3)
    assert order.shape == (10, 30)
    for epoch in range(3):
        assert sorted(order.flatten()[100 * epoch : 100 * (epoch + 1)].tolist()) == list(range(100))
    assert not torch.equal(order, batch_order(100, config, 4))


def test_training_and_test_images_are_different_drawings_of_the_same_classes(splits, config):
    assert len(splits.train) == 6 * 15 and len(splits.test) == 6 * 5
    assert not set(splits.train.index.tolist()) & set(splits.test.index.tolist())
    assert set(splits.train.labels.tolist()) == set(splits.test.labels.tolist()) == set(range(6))
    assert splits.train.classes == splits.test.classes
    other = choose_classes(load_characters("glyphs", Path(), config.drawings), config, 1)
    assert other.train.classes != splits.train.classes


def test_kept_grams_give_the_stored_similarities(config, tiny, places):
    store = Store(places.published, places.local)
    unit, other = (store.load(Unit(config, seed)) for seed in (0, 1))
    assert unit is not None and other is not None and "gram" not in other
    for layer in LAYERS:
        grams, states = state_grams(unit, layer)
        assert states["state_step"].values.tolist() == [0, 2, 4]
        for m in MEASURES:
            found = tiny["start_similarity"].isel(seed=0).sel(measure=m, layer=layer).values
            np.testing.assert_allclose(measure(m).pairwise(grams)[0], found, atol=2e-3)


def test_a_unit_is_reproduced_and_seeds_differ(config, tiny, places, tmp_path):
    again = run(CONTROL, config, (0,), Places(places.data, tmp_path, tmp_path / "runs"), progress=False)
    for name in ("start_similarity", "null_similarity", "accuracy"):
        np.testing.assert_array_equal(again[name].isel(seed=0).values, tiny[name].isel(seed=0).values)
    same = tiny["null_similarity"].isel(seed=0).values == tiny["null_similarity"].isel(seed=1).values
    assert not same.all()
    assert len(tiny.attrs["records"]) == 2 and json.loads(tiny.attrs["config"])["dataset"] == "glyphs"


def test_divergence_names_the_step(config, places, tmp_path):
    wild = CONTROL.configure("smoke", {**TINY, "rate": 1e30})
    with pytest.raises(Diverged, match=r"at step \d of seed 0"):
        run(CONTROL, wild, (0,), Places(places.data, tmp_path, tmp_path / "runs"), progress=False)
    assert not list(tmp_path.rglob("*.nc"))


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"way": 5}, ["unknown parameter 'way'", "classes", "probe_images"]),
        ({"dataset": "cifar10"}, ["dataset='cifar10'", "mnist-test", "glyphs"]),
        ({"classes": 11}, ["classes=11", "mnist-test has 10 classes"]),
        ({"probe_every": 7}, ["probe_every=7", "must divide steps=200"]),
        ({"dataset": "glyphs", "drawings": 20}, ["drawings=20", "20 images a class"]),
        ({"dataset": "glyphs", "batch": 151}, ["batch=151", "150 images to train on"]),
        ({"dataset": "glyphs", "probe_images": 51}, ["probe_images=51", "50 images to test on"]),
        ({"rate": 0}, ["rate=0", "greater than 0"]),
    ],
)
def test_what_cannot_be_met_is_refused_in_words(values, words):
    with pytest.raises(UserError) as caught:
        CONTROL.configure("laptop", values)
    for word in words:
        assert word in str(caught.value)


def test_every_setting_and_the_seed_change_the_id():
    base = CONTROL.configure("smoke", {"steps": 40})
    other = {
        "dataset": "omniglot-minimal", "labels": "random", "head_init": "xavier", "explorer_seeds": (1,),
        "probe_every": 10, "nulls": "matched",
    }  # fmt: skip
    ids = {Unit(base, 0).id, Unit(base, 1).id}
    for name in ControlConfig.model_fields:
        value = getattr(base, name)
        step = 5 if name == "steps" else 1 if isinstance(value, int) else 0.5
        changed = other[name] if name in other else value + step
        ids.add(Unit(base.parse({**base.model_dump(), name: changed}), 0).id)
    assert len(ids) == 2 + len(ControlConfig.model_fields)


def test_presets_stand_on_their_own():
    for name, preset in CONTROL.presets.items():
        config = CONTROL.configure(name, {})
        assert preset.about and preset.seeds and CONTROL.work(config) > 0
    assert CONTROL.configure("as_described", {}) == ControlConfig()
    for name in ("laptop", "omniglot-classes", "as_described"):
        assert len(CONTROL.presets[name].seeds) >= 5


def test_the_chapter_is_where_the_study_says():
    assert (Path(__file__).parents[2] / CONTROL.notebook).is_file()
    assert study("maml").notebook == "chapters/maml/maml.ipynb"
