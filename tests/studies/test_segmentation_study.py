"""Study 3 from configuration to units: what names a condition, what it shares and keeps, how it resumes."""

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
import xarray as xr

from reprise.data.segmentation import IGNORE, SegmentationSet, SegmentationSplits
from reprise.data.shapes import shapes
from reprise.engine import runner
from reprise.engine.config import choices
from reprise.engine.store import Store, digest
from reprise.engine.study import Context, Unit, study
from reprise.models.unet import DECODERS
from reprise.places import Places, UserError
from reprise.studies.segmentation import SegmentationConfig, endpoints, family_seeds, rates
from reprise.studies.segmentation.baselines import baselines, otsu
from reprise.studies.segmentation.measure import centre, probe
from reprise.studies.segmentation.pretrain import Pretrained, pretrain, start
from reprise.studies.segmentation.tune import choose_rate
from reprise.training.checkpoints import CheckpointFolder
from reprise.training.pretext import CORRUPTIONS

SEGMENTATION = study("segmentation")


@pytest.fixture(scope="session")
def places(tmp_path_factory):
    folder = tmp_path_factory.mktemp("segmentation")
    return Places(folder / "data", folder / "results", folder / "runs")


@pytest.fixture(scope="session")
def config():
    return configure(transfer="both")


@pytest.fixture(scope="session")
def outcome(config, places):
    return runner.run(SEGMENTATION, config, (0, 1), places, preset="smoke", progress=False)


@pytest.fixture
def context(places):
    return Context(places.data, places.local / "weights", progress=False)


def configure(preset="smoke", **values) -> SegmentationConfig:
    found = SEGMENTATION.configure(preset, values)
    assert isinstance(found, SegmentationConfig)
    return found


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"pretext": "none"}, "pretext=none and transfer=encoder: without pre-training"),
        ({"transfer": "none"}, "pretext=segmentation and transfer=none"),
        (
            {"pretext": "classification", "transfer": "both"},
            "classification trains no decoder; these do: seg",
        ),
        ({"pretext": "imagenet", "transfer": "decoder"}, "pretext=imagenet trains no decoder"),
        ({"crop": 40}, "crop=40: must be a multiple of 32"),
        ({"pretrain_crop": 40}, "pretrain_crop=40: must be a multiple"),
        ({"rates": "[]"}, "rates=\\[\\]: one or more"),
        ({"rates": "1e-3,1e-3"}, "one or more different numbers"),
        ({"choice_steps": 100}, "choice_steps=100: at most the 6 steps"),
        ({"fraction": 0}, "fraction=0"),
        ({"source": "camvid-all", "dataset": "camvid"}, "source=camvid-all and dataset=camvid: the drives"),
        ({"scored": 4}, "scored=4: the learning curve has 3 points"),
        ({"dataset": "cityscapes"}, "nuclei.*camvid.*voc.*pet.*shapes"),
        (
            {"pretext": "contrastive-reconstruction", **{f"{name}_weight": 0 for name in CORRUPTIONS}},
            "one reconstruction needs a weight above 0",
        ),
    ],
)
def test_what_contradicts_itself_is_refused_before_anything_is_loaded(values, message):
    with pytest.raises(UserError, match=message):
        configure(**values)


def test_names_of_decoders_and_corruptions_are_those_of_the_library():
    fields = SegmentationConfig.model_fields
    assert tuple(choices(fields["decoder"].annotation)) == DECODERS
    assert tuple(choices(fields["restores"].annotation)) == tuple(CORRUPTIONS)
    assert set(configure().weights) == {"contrast", *CORRUPTIONS}


def test_a_condition_is_named_only_by_what_it_depends_on():
    plain = Unit(configure(pretext="none", transfer="none"), 0)
    assert Unit(configure(pretext="none", transfer="none", pretrain_steps=7, temperature=1), 0).id == plain.id
    classified = configure(pretext="classification")
    assert (
        Unit(configure(pretext="classification", temperature=1, mask_weight=0), 0).id
        == Unit(classified, 0).id
    )
    assert Unit(configure(pretext="classification", pretrain_steps=7), 0).id != Unit(classified, 0).id
    contrast = configure(pretext="contrastive")
    assert Unit(configure(pretext="contrastive", temperature=1), 0).id != Unit(contrast, 0).id


def parent_of(config: SegmentationConfig, seed=0) -> Unit:
    assert config.pretraining is not None
    return Unit(config.pretraining, seed)


def test_the_parent_depends_on_no_setting_of_fine_tuning():
    parent = parent_of(configure(transfer="both"))
    other = parent_of(configure(transfer="encoder", fraction=1, steps=9, dataset="nuclei"))
    assert parent.weights_id == other.weights_id != parent_of(configure(transfer="both"), 1).weights_id
    assert parent_of(configure(transfer="both", pretrain_steps=7)).weights_id != parent.weights_id
    assert configure(pretext="none", transfer="none").pretraining is None


def test_families_name_their_conditions_and_share_units():
    base = configure("laptop")
    encoders, modes = (SEGMENTATION.family(name, base) for name in ("encoders", "modes"))
    assert list(encoders) == [
        "none", "classification", "segmentation", "reconstruction", "contrastive",
        "contrastive-reconstruction",
    ]  # fmt: skip
    assert list(modes) == ["none", "segmentation", "segmentation, decoder", "segmentation, both"]
    assert encoders["none"] == modes["none"] and encoders["segmentation"] == modes["segmentation"] == base
    fractions = SEGMENTATION.family("fractions", base)
    assert fractions["reconstruction, 0.1"] == encoders["reconstruction"] and len(fractions) == 18
    ablation = SEGMENTATION.family("ablation", base)
    assert list(ablation) == [
        "all", "without contrast", "without mask", "without noise", "without colour", "without shuffle",
        "contrast alone",
    ]  # fmt: skip
    assert ablation["all"] == encoders["contrastive-reconstruction"]
    for name, term in (("without noise", "noise_weight"), ("without contrast", "contrast_weight")):
        assert getattr(ablation[name], term) == 0
    assert SEGMENTATION.family("imagenet", base)["imagenet"].settings()["pretext"] == "imagenet"
    five = tuple(range(5))
    assert family_seeds("modes", five) == tuple(range(10)) and family_seeds("encoders", five) == five
    assert family_seeds("assay", tuple(range(200, 210))) == tuple(range(200, 205))
    assert family_seeds("fractions", five) == (0, 1, 2) and family_seeds("modes", (0, 1)) == (0, 1)


def test_every_preset_and_family_is_possible():
    for name in SEGMENTATION.presets:
        base = configure(name)
        conditions = SEGMENTATION.family("all", base)
        assert len(conditions) == 6 + 4 + 18 + 7 + 1 + 6 + 4
        assert all(SEGMENTATION.work(one) > 0 for one in conditions.values())
        assert all(SEGMENTATION.datasets(one)[-1] == base.dataset for one in conditions.values())


def test_a_unit_keeps_quality_curves_baselines_similarity_and_no_picture(outcome, config):
    run = outcome
    assert run["curve_step"].values.tolist() == [0, 3, 6]
    for name in ("miou", "dice", "boundary"):
        assert ((run[name] >= 0) & (run[name] <= 1)).all()
    assert run["miou"].values == pytest.approx(
        run["class_iou"].mean("class_name", skipna=True).values, abs=1e-6
    )
    assert (run["dice"] >= run["miou"]).all()
    layers = [*(f"{part}{i}" for part in ("encoder", "decoder") for i in range(1, 6)), "logits"]
    assert run["layer"].values.tolist() == layers
    assert run.sizes["measure"] == 6 and np.isfinite(run["fresh_similarity"]).mean() > 0.9
    assert float(run["similarity"].sel(measure="cka-linear", layer="encoder1").min()) > 0.5
    assert run["shown_classes"].dtype == np.uint8 and run["shown_classes"].shape == (2, 2, 32, 32)
    assert run["rate"].values.tolist()[0] in np.float32(config.rates) and run["choice_miou"].notnull().all()
    assert run["pretrain_score_name"].values.ravel()[0] == "pixel accuracy"
    assert np.isnan(run["baseline"].sel(baseline_name="otsu")).all()
    assert not any(3 in v.shape[-3:-2] for v in run.variables.values())
    for record, seed in zip(run.attrs["records"], (0, 1), strict=True):
        parent = parent_of(config, seed).weights_id
        assert record["parent"] == parent and record["weights"] == Unit(config, seed).weights_id
        assert len(record["source"]) == 16 and record["source_data"]


def test_seeds_differ_in_probe_and_outcome_but_not_in_their_learning_rate(outcome):
    assert (outcome["stimulus_index"].isel(seed=0) != outcome["stimulus_index"].isel(seed=1)).any()
    assert float(outcome["miou"][0]) != float(outcome["miou"][1])
    assert outcome["rate"][0] == outcome["rate"][1]
    assert (outcome["choice_miou"][0] == outcome["choice_miou"][1]).all()


def test_only_chosen_seeds_keep_grams_from_which_similarity_follows(outcome, config, places):
    from reprise.similarity.gram import Grams
    from reprise.similarity.measures import measure

    store = Store(places.published, places.local)
    first, second = (store.load(Unit(config, seed)) for seed in (0, 1))
    assert first is not None and second is not None and "gram" in first and "gram" not in second
    assert first.sizes["state"] == 3 * 11
    n = first.sizes["stimulus"]

    def grams(state):
        index = int(np.flatnonzero((first["state_name"] == state) & (first["state_layer"] == "decoder3"))[0])
        full = np.zeros((n, n))
        full[np.triu_indices(n)] = first["gram"][index]
        full = full + np.triu(full, 1).T
        return Grams(full[None], first["feature_mean"].values[index][None].astype(float), 1)

    found = measure("cka-linear").pairwise(grams("start"), grams("end"))[0, 0]
    assert float(first["similarity"].sel(measure="cka-linear", layer="decoder3")) == pytest.approx(
        found, abs=1e-3
    )


def test_weights_are_shared_and_only_the_chosen_parts_are_the_parents(outcome, config, context):
    found = pretrain(config, 0, context)
    assert found.origin == parent_of(config).weights_id and found.seconds > 0
    fresh = start(configure(pretext="none", transfer="none"), 0, 6, Pretrained())
    for mode, expected in (
        ("encoder", {"encoder"}),
        ("decoder", {"decoder"}),
        ("both", {"encoder", "decoder"}),
    ):
        network = start(configure(transfer=mode), 0, 6, found)
        assert found.state is not None
        for part in ("encoder", "decoder", "head"):
            state = network.get_submodule(part).state_dict()
            same_as_parent = part != "head" and all(
                torch.equal(value, found.state[f"{part}.{key}"]) for key, value in state.items()
            )
            same_as_fresh = all(
                torch.equal(a, b)
                for a, b in zip(state.values(), fresh.get_submodule(part).state_dict().values(), strict=True)
            )
            assert (same_as_parent, same_as_fresh) == ((part in expected), (part not in expected))


def test_missing_parents_are_announced_and_trained_once(tmp_path, capsys):
    context = Context(tmp_path, tmp_path / "weights", progress=False)
    config = configure(pretext="reconstruction", transfer="encoder")
    first = pretrain(config, 2, context)
    assert f"({first.origin}) are not in the cache" in capsys.readouterr().err
    again = pretrain(config, 2, context)
    assert capsys.readouterr().err == "" and again.origin == first.origin
    assert first.state is not None and again.state is not None
    assert all(torch.equal(first.state[key], again.state[key]) for key in first.state)


def test_one_rate_needs_no_choice_and_several_are_tried_on_validation_data(tmp_path, monkeypatch):
    context = Context(tmp_path, tmp_path / "weights", progress=False)
    one = configure(pretext="none", transfer="none", rates="2e-3")
    target = shapes()
    rate, scores = choose_rate(one, target, context)
    assert rate == 2e-3 and np.isnan(scores[2e-3]) and not (tmp_path / "weights").exists()
    judged = []
    import reprise.training.pixels as pixels

    real = pixels.evaluate
    monkeypatch.setattr(
        pixels, "evaluate", lambda n, data, *more: judged.append(data.names) or real(n, data, *more)
    )
    several = configure(pretext="none", transfer="none", rates="1e-3,1e-2")
    rate, scores = choose_rate(several, target, context)
    assert set(scores) == {1e-3, 1e-2} and scores[rate] == max(scores.values())
    assert judged == [target.validation.spread(4).names] * 2
    assert choose_rate(several, target, context) == (rate, scores) and len(judged) == 2


def test_imagenet_weights_that_cannot_be_had_are_said_so(monkeypatch, context):
    import timm

    real = timm.create_model

    def refuse(name, pretrained=False, **options):
        if pretrained:
            raise FileNotFoundError("offline")
        return real(name, pretrained=False, **options)

    monkeypatch.setattr(timm, "create_model", refuse)
    with pytest.raises(UserError, match="no ImageNet weights of mobilenetv3_small_050 at hand"):
        pretrain(configure(pretext="imagenet"), 0, context)


def test_a_frozen_encoder_stays_that_of_the_parent(places):
    config = configure(frozen="encoder", rates="1e-3")
    run = runner.run(SEGMENTATION, config, (0,), places, preset="smoke", progress=False)
    encoder = [name for name in run["layer"].values if name.startswith("encoder")]
    assert run["similarity"].sel(measure="cka-linear", layer=encoder).values == pytest.approx(1, abs=1e-5)
    assert float(run["similarity"].sel(measure="cka-linear", layer="decoder5").max()) < 0.99999


VERSION_2 = {
    "choice": "replicate",
    "scored": 2,
    "least_share": 0.0262,
    "statistics_batches": 2,
    "curve_early": 20,
    "curve_every": 5,
    "curve_crop": 64,
    "steps": 25,
    "at_once": True,
}


def test_settings_of_version_2_change_no_name_of_version_1():
    plain = configure("laptop")
    assert not set(VERSION_2) & set(plain.settings()) and "initial" not in plain.settings()
    assert plain.curve_steps == tuple(range(0, 401, 25))
    street = configure("street")
    assert street.curve_steps == (*range(0, 201, 10), *range(225, 601, 25))
    # What chooses a condition's rate names no unit that chooses its own.
    assert Unit(configure("street", choice_steps=7), 200).id == Unit(street, 200).id
    assert Unit(configure("laptop", choice_steps=7), 0).id != Unit(plain, 0).id
    # Without pre-training on the source there is nothing that starts from ImageNet.
    nothing = {"pretext": "none", "transfer": "none"}
    a, b = (configure("street-imagenet", initial=i, **nothing) for i in ("random", "imagenet"))
    assert Unit(a, 200).id == Unit(b, 200).id


@pytest.fixture(scope="module")
def replicates(places):
    conditions = {mode: configure(transfer=mode, **VERSION_2) for mode in ("encoder", "both")}
    return {
        mode: runner.run(SEGMENTATION, one, (0, 1), places, preset="smoke", progress=False)
        for mode, one in conditions.items()
    }


def test_a_replicate_runs_at_every_rate_and_is_scored_by_its_own_choice(replicates):
    run = replicates["both"]
    assert run["curve_step"].values.tolist() == [0, 10, 20, 25]
    assert run["rate_curve_miou"].sizes == {"seed": 2, "candidate_rate": 2, "curve_step": 4}
    counts = run["class_counts"].values.reshape(-1, 6)[0].astype(bool)
    share = shapes().train.frequencies()
    assert counts.tolist() == (share >= 0.0262).tolist() and 1 < counts.sum() < 6
    for i in range(2):
        unit = run.isel(seed=i)
        best = int(unit["choice_miou"].argmax())
        assert float(unit["rate"]) == pytest.approx(float(unit["candidate_rate"][best]))
        for name in ("miou", "dice", "boundary", "class_iou", "curve_miou", "training_loss"):
            assert unit[name].values == pytest.approx(
                unit[f"rate_{name}"].isel(candidate_rate=best).values, nan_ok=True
            )
        means = np.nanmean(unit["class_iou"].values[counts])
        assert float(unit["miou"]) == pytest.approx(means, abs=1e-5)


def test_endpoints_of_version_2_hold_pairs_at_one_rate(replicates):
    both, encoder = replicates["both"], replicates["encoder"]
    first, second = rates.at_one_rate(both, encoder)
    assert first["rate"].values == pytest.approx(second["rate"].values)
    for rate in encoder["candidate_rate"].values:
        fixed = rates.at_rate(both, float(rate))
        assert fixed["miou"].values == pytest.approx(both["rate_miou"].sel(candidate_rate=rate).values)
    assert set(rates.by_rate(both, encoder)) == set(encoder["candidate_rate"].values.tolist())
    gaps, never = endpoints.log_steps(encoder, encoder)
    assert gaps == pytest.approx([0, 0]) and never <= 6
    expected, censored = [], 0
    for i in range(2):
        end = second["curve_miou"].isel(seed=i, curve_step=slice(-2, None)).mean()
        logs = []
        for share in (0.8, 0.9, 0.95):
            steps = []
            for one in (first, second):
                curve = one["curve_miou"].isel(seed=i).values.astype(float)
                at = one["curve_step"].values.astype(float)
                reached = np.flatnonzero(curve >= share * float(end))
                fine = np.linspace(0, 25, 250_001)
                over = np.flatnonzero(np.interp(fine, at, curve) >= share * float(end))
                steps.append(max(1.0, fine[over[0]]) if reached.size else 25.0)
                censored += one is first and not reached.size
            logs.append(np.log(steps[0] / steps[1]))
        expected.append(np.mean(logs))
    gaps, never = endpoints.log_steps(both, encoder)
    assert gaps == pytest.approx(expected, abs=1e-3) and never == censored
    with pytest.raises(ValueError, match="no run at rate 0.5; there are: 0.001, 0.003"):
        rates.at_rate(both, 0.5)


def test_contrasts_of_unequal_conditions_are_found():
    def run(**values):
        return xr.Dataset(attrs={"config": configure("street", **values).model_dump_json()})

    assert rates.unequal(run(), run(pretext="none", transfer="none")) == []
    assert rates.unequal(run(), run(transfer="both")) == []
    assert rates.unequal(run(), run(rates="1e-3", encoder="resnet18", crop=96)) == [
        "crop",
        "encoder",
        "rates",
    ]
    for preset in ("street", "street-imagenet"):
        base = configure(preset)
        conditions = {**SEGMENTATION.family("encoders", base), **SEGMENTATION.family("modes", base)}
        conditions |= SEGMENTATION.family("imagenet", base)
        configs = [xr.Dataset(attrs={"config": one.model_dump_json()}) for one in conditions.values()]
        assert all(rates.unequal(configs[0], one) == [] for one in configs)


def test_everything_starts_from_imagenets_encoder_where_that_is_asked_for(tmp_path):
    from safetensors.torch import save_file

    from reprise.models import imagenet
    from reprise.models.unet import build

    context = Context(tmp_path, tmp_path / "weights", progress=False)
    config = configure(initial="imagenet", pretrain_steps=1, pretrain_rate=1e-12, transfer="decoder")
    published = build(2, config.encoder, seed=9).get_submodule("encoder.model").state_dict()
    (tmp_path / imagenet.FOLDER).mkdir()
    save_file(published, tmp_path / imagenet.FOLDER / f"{config.encoder}.safetensors")
    found = pretrain(config, 0, context)
    assert found.state is not None
    weights = [name for name, value in published.items() if "running" not in name and "num_" not in name]
    for name in weights:  # a step of rate 1e-12 moves nothing that single precision sees
        assert torch.allclose(found.state[f"encoder.model.{name}"], published[name], atol=1e-6)
    decoder = start(config, 0, 6, found)  # the encoder starts afresh: from ImageNet
    assert torch.equal(decoder.get_submodule("encoder.model").state_dict()[weights[0]], published[weights[0]])
    nothing = configure(initial="imagenet", pretext="none", transfer="none")
    fresh = start(nothing, 0, 6, pretrain(nothing, 0, context))
    assert not torch.equal(
        fresh.get_submodule("encoder.model").state_dict()[weights[0]], published[weights[0]]
    )


def _two_classes(masks, images):
    def one(mask, image):
        picture = torch.as_tensor(image, dtype=torch.uint8).expand(3, *mask.shape).clone()
        return SegmentationSet((picture,), (torch.as_tensor(mask, dtype=torch.uint8),), ("a", "b"), ("p",))

    return SegmentationSplits(*(one(masks, images) for _ in range(3)))


def test_baselines_are_those_of_their_definition():
    random = np.random.default_rng(0)
    mask = (random.random((40, 50)) < 0.3).astype(np.uint8)
    image = np.where(mask == 1, random.integers(100, 200, mask.shape), random.integers(0, 120, mask.shape))
    image = image.astype(np.uint8)
    mask[0] = IGNORE
    labelled = mask != IGNORE
    majority, threshold, own = baselines(_two_classes(mask, image))
    assert majority == pytest.approx((mask[labelled] == 0).mean() / 2)

    def miou(guess):
        ious = []
        for k in (0, 1):
            a, b = (guess == k)[labelled], (mask == k)[labelled]
            ious.append((a & b).sum() / (a | b).sum())
        return np.mean(ious)

    best = max(miou((image > level) == above) for level in range(256) for above in (True, False))
    assert threshold == pytest.approx(best)
    from skimage.filters import threshold_otsu

    values = image[labelled]
    level = threshold_otsu(values)
    assert otsu(np.bincount(values, minlength=256)) == level
    bright = image > level
    assert own == pytest.approx(miou(bright if bright[labelled].mean() <= 0.5 else ~bright))


def test_with_more_classes_only_the_commonest_is_a_baseline():
    levels = baselines(shapes())
    share = shapes().test.frequencies()[0]
    assert levels[0] == pytest.approx(share / 6) and np.isnan(levels[1:]).all()


def test_probes_are_middles_of_different_pictures():
    test = shapes().test
    crops = probe(test, 10, 32, (0, 7))
    assert len(set(crops.indices.tolist())) == 10
    for image, index in zip(crops.images, crops.indices, strict=True):
        assert torch.equal(image, test.images[index][:, 48:80, 48:80])
    with pytest.raises(UserError, match="probe_images=81: there are 80"):
        probe(test, 81, 32, (0,))


def test_the_middle_of_a_small_picture_is_mirrored_beyond_its_edges():
    picture = torch.arange(5)[None, None].expand(1, 4, 5)
    assert centre(picture, 9)[0, 0].tolist() == [1, 0, 0, 1, 2, 3, 4, 4, 3]
    assert centre(picture, 3)[0, 0].tolist() == [1, 2, 3]


SCRIPT = """
import sys
from pathlib import Path
import reprise.training.session as session
from reprise.places import Places
from reprise.engine import runner
from reprise.engine.study import study
session.SAVE_EVERY = 0.0
folder = Path(sys.argv[1])
segmentation = study("segmentation")
config = segmentation.configure("smoke", {settings!r})
runner.run(segmentation, config, (0,), Places(folder, folder / "results", folder / "runs"), progress=False)
"""


@pytest.mark.slow
def test_a_killed_run_goes_on_and_ends_with_the_same_dataset(tmp_path):
    settings = {"pretrain_steps": 40, "steps": 40, "curve_every": 20, "rates": "1e-3"}
    config = configure(**settings)
    unit, parent = Unit(config, 0), parent_of(config)
    script = SCRIPT.replace("{settings!r}", repr(settings))
    begin = lambda folder: subprocess.Popen([sys.executable, "-c", script, str(folder)])  # noqa: E731
    killed = tmp_path / "killed"
    for weights_id in (parent.weights_id, unit.weights_id):  # once in pre-training, once in fine-tuning
        progress = killed / "runs" / "weights" / weights_id / "progress.bin"
        process, deadline = begin(killed), time.monotonic() + 300
        while not progress.is_file() and time.monotonic() < deadline and process.poll() is None:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.wait()
        reached = CheckpointFolder(progress.parent).last()
        assert reached and 0 < reached.step < 40, "not killed in mid-training"
    whole = tmp_path / "whole"
    for folder in (killed, whole):
        assert begin(folder).wait(timeout=600) == 0
    resumed, uninterrupted = (Store(f / "results", f / "runs").load(unit) for f in (killed, whole))
    assert resumed is not None and uninterrupted is not None
    assert digest(resumed) == digest(uninterrupted)


@pytest.mark.slow
@pytest.mark.realdata
def test_a_short_run_on_real_pictures_beats_the_trivial_baseline(tmp_path):
    root = Path(os.environ.get("REPRISE_DATA", "data"))
    if not (root / "nuclei-train.parquet").is_file():
        pytest.skip("no nuclei below REPRISE_DATA")
    places = Places(root, tmp_path / "results", tmp_path / "runs")
    config = SEGMENTATION.configure(
        "laptop", {"pretext": "none", "transfer": "none", "rates": "3e-3", "choice_steps": 1, "steps": 150}
    )
    run = runner.run(SEGMENTATION, config, (0,), places, progress=False)
    assert json.loads(run.attrs["config"])["dataset"] == "nuclei"
    levels = run["baseline"].sel(baseline_name=["majority", "threshold"]).max()
    assert float(run["miou"].min()) > float(levels) + 0.1
    assert dataclasses.asdict(places)["data"] == root
