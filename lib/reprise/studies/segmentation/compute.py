"""Study 3: one unit from settings to dataset."""

from __future__ import annotations

import itertools
import time
import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from ...engine.provenance import dumps, record
from ...engine.study import Context, Unit
from . import measure
from .baselines import baselines
from .config import VERSION_2, SegmentationConfig
from .endpoints import BASELINES
from .pretrain import FRESH, INITIAL, PROBE, Pretrained, architecture, load, pretrain, start
from .tune import Trial, choose_rate, counted, trials, tune

if TYPE_CHECKING:
    import xarray as xr

    from ...data.segmentation import SegmentationSplits
    from ...models.unet import EncoderDecoder
    from ...training.pixels import Quality

RATE_CURVES = ("rate_curve_miou", "rate_training_loss")
RATE_QUALITIES = tuple(
    f"rate_{name}" for name in ("miou", "dice", "boundary", "class_iou", "class_dice", "class_boundary")
)
"""Variables of a replicate that runs at every rate: along the steps of its curves, and its qualities."""

PRETRAIN_POINTS = 50
"""Stretches of pre-training whose mean loss and score are kept."""


def compute(unit: Unit[SegmentationConfig], context: Context) -> xr.Dataset:
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
    target = load(config.dataset, context.data)
    crops = measure.probe(target.test, config.probe_images, config.crop, (seed, PROBE))
    found = pretrain(config, seed, context)
    if config.choice == "replicate":
        done = trials(config, seed, found, target, context)
        scores = {rate: trial.choice for rate, trial in done.items()}
        rate = max(scores, key=lambda one: scores[one])
    else:
        rate, scores = choose_rate(config, target, context)
        folder = CheckpointFolder(context.weights / unit.weights_id)
        with folder.locked():
            network = start(config, seed, len(target.classes), found).to(context.device)
            done = {
                rate: Trial(
                    network, *tune(network, config, seed, rate, config.steps, target, context, folder, True)
                )
            }
    begun = start(config, seed, len(target.classes), found).to(context.device)
    before = measure.layer_grams(begun, crops, context.device)
    trained = sum(trial.seconds for trial in done.values())
    started = time.perf_counter()
    dataset = _assemble(unit, target, done, crops, before, found, rate, scores, context)
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
    done: dict[float, Trial],
    crops: measure.Crops,
    before: dict,
    found: Pretrained,
    rate: float,
    scores: dict[float, float],
    context: Context,
) -> xr.Dataset:
    """Measure a fine-tuned network and put everything into one dataset."""
    import xarray as xr

    from ...training.pixels import evaluate

    config, seed = unit.config, unit.seed
    network, history = done[rate].network, done[rate].history
    kinds = counted(target, config.least_share)
    if config.choice == "replicate":
        own = replicate(config, done, kinds)
        qualities = {
            name.removeprefix("rate_"): (dims[1:], values[config.rates.index(rate)])
            for name, (dims, values) in own.items()
            if name in RATE_QUALITIES
        }
        own |= {"class_counts": ("class_name", kinds.astype(np.uint8))}
    else:
        own, qualities = {}, _qualities(evaluate(network, target.test, device=context.device))
    after = measure.layer_grams(network, crops, context.device)
    other = architecture(config).build(len(target.classes), (seed, FRESH, INITIAL)).to(context.device)
    fresh = measure.layer_grams(other, crops, context.device)
    order = np.random.default_rng([seed, PROBE]).permutation(len(crops.indices))
    halves = [np.sort(half) for half in np.array_split(order, 2)]
    shown, masks = _shown(network, target, config, context.device)
    loss, score = _stretches(found)
    dataset = xr.Dataset(
        {
            **qualities,
            **own,
            "baseline": ("baseline_name", baselines(target, kinds)),
            "curve_miou": ("curve_step", np.array(history["miou"])),
            "training_loss": ("curve_step", _between(history["loss"], history["evaluated"])),
            "rate": ((), rate),
            "choice_miou": ("candidate_rate", np.array([scores.get(one, np.nan) for one in config.rates])),
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
                for name, field in type(config).model_fields.items()
                if not isinstance(value := getattr(config, name), tuple)
                and not (name in VERSION_2 and value == field.default)
            },
        },
    )
    floats = {name: v.astype(np.float32) for name, v in dataset.data_vars.items() if v.dtype.kind == "f"}
    dataset = dataset.assign(floats)
    if seed in config.explorer_seeds:
        dataset = dataset.merge(measure.kept_states({"start": before, "end": after, "fresh": fresh}))
    return dataset


def replicate(
    config: SegmentationConfig, done: Mapping[float, Trial], kinds: np.ndarray
) -> dict[str, tuple[tuple[str, ...], np.ndarray]]:
    """What a replicate reaches at each of its rates; NaN where it diverged.

    Args:
        config: The condition.
        done: Rate → fine-tuning.
        kinds: Which classes count in means.

    Returns:
        Variable → dimensions and values: qualities averaged over the points that are scored, and curves.
    """
    columns: dict[str, list] = {}
    points = len(config.curve_steps)
    for rate in config.rates:
        trial = done.get(rate)
        history = trial.history if trial else {}
        for name, mean in (("iou", "miou"), ("dice", "dice"), ("boundary", "boundary")):
            rows = np.array(history.get(name, [np.full(len(kinds), np.nan)]), float)
            with warnings.catch_warnings():  # of a class that occurs nowhere, or no run at all
                warnings.simplefilter("ignore", RuntimeWarning)
                columns.setdefault(f"rate_class_{name}", []).append(np.nanmean(rows, axis=0))
                columns.setdefault(f"rate_{mean}", []).append(np.nanmean(rows[:, kinds], axis=1).mean())
        nothing = [np.nan] * points
        columns.setdefault("rate_curve_miou", []).append(history.get("miou", nothing))
        losses = _between(history["loss"], history["evaluated"]) if history else nothing
        columns.setdefault("rate_training_loss", []).append(losses)
    found = {name: np.array(rows) for name, rows in columns.items()}
    last = {name: "curve_step" if name in RATE_CURVES else "class_name" for name in found}
    return {n: (("candidate_rate", last[n])[: rows.ndim], rows) for n, rows in found.items()}


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
