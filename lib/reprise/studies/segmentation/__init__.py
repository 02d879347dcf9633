"""Study 3: which pre-training, and which part of the network, helps segmentation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..base import Context, Study, Unit
from .config import PretextConfig, SegmentationConfig
from .presets import FAMILIES, PRESETS, family_seeds

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["FAMILIES", "PRESETS", "STUDY", "PretextConfig", "SegmentationConfig", "family_seeds"]


def _compute(unit: Unit, context: Context) -> xr.Dataset:
    from .compute import compute

    return compute(unit, context)


def _endpoints(run: xr.Dataset) -> xr.Dataset:
    from .endpoints import endpoints

    return endpoints(run)


# Time of a crop relative to that of fine-tuning, roughly: encoders alone are cheap, and views come in pairs.
_COST = {"classification": 0.35, "contrastive": 0.7, "contrastive-reconstruction": 1.6}


def pretraining_work(config: Any) -> float:
    """Pixels passed through, forwards and backwards, in pre-training."""
    share = _COST.get(config.pretext, 1.0)
    return 3.0 * config.pretrain_steps * config.batch * config.pretrain_crop**2 * share


def _work(config: SegmentationConfig) -> float:
    """Pixels passed through in fine-tuning and judging; a backward pass counts as two.

    Pre-training and the choice of a rate are left out: other conditions and seeds share them.
    """
    judged = 256.0**2  # about the pixels of a whole picture
    looking = judged * (config.curve_images * (1 + config.steps / config.curve_every) + 150)
    return 3.0 * config.steps * config.batch * config.crop**2 + looking


def _datasets(config: SegmentationConfig) -> list[str]:
    return [*([config.source] if config.trains else []), config.dataset]


STUDY = Study(
    name="segmentation",
    title="Choose the encoder, skip the decoder",
    config=SegmentationConfig,
    presets=PRESETS,
    compute=_compute,
    work=_work,
    datasets=_datasets,
    endpoints=_endpoints,
    families=FAMILIES,
)
