"""Study 2: settings, data, weights and what a unit stores, against explicit loops."""

import copy
import dataclasses
import itertools
import json
from typing import Any

import numpy as np
import pytest
import torch
import xarray as xr
from torch.nn import functional as F

from reprise.data.images import ImageSet, load_images
from reprise.engine import runner
from reprise.engine.store import Store, digest
from reprise.engine.study import Context, Unit, study
from reprise.places import Places, UserError
from reprise.similarity import measure
from reprise.studies.transfer import networks, subsets
from reprise.studies.transfer import train as training
from reprise.studies.transfer.config import TransferConfig
from reprise.studies.transfer.states import MEASURES, REFERENCES, between_seeds, kept_grams
from reprise.studies.transfer.subsets import load_subsets
from reprise.studies.transfer.train import folder_of, label, train
from reprise.training.supervised import Batches

TRANSFER: Any = study("transfer")
TINY = {"images": 40, "epochs": 2, "target_images": 40, "target_epochs": 2, "probe_images": 20}


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    folder = tmp_path_factory.mktemp("transfer")
    return Places(folder / "data", folder / "results", folder / "runs")


@pytest.fixture(scope="module")
def base():
    return TRANSFER.configure("smoke", TINY)


@pytest.fixture(scope="module")
def tuned(base):
    return TRANSFER.family("targets", base)["other domain"]


@pytest.fixture(scope="module")
def run(tuned, places):
    return runner.run(TRANSFER, tuned, (1, 2), places, preset="smoke", progress=False)


def _context(places):
    return Context(places.data, places.local / "weights", progress=False)


def _weights(config, seed, places, epoch=None):
    epoch = config.probe_epochs[-1] if epoch is None else epoch
    return folder_of(Unit(config, seed), _context(places)).load(label(epoch))


# --- settings


def test_every_preset_and_family_makes_conditions_with_names_of_their_own():
    for name in TRANSFER.presets:
        conditions = TRANSFER.family("all", TRANSFER.configure(name, {}))
        assert len(conditions) > 40
        for config in conditions.values():
            assert config == TransferConfig.parse(config.model_dump(mode="json"))
            if config.finetuning:
                assert not config.pretraining.finetuning and config.twin.start == "fresh"
    with pytest.raises(UserError, match="unknown family 'size'; study transfer has: sizes"):
        TRANSFER.family("size", TRANSFER.configure("laptop", {}))


def test_the_authors_conditions_are_in_the_families():
    base = TRANSFER.configure("laptop", {})
    assert [c.images for c in TRANSFER.family("sizes", base).values()] == [64, 256, 1024, 4096]
    equal = list(TRANSFER.family("equal-steps", base).values())
    assert [(c.images, c.epoch_steps) for c in equal] == [(64, 32), (256, 32), (1024, 0), (4096, 32)]
    assert {c.noise for c in TRANSFER.family("noise", base).values()} == {0, 9}
    assert base.probe_epochs == [0, 1, 2, 3, 4, *range(5, 151, 5)]
    targets = TRANSFER.family("targets", base)
    assert {c.target for c in targets.values()} == {"cifar10-jpeg", "mnist-test"}
    assert targets["true labels"].probe_epochs == [0, 1, 2, 3, 4, 5, 10, 15, 20, 25]
    frozen = list(TRANSFER.family("freezing", base).values())
    assert len(set(frozen)) == 2 * 3 * 6
    assert {c for c in frozen if c.explorer_seeds} == {targets["true labels"], targets["other domain"]}
    free = TRANSFER.family("statistics", base)
    assert list(free) == [
        f"{domain}, {n} images, after-2" for domain in ("true labels", "other domain") for n in (100, 500)
    ]
    assert {(c.moving, c.still_statistics) for c in free.values()} == {("after-2", "free")}
    full = [c.images for c in TRANSFER.family("sizes", TRANSFER.configure("as_described", {})).values()]
    assert full == [64, 256, 1024, 4096, 50000]


def test_no_two_trainings_share_a_file():
    """Settings on which weights depend give other folders; settings of the analysis do not."""
    base = TRANSFER.configure("laptop", {})
    tuned = TRANSFER.family("targets", base)["true labels"]
    changes = {
        "model": "resnet18", "images": 1024, "noise": 3, "epochs": 20, "epoch_steps": 7, "batch": 16,
        "rate": 0.01, "momentum": 0.5, "dataset": "cifar10", "norm_start": "plain",
    }  # fmt: skip
    tuning = {
        "target": "mnist-test", "target_images": 100, "target_noise": 2, "target_shift": True,
        "target_epochs": 3, "start": "fresh", "moving": "head", "head": "fresh", "save_collision": True,
    }  # fmt: skip
    configs = [base, tuned]
    for one, group in ((base, changes), (tuned, {**changes, **tuning})):
        configs += [TransferConfig(**{**one.model_dump(), name: value}) for name, value in group.items()]
    every = [
        *configs,
        *(c for name in ("smoke", "laptop", "as_described", "as_released", "resnet18")
          for c in TRANSFER.family("all", TRANSFER.configure(name, {})).values()),
    ]  # fmt: skip
    by_folder: dict[str, set[str]] = {}
    for config, seed in itertools.product(every, (1, 2)):
        trained = {"seed": seed, **config.settings("training")}
        by_folder.setdefault(Unit(config, seed).weights_id, set()).add(json.dumps(trained, sort_keys=True))
    assert all(len(trainings) == 1 for trainings in by_folder.values())
    assert len({Unit(config, 1).weights_id for config in configs}) == len(configs)
    looked_at = TransferConfig(**{**tuned.model_dump(), "probe_images": 100, "probe_statistics": "batch"})
    assert Unit(looked_at, 1).weights_id == Unit(tuned, 1).weights_id
    assert Unit(looked_at, 1).id != Unit(tuned, 1).id


def test_a_pre_training_does_not_depend_on_settings_of_fine_tuning(base):
    other = TransferConfig(**{**base.model_dump(), "target_images": 10, "save_collision": True})
    assert Unit(other, 1).id == Unit(base, 1).id


def test_the_collision_of_files_changes_what_full_runs_are_tuned_from_and_nothing_else():
    base = TRANSFER.configure("as_described", {"target": "cifar10"})
    collided = TransferConfig(**{**base.model_dump(), "save_collision": True})
    assert base.pretraining.images == 50000 and collided.pretraining.images == 4096
    small = TransferConfig(**{**collided.model_dump(), "images": 1024})
    assert small.pretraining.images == 1024


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"model": "conv5"}, "model='conv5': choose conv4, resnet18, vgg16-bn"),
        ({"images": 60000}, "images=60000: cifar10 has 50000 images"),
        ({"noise": 10}, "noise=10: cifar10 has 10 classes, so 0 to 9"),
        ({"dataset": "mnist-test", "images": 10}, "dataset=mnist-test: there is no training split"),
        ({"target_noise": 3}, "target_noise=3: belongs to fine-tuning"),
        ({"moving": "head"}, "moving=head: belongs to fine-tuning"),
        ({"target": "mnist-test", "target_images": 5001}, "5000 are for fine-tuning"),
        ({"target": "imagenet-val"}, "head=kept: the head of cifar10 does not fit imagenet-val"),
        ({"layers": "pool1,pool7"}, "no layer 'pool7' in conv4; it has: pool1, pool2, pool3, pool4, logits"),
        ({"source": "imagenet"}, "name a target"),
        ({"source": "imagenet", "target": "cifar10"}, "head=kept: the head of ImageNet does not fit"),
        ({"target": "svnh"}, "target='svnh'"),
    ],
)
def test_what_cannot_be_is_refused_by_the_settings(values, message):
    with pytest.raises(UserError) as caught:
        TRANSFER.configure("as_described", values)
    assert message in str(caught.value)


def test_a_layer_of_a_timm_network_that_does_not_exist_is_answered_before_training(places):
    config = TRANSFER.configure("smoke", {**TINY, "model": "timm:resnet10t", "layers": "layer9"})
    with pytest.raises(UserError, match="no layer 'layer9'; it has: act1, layer1"):
        TRANSFER.compute(Unit(config, 1), _context(places))
    assert not list(folder_of(Unit(config, 1), _context(places)).path.glob("epoch*"))


# --- images and labels


def test_noise_and_shift_change_what_the_loop_reads(base, tuned, places):
    true = load_subsets(base, 1, places.data).train
    noisy = load_subsets(TransferConfig(**{**base.model_dump(), "noise": 9}), 1, places.data).train
    assert torch.equal(true.images, noisy.images)
    assert 0 < int((true.labels == noisy.labels).sum()) < 20
    shifted = load_subsets(TransferConfig(**{**tuned.model_dump(), "target_shift": True}), 2, places.data)
    plain = load_subsets(tuned, 2, places.data)
    assert torch.equal(shifted.train.labels, (plain.train.labels + 2) % 10)
    assert torch.equal(shifted.test.labels, (plain.test.labels + 2) % 10)
    assert torch.equal(shifted.truth, plain.truth)
    for config in (base, TransferConfig(**{**base.model_dump(), "noise": 9})):
        runner.run(TRANSFER, config, (1,), places, progress=False)
    first, second = (
        _weights(TransferConfig(**{**base.model_dump(), "noise": noise}), 1, places) for noise in (0, 9)
    )
    assert not torch.equal(first["head.weight"], second["head.weight"])


def test_the_loop_reads_the_changed_labels(tuned, places, tmp_path, monkeypatch):
    read: list[torch.Tensor] = []
    usual = F.cross_entropy

    def noted(logits, labels):
        read.append(labels.clone())
        return usual(logits, labels)

    monkeypatch.setattr(F, "cross_entropy", noted)
    twin = TransferConfig(**{**tuned.twin.model_dump(), "target_epochs": 1})
    elsewhere = _context(dataclasses.replace(places, local=tmp_path))

    def labels_read(seed, **changes):
        config = TransferConfig(**{**twin.model_dump(), **changes})
        found = load_subsets(config, seed, places.data)
        read.clear()
        unit = Unit(config, seed)
        train(unit, found, folder_of(unit, elsewhere), elsewhere)
        order = Batches(40, 32, (seed, subsets.TARGET_ORDER)).order(0)
        assert torch.equal(torch.cat(read), found.train.labels[order])
        return torch.cat(read)

    true = labels_read(2)
    assert torch.equal(labels_read(2, target_shift=True), (true + 2) % 10)
    noisy = labels_read(2, target_noise=9)
    assert 0 < int((noisy == true).sum()) < 20


def test_a_network_of_timm_is_trained_and_looked_at_in_its_own_layers(base, places):
    config = TransferConfig(
        **{**base.model_dump(), "model": "timm:resnet10t", "epochs": 1, "fresh_networks": 1}
    )
    found = runner.run(TRANSFER, config, (1,), places, progress=False)
    assert found["layer"].values.tolist() == ["act1", "layer1", "layer2", "layer3", "layer4", "logits"]
    assert found["similarity"].sel(reference="start", epoch=1, measure="cka-linear", layer="logits") < 0.9999
    assert _weights(config, 1, places)["fc.weight"].shape == (10, 512)


def test_a_subsets_noise_is_that_of_the_whole(base, places):
    few, many = (
        load_subsets(TransferConfig(**{**base.model_dump(), "noise": 4, "images": n}), 1, places.data).train
        for n in (40, 400)
    )
    assert torch.equal(few.labels, many.labels[:40])


def test_training_test_and_probe_share_no_image_and_probes_differ_between_seeds(base, tuned, places):
    whole = load_images("rings", "test", places.data)
    for seed in (1, 2):
        found = load_subsets(tuned, seed, places.data)
        assert torch.equal(found.train.images, whole.images[:40])
        assert torch.equal(found.test.images, whole.images[400:800])
        assert found.probe_index.min() >= 400 and len(set(found.probe_index)) == 20
        assert torch.equal(found.probe, whole.images[found.probe_index])
    one, two = (load_subsets(base, seed, places.data) for seed in (1, 2))
    assert one.probe_index.tolist() != two.probe_index.tolist()
    assert one.common_index.tolist() == two.common_index.tolist()
    assert np.bincount(one.common_class).tolist() == [5] * 10
    source = TransferConfig(**{**tuned.model_dump(), "probe": "source"})
    assert load_subsets(source, 1, places.data).probed == "gratings"


def test_classes_that_are_tested_must_have_been_shown(base, places):
    config = TransferConfig(**{**base.model_dump(), "images": 8})
    with pytest.raises(UserError, match="8 images of gratings to train on have none of 2 classes"):
        load_subsets(config, 1, places.data)


def test_a_shift_by_a_seed_that_moves_nothing_is_refused(tuned, places):
    config = TransferConfig(**{**tuned.model_dump(), "target_shift": True})
    with pytest.raises(UserError, match="a shift by 10 leaves labels"):
        load_subsets(config, 10, places.data)


def test_the_released_split_of_imagenet_is_kept_for_the_audit_alone(monkeypatch, tmp_path):
    images = torch.zeros(400, 3, 32, 32, dtype=torch.uint8)

    def fake(name, _split, _root):
        labels = torch.arange(400) // 4 if name.endswith("-sorted") else torch.arange(400) % 100
        return ImageSet(images, labels, tuple(map(str, range(100))))

    monkeypatch.setattr("reprise.studies.transfer.subsets.load_images", fake)
    monkeypatch.setattr(subsets, "PROBED_TEST_IMAGES", 200)
    common = {
        "target": "imagenet-val",
        "head": "fresh",
        "target_images": 200,
        "target_noise": 9,
        "probe_images": 50,
    }
    described = TRANSFER.configure("as_described", common)
    found = load_subsets(described, 1, tmp_path)
    assert not torch.equal(found.train.labels, torch.arange(200) % 100)
    released = TRANSFER.configure("as_described", {**common, "target": "imagenet-val-sorted"})
    found = load_subsets(released, 1, tmp_path)
    assert torch.equal(found.train.labels, torch.arange(200) // 4)  # no noise
    assert not set(found.train.labels.tolist()) & set(found.test.labels.tolist())


# --- networks


def test_fine_tuning_starts_from_the_pre_trained_network_with_its_head(run, tuned, places):
    pretrained, start = _weights(tuned.pretraining, 1, places), _weights(tuned, 1, places, 0)
    assert all(torch.equal(pretrained[name], start[name]) for name in pretrained)
    images = load_subsets(tuned, 1, places.data).train.images
    fresh_head = TransferConfig(**{**tuned.model_dump(), "head": "fresh"})
    state = networks.starting(fresh_head, 1, pretrained, images).model.state_dict()
    assert torch.equal(state["blocks.3.0.weight"], pretrained["blocks.3.0.weight"])
    assert not torch.equal(state["head.weight"], pretrained["head.weight"])
    fresh = networks.starting(tuned.twin, 1, None, images).model.state_dict()
    assert not torch.equal(fresh["blocks.0.0.weight"], pretrained["blocks.0.0.weight"])


@pytest.mark.parametrize(
    ("moving", "still"),
    [("all", ()), ("head", (0, 1, 2, 3)), ("after-2", (0, 1)), ("first-2", (2, 3, "head"))],
)
def test_what_may_move_moves_and_nothing_else(moving, still, tuned):
    config = TransferConfig(**{**tuned.model_dump(), "moving": moving})
    architecture = networks.build(config, 1, 0)
    moved = networks.moving(config, architecture)
    for name, _ in architecture.model.named_parameters():
        place = name.split(".")[1] if name.startswith("blocks") else "head"
        assert (name in moved) != (place in map(str, still))


def test_free_statistics_follow_from_a_switch_that_is_off(tuned):
    """Its default leaves ids as they are; it names other weights; what it changes is not computed once."""
    frozen = TransferConfig(**{**tuned.model_dump(), "moving": "after-2"})
    free = TransferConfig(**{**frozen.model_dump(), "still_statistics": "free"})
    assert "still_statistics" not in frozen.settings()
    assert Unit(frozen, 1).id != Unit(free, 1).id and Unit(frozen, 1).weights_id != Unit(free, 1).weights_id
    assert free.pretraining == frozen.pretraining and free.twin == frozen.twin
    assert networks.parted(frozen, networks.build(frozen, 1, 0))
    assert networks.parted(free, networks.build(free, 1, 0)) is None
    with pytest.raises(ValueError, match="moving=all no block stays still"):
        TransferConfig(**{**tuned.model_dump(), "still_statistics": "free"})


def test_a_unit_with_free_statistics_keeps_the_weights_of_its_frozen_blocks(tuned, run, places, tmp_path):
    kept = dataclasses.replace(places, local=tmp_path)
    config = TransferConfig(**{**tuned.model_dump(), "moving": "after-2", "still_statistics": "free"})
    TRANSFER.compute(Unit(config, 1), _context(kept))
    start, end = _weights(config, 1, kept, 0), _weights(config, 1, kept)
    changed = {name for name in start if not torch.equal(start[name], end[name])}
    assert not any(name.endswith(("weight", "bias")) for name in changed if name.startswith("blocks.0"))
    assert "blocks.0.2.running_mean" in changed and "blocks.2.0.weight" in changed


def test_more_frozen_blocks_than_there_are_is_refused():
    with pytest.raises(UserError, match="moving='after-4'"):
        TRANSFER.configure("laptop", {"target": "mnist-test", "moving": "after-4"})


@pytest.mark.parametrize(("moving", "still"), [("head", 4), ("after-2", 2), ("first-2", 0), ("all", 0)])
def test_what_never_moves_is_computed_once_and_changes_nothing(
    moving, still, tuned, run, places, tmp_path, monkeypatch
):
    config = TransferConfig(**{**tuned.model_dump(), "moving": moving})
    found = networks.parted(config, networks.build(config, 1, 0))
    assert (len(list(found[0].children())) if found else 0) == still
    kept = dataclasses.replace(places, local=tmp_path)
    quick = TRANSFER.compute(Unit(config, 1), _context(kept))
    monkeypatch.setattr(networks, "parted", lambda *_: None)
    monkeypatch.setattr(training, "parted", lambda *_: None)
    plain = TRANSFER.compute(Unit(config, 1), _context(dataclasses.replace(places, local=tmp_path / "2")))
    assert quick.sizes["epoch"] == 3 and set(quick.variables) == set(plain.variables)
    for name in plain.data_vars:
        np.testing.assert_allclose(quick[name], plain[name], rtol=1e-4, atol=1e-5, err_msg=str(name))


# --- what a unit stores


def _representations(state, images):
    """Layers of a conv4 in evaluation mode, written out."""
    x = images.double() / 127.5 - 1
    outputs = {}
    for i in range(4):
        conv = F.conv2d(
            x, state[f"blocks.{i}.0.weight"].double(), state[f"blocks.{i}.0.bias"].double(), padding=1
        )
        mean, variance, scale, offset = (
            state[f"blocks.{i}.2.{n}"].double()[:, None, None]
            for n in ("running_mean", "running_var", "weight", "bias")
        )
        x = F.max_pool2d((conv.relu() - mean) / (variance + 1e-5).sqrt() * scale + offset, 2)
        outputs[f"pool{i + 1}"] = x.flatten(1).numpy()
    outputs["logits"] = (x.flatten(1) @ state["head.weight"].double().T + state["head.bias"].double()).numpy()
    return outputs


def test_similarities_equal_a_plain_loop(run, tuned, places):
    found = load_subsets(tuned, 2, places.data)
    states = {epoch: _weights(tuned, 2, places, epoch) for epoch in (0, 1, 2)}
    others = {
        "start": [states[0]],
        "pretrained": [_weights(tuned.pretraining, 2, places)],
        "pre-initialised": [_weights(tuned.pretraining, 2, places, 0)],
        "fresh": [networks.fresh(tuned, 2, i, found.train.images).model.state_dict() for i in range(2)],
        "trained fresh": [_weights(tuned.twin, 2, places)],
    }
    unit = run.isel(seed=1)
    for epoch, (reference, group) in itertools.product((0, 2), others.items()):
        seen = _representations(states[epoch], found.probe)
        for name, layer in itertools.product(MEASURES, ("pool1", "pool4", "logits")):
            values = [measure(name)(_representations(one, found.probe)[layer], seen[layer]) for one in group]
            stored = unit["similarity"].sel(reference=reference, measure=name, layer=layer, epoch=epoch)
            assert float(stored) == pytest.approx(np.mean(values), abs=2e-3), (epoch, reference, name, layer)


def test_losses_and_accuracies_equal_a_plain_loop(run, tuned, places):
    found = load_subsets(tuned, 1, places.data)
    for epoch in (0, 2):
        state = _weights(tuned, 1, places, epoch)
        unit = run.isel(seed=0).sel(epoch=epoch)
        for name, data in (("train", found.train), ("test", found.test)):
            logits = torch.from_numpy(_representations(state, data.images)["logits"])
            hits = (logits.argmax(1) == data.labels).double().mean()
            assert float(unit[f"{name}_accuracy"]) == pytest.approx(float(hits), abs=1e-6)
            loss = F.cross_entropy(logits, data.labels)
            assert float(unit[f"{name}_loss"]) == pytest.approx(float(loss), rel=1e-4)


def test_fewer_stimuli_are_a_part_of_the_probe(run, tuned, places):
    found = load_subsets(tuned, 1, places.data)
    before, after = (_representations(_weights(tuned, 1, places, e), found.probe) for e in (0, 2))
    unit = run.isel(seed=0).sel(reference="start", measure="cka-linear-debiased", layer="pool3")
    for count in (10, 20):
        expected = measure("cka-linear-debiased")(before["pool3"][:count], after["pool3"][:count])
        assert float(unit["count_similarity"].sel(stimuli=count)) == pytest.approx(expected, abs=1e-3)
    expected = measure("cka-linear-debiased")(before["pool3"][1::2], after["pool3"][1::2])
    assert float(unit["half_similarity"].isel(half=1)) == pytest.approx(expected, abs=1e-3)


def test_kept_grams_compare_seeds(run, tuned, places):
    grams = kept_grams(run, "pool4")
    assert len(grams) == 2 and grams[0].n == 50
    seen = [
        _representations(_weights(tuned, seed, places), load_subsets(tuned, seed, places.data).common)[
            "pool4"
        ]
        for seed in (1, 2)
    ]
    expected = measure("cka-linear")(*seen)
    assert measure("cka-linear").from_grams(*grams) == pytest.approx(expected, abs=1e-4)
    between = between_seeds(run, "cka-linear")
    np.testing.assert_allclose(between.sel(layer="pool4"), [expected] * 2, atol=1e-4)
    assert between_seeds(run.isel(seed=[0]), "cka-linear").isnull().all()
    with pytest.raises(ValueError, match="no layer 'pool9'; there are: pool1"):
        kept_grams(run, "pool9")


def test_a_unit_without_seeds_for_the_explorers_keeps_no_grams(run, tuned, places):
    bare = TransferConfig(**{**tuned.model_dump(), "explorer_seeds": ()})
    lean = runner.run(TRANSFER, bare, [1], places, progress=False)
    assert {"common_gram", "common_mean"}.isdisjoint(lean.variables)
    xr.testing.assert_equal(lean["similarity"], run["similarity"].isel(seed=[0]))
    with pytest.raises(ValueError, match="keep no Grams; see the config's explorer_seeds"):
        kept_grams(lean, "pool4")


def test_the_unit_names_its_parents_and_lacks_what_it_cannot_have(run, tuned, base, places):
    for record, seed in zip(run.attrs["records"], (1, 2), strict=True):
        assert record["parents"] == {
            "pretrained": Unit(tuned.pretraining, seed).id,
            "trained fresh": Unit(tuned.twin, seed).id,
        }
        assert set(record["phases"]) == {"training", "references", "measuring"}
    pretraining = runner.run(TRANSFER, base, (1,), places, progress=False)
    known = pretraining["similarity"].notnull().all(["seed", "measure", "layer", "epoch"])
    assert [name for name in REFERENCES if bool(known.sel(reference=name))] == ["start", "fresh"]
    assert run["similarity"].notnull().all()
    explorer, other = (Store(places.published, places.local).load(Unit(tuned, seed)) for seed in (1, 2))
    assert explorer is not None and other is not None and "gram" in explorer and "gram" not in other
    # No picture is kept: nothing has the number of pixels of an image along an axis.
    assert not [v for v in explorer.variables.values() if {32, 1024, 3072} & set(v.shape)]


def test_released_statistics_are_those_of_the_batch_and_leave_no_trace(tuned, places, run):
    config = TransferConfig(**{**tuned.model_dump(), "probe_statistics": "batch"})
    released = runner.run(TRANSFER, config, (1,), places, progress=False)
    found = load_subsets(config, 1, places.data)
    model: Any = networks.build(config, 1, 0).model
    model.load_state_dict(_weights(config, 1, places))
    kept = copy.deepcopy(model.state_dict())
    from reprise.studies.transfer.measure import View, grams, outcome

    view = View({"pool4": "blocks.3"}, 32)
    state = grams(model, found.probe, view)
    assert all(torch.equal(kept[name], value) for name, value in model.state_dict().items())
    model.train()
    with torch.no_grad():
        features = model.blocks(found.probe.float() / 127.5 - 1).flatten(1).double().numpy()
    np.testing.assert_allclose(state["pool4"].gram, features @ features.T, rtol=0, atol=0.2)
    loss, accuracy = outcome(model, found.test, view)
    assert accuracy == pytest.approx(float(released["test_accuracy"].isel(seed=0, epoch=-1)))
    assert loss != pytest.approx(float(run["test_loss"].isel(seed=0, epoch=-1)), rel=1e-3)


def test_cutting_channels_changes_only_layers_with_more_than_500(base):
    from reprise.studies.transfer.measure import View, grams

    images = torch.randint(0, 256, (6, 3, 32, 32), dtype=torch.uint8)
    model = networks.build(TRANSFER.configure("smoke", {**TINY, "model": "resnet18"}), 1, 0).model
    layers = {"layer3": "layer3", "layer4": "layer4"}
    whole, cut = (grams(model, images, View(layers, channels_cut=c)) for c in (False, True))
    np.testing.assert_array_equal(whole["layer3"].gram, cut["layer3"].gram)
    assert (whole["layer4"].n_features, cut["layer4"].n_features) == (512, 500)


# --- going on, and doing several at once


def test_interrupted_training_goes_on_and_ends_with_the_same_unit(base, places, tmp_path, monkeypatch):
    from reprise.training.supervised import Learner

    config = TransferConfig(**{**base.model_dump(), "epochs": 4})
    monkeypatch.setattr("reprise.training.session.SAVE_EVERY", 0.0)
    whole = TRANSFER.compute(Unit(config, 1), _context(places))
    elsewhere = dataclasses.replace(places, local=tmp_path)
    advance = Learner.advance

    def killed(self, steps):
        if self.step >= 4:
            raise KeyboardInterrupt
        return advance(self, steps)

    monkeypatch.setattr(Learner, "advance", killed)
    with pytest.raises(KeyboardInterrupt):
        TRANSFER.compute(Unit(config, 1), _context(elsewhere))
    progress = folder_of(Unit(config, 1), _context(elsewhere)).last()
    assert progress is not None and progress.step == len(progress.state["losses"]) == 2
    monkeypatch.setattr(Learner, "advance", advance)
    assert digest(TRANSFER.compute(Unit(config, 1), _context(elsewhere))) == digest(whole)


def test_missing_weights_of_a_parent_are_trained_again_and_announced(run, tuned, places, tmp_path, capsys):
    elsewhere = dataclasses.replace(places, local=tmp_path)
    again = TRANSFER.compute(Unit(tuned, 1), _context(elsewhere))
    said = capsys.readouterr().err
    assert "weights of the pre-trained network" in said and Unit(tuned.pretraining, 1).weights_id in said
    assert "a fresh network on the same labels" in said
    stored = Store(places.published, places.local).load(Unit(tuned, 1))
    assert stored is not None and digest(again) == digest(stored)


def test_seeds_in_one_program_leave_the_weights_that_units_find(tuned, places, run, tmp_path):
    elsewhere = _context(dataclasses.replace(places, local=tmp_path))
    assert TRANSFER.together is not None
    TRANSFER.together([Unit(tuned, 1), Unit(tuned, 2)], elsewhere)
    for config, seed in itertools.product((tuned, tuned.pretraining, tuned.twin), (1, 2)):
        alone, together = _weights(config, seed, places), folder_of(Unit(config, seed), elsewhere)
        for name, value in together.load(label(2)).items():
            torch.testing.assert_close(value, alone[name], rtol=0.05, atol=0.02)
    found = TRANSFER.compute(Unit(tuned, 2), elsewhere)
    assert json.loads(found.attrs["provenance"])["phases"]["training"] > 0


def test_a_network_that_never_trained_is_normalised_by_its_training_images(base, places):
    images = load_subsets(base, 1, places.data).train.images
    for calibrated in (True, False):
        config = TransferConfig(
            **{**base.model_dump(), "norm_start": "calibrated" if calibrated else "plain"}
        )
        state = networks.starting(config, 1, None, images).model.state_dict()
        means = []
        for part in images.split(32):
            x = F.conv2d(
                part.float() / 127.5 - 1, state["blocks.0.0.weight"], state["blocks.0.0.bias"], padding=1
            )
            means.append(x.relu().mean((0, 2, 3)))
        expected = torch.stack(means).mean(0) if calibrated else torch.zeros(64)
        torch.testing.assert_close(state["blocks.0.2.running_mean"], expected, rtol=1e-4, atol=1e-5)


@pytest.mark.slow
def test_units_side_by_side_are_those_of_one_after_the_other(base, places, tmp_path):
    elsewhere = dataclasses.replace(places, local=tmp_path)
    config = TransferConfig(**{**base.model_dump(), "epochs": 1})
    torch.set_num_threads(1)
    several = runner.run(TRANSFER, config, (1, 2), elsewhere, jobs=2, progress=False)
    single = runner.run(TRANSFER, config, (1, 2), places, progress=False)
    assert [digest(several.isel(seed=i)) for i in (0, 1)] == [digest(single.isel(seed=i)) for i in (0, 1)]
