"""Study 2: what fine-tuning keeps and what it unlearns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..base import Context, Study, Unit
from .config import TransferConfig
from .presets import FAMILIES, PRESETS

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["FAMILIES", "PRESETS", "STUDY", "TransferConfig"]


def _compute(unit: Unit, context: Context) -> xr.Dataset:
    from .compute import compute

    return compute(unit, context)


def _endpoints(run: xr.Dataset) -> xr.Dataset:
    from .endpoints import endpoints

    return endpoints(run)


def _together(units: Sequence[Unit], context: Context) -> None:
    from .train import train_together

    train_together(units, context)


_COST = {"conv4": 1.0, "resnet18": 3.0, "vgg16-bn": 12.0}
"""Time of an image relative to conv4's, roughly; networks of timm count as ResNet-18."""


def _work(config: TransferConfig) -> float:
    """Images passed forward, a backward pass counted as two, times the network's cost."""
    seen = config.target_images if config.finetuning else config.images
    epochs = config.target_epochs if config.finetuning else config.epochs
    steps = (0 if config.finetuning else config.epoch_steps) or -(-seen // config.batch)
    training = 3 * epochs * min(steps * config.batch, steps * seen)
    looking = len(config.probe_epochs) * (min(seen, 5000) + 5000 + 4 * config.probe_images)
    return (training + looking) * _COST.get(config.model, 3.0)


def _datasets(config: TransferConfig) -> list[str]:
    wanted = [config.dataset] if config.source == "trained" else []
    return list(dict.fromkeys([*wanted, *([config.target] if config.finetuning else [])]))


def _unshown(config: TransferConfig) -> str:
    if config.finetuning:
        return "the chapter shows a pre-training and the fine-tunings that its families make of it"
    return ""


STUDY = Study(
    name="transfer",
    title="What fine-tuning keeps and what it unlearns",
    config=TransferConfig,
    presets=PRESETS,
    compute=_compute,
    work=_work,
    datasets=_datasets,
    endpoints=_endpoints,
    families=FAMILIES,
    unshown=_unshown,
    together=_together,
)
