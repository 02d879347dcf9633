"""Study 3: one unit from settings to dataset."""

from __future__ import annotations

import itertools
import time
from typing import TYPE_CHECKING

import numpy as np

from ...engine.provenance import dumps, record
from ...engine.study import Context, Unit
from . import measure
from .baselines import baselines
from .config import SegmentationConfig
from .endpoints import BASELINES
from .pretrain import FRESH, INITIAL, PROBE, Pretrained, architecture, load, pretrain, start
from .tune import choose_rate, tune

if TYPE_CHECKING:
    import xarray as xr

    from ...data.segmentation import SegmentationSplits
    from ...models.unet import EncoderDecoder
    from ...training.pixels import Quality

PRETRAIN_POINTS = 50
"""Stretches of pre-training whose mean loss and score are kept."""


def compute(unit: Unit, context: Context) -> xr.Dataset:
    """Train and measure one seed of one condition.

    Args:
        unit: What to compute; its config is a :class:`SegmentationConfig`.
        context: Data root, weights, device, progress.

    Returns:
        The unit's dataset. Similarities are stored as measured, larger = more similar.
    """
    from ...data import dataset_entry
    from ...training.checkpoints import CheckpointFolder

    config, seed = unit.config, unit.seed
    assert isinstance(config, SegmentationConfig)
    target = load(config.dataset, context.data)
    crops = measure.probe(target.test, config.probe_images, config.crop, (seed, PROBE))
    found = pretrain(config, seed, context)
    rate, scores = choose_rate(config, target, context)
    folder = CheckpointFolder(context.weights / unit.weights_id)
    with folder.locked():
        network = start(config, seed, len(target.classes), found).to(context.device)
        before = measure.layer_grams(network, crops, context.device)
        judges = target.test.spread(config.curve_images)
        history, trained = tune(
            network, config, seed, rate, config.steps, target.train, context, folder, judges
        )
    started = time.perf_counter()
    dataset = _assemble(unit, target, network, crops, before, found, history, rate, scores, context)
    # Pre-training has its own line: other conditions share it.
    seconds = {"fine-tuning": trained, "measuring": time.perf_counter() - started}
    fingerprints = [dataset_entry(name).fingerprint for name in (config.dataset, config.source)]
    return dataset.assign_attrs(
        config=config.model_dump_json(),
        provenance=dumps(
            record(
                context.device, seconds, fingerprints[0], unit=unit.id, weights=unit.weights_id,
                parent=found.origin, parent_seconds=round(found.seconds, 1),
                source_data=fingerprints[1] if config.trains else "",
            )
        ),
    )  # fmt: skip


def _assemble(
    unit: Unit,
    target: SegmentationSplits,
    network: EncoderDecoder,
    crops: measure.Crops,
    before: dict,
    found: Pretrained,
    history: dict[str, list[float]],
    rate: float,
    scores: dict[float, float],
    context: Context,
) -> xr.Dataset:
    """Measure a fine-tuned network and put everything into one dataset."""
    import xarray as xr

    from ...training.pixels import evaluate

    config, seed = unit.config, unit.seed
    assert isinstance(config, SegmentationConfig)
    quality = evaluate(network, target.test, device=context.device)
    after = measure.layer_grams(network, crops, context.device)
    other = architecture(config).build(len(target.classes), (seed, FRESH, INITIAL)).to(context.device)
    fresh = measure.layer_grams(other, crops, context.device)
    order = np.random.default_rng([seed, PROBE]).permutation(len(crops.indices))
    halves = [np.sort(half) for half in np.array_split(order, 2)]
    shown, masks = _shown(network, target, config, context.device)
    loss, score = _stretches(found)
    dataset = xr.Dataset(
        {
            **_qualities(quality),
            "baseline": ("baseline_name", baselines(target)),
            "curve_miou": ("curve_step", np.array(history["miou"])),
            "training_loss": ("curve_step", _between(history["loss"], history["evaluated"])),
            "rate": ((), rate),
            "choice_miou": ("candidate_rate", np.array([scores[one] for one in config.rates])),
            "similarity": (("measure", "layer"), measure.similarity(before, after)),
            "fresh_similarity": (("measure", "layer"), measure.similarity(after, fresh)),
            "half_similarity": (
                ("half", "measure", "layer"),
                np.stack([measure.similarity(before, after, half) for half in halves]),
            ),
            "shown_classes": (("shown", "row", "column"), masks),
            "pretrain_loss": ("stretch", loss),
            "pretrain_score": ("stretch", score),
        },
        coords={
            "class_name": list(target.classes),
            "baseline_name": list(BASELINES),
            "curve_step": np.array(history["evaluated"], np.int32),
            "candidate_rate": np.array(config.rates),
            "measure": list(measure.MEASURES),
            "layer": list(before),
            "shown_index": ("shown", np.array(shown, np.int16)),
            "stimulus_index": ("stimulus", crops.indices.astype(np.int16)),
            "stimulus_name": ("stimulus", np.array(crops.names)),
            "stimulus_split": "test",
            "pretrain_score_name": found.score_name,
            "seed": seed,
            **{
                name: value
                for name in type(config).model_fields
                if not isinstance(value := getattr(config, name), tuple)
            },
        },
    )
    floats = {name: v.astype(np.float32) for name, v in dataset.data_vars.items() if v.dtype.kind == "f"}
    dataset = dataset.assign(floats)
    if seed in config.explorer_seeds:
        dataset = dataset.merge(measure.kept_states({"start": before, "end": after, "fresh": fresh}))
    return dataset


def _qualities(quality: Quality) -> dict:
    return {
        "miou": ((), quality.miou),
        "dice": ((), quality.mean_dice),
        "boundary": ((), quality.mean_boundary),
        "class_iou": ("class_name", quality.iou),
        "class_dice": ("class_name", quality.dice),
        "class_boundary": ("class_name", quality.boundary),
    }


def _shown(
    network: EncoderDecoder, target: SegmentationSplits, config: SegmentationConfig, device: str
) -> tuple[list[int], np.ndarray]:
    """Indices of a few test pictures, the same for all, and the predicted classes of their middle.

    Whole pictures are segmented, so that what is shown is what was judged; uint8 (shown, crop, crop).
    """
    from ...training.pixels import predict

    names = {name: i for i, name in enumerate(target.test.names)}
    indices = [names[name] for name in target.test.spread(config.shown_images).names]
    network.eval()
    predicted = [predict(network, target.test.images[i][None].to(device))[0].cpu() for i in indices]
    cut = [measure.centre(classes, config.crop).numpy().astype(np.uint8) for classes in predicted]
    return indices, np.stack(cut)


def _stretches(found: Pretrained) -> tuple[np.ndarray, np.ndarray]:
    """Mean loss and score of each of equal stretches of pre-training; NaN without one."""
    if found.history is None:
        return np.full(PRETRAIN_POINTS, np.nan), np.full(PRETRAIN_POINTS, np.nan)

    def means(values: list[float]) -> np.ndarray:
        starts = np.arange(PRETRAIN_POINTS + 1) * len(values) // PRETRAIN_POINTS
        return np.array([np.mean(values[a : max(b, a + 1)]) for a, b in itertools.pairwise(starts)])

    return means(found.history["loss"]), means(found.history["score"])


def _between(values: list[float], steps: list[float]) -> np.ndarray:
    """Mean of a per-step quantity since the evaluation before; NaN at the first."""
    edges = [int(step) for step in steps]
    return np.array([np.nan, *(np.mean(values[a:b]) for a, b in itertools.pairwise(edges))])
