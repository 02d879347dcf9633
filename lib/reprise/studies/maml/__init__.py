"""Study 1: what happens to representations in model-agnostic meta-learning."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..base import Context, Study, Unit
from .config import MamlConfig
from .families import FAMILIES
from .presets import PRESETS

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["PRESETS", "STUDY", "MamlConfig"]


def _compute(unit: Unit, context: Context) -> xr.Dataset:
    from .compute import compute

    return compute(unit, context)


def _endpoints(run: xr.Dataset) -> xr.Dataset:
    from .endpoints import endpoints

    return endpoints(run)


def _work(config: MamlConfig) -> float:
    """Images passed forward, a backward pass counted as two and a second-order one as four."""
    tasks = config.ways * (config.shots * (1 + 6 * config.inner_steps) + 3 * config.queries)
    training = config.iterations * config.meta_batch * tasks
    probe = config.stimuli * len(config.kept_steps)
    steps = max(config.analysis_steps, config.inner_steps)
    adapting = steps * config.ways * (3 * config.shots + config.analysis_queries)
    measuring = len(config.checkpoints) * config.analysis_tasks * (adapting + probe)
    return (training + measuring) * (config.filters / 64) ** 2


def _datasets(config: MamlConfig) -> list[str]:
    """The set learned from, and the one of the external check where that is what is measured."""
    external = ["omniglot-one-shot-runs"] if config.analysis == "within-alphabet" else []
    return [config.dataset, *external]


def _unshown(config: MamlConfig) -> str:
    """Pages of their own show what is not similarity, for the conditions that are published."""
    return "" if config.analysis == "similarity" else f"the chapter shows no analysis={config.analysis}"


STUDY = Study(
    name="maml",
    title="Representations in model-agnostic meta-learning",
    config=MamlConfig,
    presets=PRESETS,
    compute=_compute,
    work=_work,
    datasets=_datasets,
    families=FAMILIES,
    unshown=_unshown,
    endpoints=_endpoints,
)
