"""The control of study 1: the same network, trained in the ordinary supervised way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..base import Context, Study, Unit
from .config import BESIDE, PRESETS, ControlConfig

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["BESIDE", "PRESETS", "STUDY", "ControlConfig"]


def _compute(unit: Unit, context: Context) -> xr.Dataset:
    from .compute import compute

    return compute(unit, context)


def _endpoints(run: xr.Dataset) -> xr.Dataset:
    from .endpoints import endpoints

    return endpoints(run)


def _work(config: ControlConfig) -> float:
    """Images passed forward, a backward pass counted as two; Grams of the probe weigh as much again."""
    looks = len(config.probed) + 2 * config.draws
    measuring = 2 * looks * config.probe_images + len(config.probed) * config.test_images
    return (3 * config.steps * config.batch + measuring) * (config.filters / 64) ** 2


STUDY = Study(
    name="control",
    title="The same network, trained in the ordinary way",
    config=ControlConfig,
    presets=PRESETS,
    compute=_compute,
    work=_work,
    datasets=lambda config: [config.dataset],
    endpoints=_endpoints,
    chapter="chapters/maml/control.ipynb",
)
