"""Config → units → datasets: find what is in the store, compute what is not, gather."""

from __future__ import annotations

import functools
import json
import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ..places import Places, UserError
from .config import StudyConfig
from .devices import check_device, default_device
from .labels import command
from .store import Store, sweep
from .study import Context, Study, Unit
from .workers import compute_all

if TYPE_CHECKING:
    import xarray as xr

Compute = Literal["missing", "never"]


class UnitsMissing(UserError):
    """Units are not in the store and computing was not allowed; the message names the command for them."""


@dataclass(frozen=True)
class Plan:
    """What a run would do.

    Attributes:
        present: Units in the store.
        missing: Units to compute.
        seconds: Expected seconds for the missing ones; None if nothing finished can be asked.
    """

    present: tuple[Unit, ...]
    missing: tuple[Unit, ...]
    seconds: float | None


def units(config: StudyConfig, seeds: Sequence[int]) -> list[Unit]:
    """One unit a seed."""
    return [Unit(config, seed) for seed in seeds]


def stored(config: StudyConfig, seeds: Sequence[int], store: Store) -> list[xr.Dataset]:
    """Those units of a condition that the store has, in order of the seeds."""
    found = (store.load(unit) for unit in units(config, seeds))
    return [dataset for dataset in found if dataset is not None]


def plan(study: Study, config: StudyConfig, seeds: Sequence[int], store: Store) -> Plan:
    """See what is there and estimate the rest from finished units of the study."""
    wanted = units(config, seeds)
    present = tuple(unit for unit in wanted if store.find(unit))
    missing = tuple(unit for unit in wanted if unit not in present)
    return Plan(present, missing, estimate(study, missing, store) if missing else 0.0)


def estimate(study: Study, missing: Sequence[Unit], store: Store) -> float | None:
    """Expected seconds for some units, from the seconds per work of finished ones on this kind of device.

    Args:
        study: The study.
        missing: Units to be computed.
        store: Where finished ones are.

    Returns:
        Seconds; None if no unit of the study was ever finished on this kind of device. Finished units of
        about the same work count (small ones are mostly overhead), and among these local ones, which were
        made on this machine, before published ones.
    """
    folders = [store.folder(layer) / study.name for layer in ("local", "published")]
    stamps = tuple(folder.stat().st_mtime_ns if folder.is_dir() else 0 for folder in folders)
    finished = _finished(study, store, stamps)
    if not finished:
        return None
    return sum(_rate(study.work(unit.config), finished) * study.work(unit.config) for unit in missing)


@functools.lru_cache(maxsize=16)
def _finished(study: Study, store: Store, _stamps: tuple[int, ...]) -> list[tuple[float, bool, float]]:
    """Work, whether local, and seconds per work of a study's finished units on this kind of device.

    Read again when a folder has changed (``_stamps``): one command asks for many conditions.
    """
    on_gpu = default_device().startswith("cuda")
    finished: list[tuple[float, bool, float]] = []
    for layer in ("local", "published"):
        for attributes in store.attributes(study.name, layer):
            record = json.loads(attributes["provenance"])
            config = study.config.model_validate_json(attributes["config"])
            if record["device"].startswith("cuda") == on_gpu:
                work = study.work(config)
                finished.append((work, layer == "local", record["seconds"] / work))
    return finished


def _rate(work: float, finished: Sequence[tuple[float, bool, float]]) -> float:
    """Median seconds per work of the finished units that are closest to some work, local ones first."""
    distances = [abs(math.log(other / work)) for other, _, _ in finished]
    near = [unit for unit, d in zip(finished, distances, strict=True) if d <= min(distances) + math.log(2)]
    return statistics.median([rate for _, local, rate in near if local] or [rate for _, _, rate in near])


def run(
    study: Study,
    config: StudyConfig,
    seeds: Sequence[int],
    places: Places,
    compute: Compute = "missing",
    preset: str = "",
    device: str | None = None,
    download: bool = False,
    progress: bool = True,
    jobs: int = 1,
) -> xr.Dataset:
    """Gather the units of a condition, computing those that are missing.

    Args:
        study: The study.
        config: The condition.
        seeds: Its seeds.
        places: Where data, results and runs lie.
        compute: ``"missing"`` trains what is not in the store, ``"never"`` fails instead.
        preset: Name of the preset that the condition came from, for labels only.
        device: Torch device string; the GPU if there is one, else the CPU, if None.
        download: Fetch missing data sets.
        progress: Show progress bars.
        jobs: Units to compute at once, each in a process of its own with one thread; for a CPU.

    Returns:
        Dataset with all units concatenated along ``seed``; ``attrs["records"]`` holds their provenance.

    Raises:
        UnitsMissing: Units are missing and ``compute="never"``.
        DataMissing: Data to train on are missing.
        UserError: ``compute`` is neither, or there is no such device.
    """
    if compute not in ("missing", "never"):
        raise UserError(f"compute={compute!r}: choose missing or never")
    store = Store.of(places)
    found = {unit: store.load(unit) for unit in units(config, seeds)}
    missing = [unit for unit, dataset in found.items() if dataset is None]
    if missing and compute == "never":
        folders = " or ".join(str(store.folder(layer)) for layer in store.layers)
        raise UnitsMissing(
            f"{len(missing)} of {len(found)} units of {study.name} are not in {folders}: "
            f"{', '.join(f'seed {unit.seed} ({unit.id})' for unit in missing)}. "
            f"Make them with: {command(study, config, [unit.seed for unit in missing], preset)}"
        )
    if missing:
        compute_units(study, missing, places, device, download, progress, jobs)
        found |= {unit: store.load(unit) for unit in missing}
    return gather([dataset for dataset in found.values() if dataset is not None], preset)


def compute_units(
    study: Study,
    wanted: Sequence[Unit],
    places: Places,
    device: str | None = None,
    download: bool = False,
    progress: bool = True,
    jobs: int = 1,
) -> None:
    """Compute units, of one condition or of many, and keep each as soon as it is finished.

    Args:
        study: The study.
        wanted: What to compute.
        places: Where data, results and runs lie.
        device: Torch device string; the GPU if there is one, else the CPU, if None.
        download: Fetch missing data sets.
        progress: Show progress bars.
        jobs: Units to compute at once, see :func:`~reprise.engine.workers.compute_all`.

    Raises:
        DataMissing: Data to train on are missing.
        UserError: There is no such device, or it does not take so many jobs.
    """
    device = check_device(device) if device else default_device()
    for config in dict.fromkeys(unit.config for unit in wanted):
        check_data(study, config, places.data, download)
    store = Store.of(places)
    context = Context(places.data, places.local / "weights", device, progress, store=store)
    sweep(places.local / study.name)
    compute_all(study, wanted, context, jobs)


def gather(datasets: Sequence[xr.Dataset], preset: str = "") -> xr.Dataset:
    """Join units along the dimension ``seed``.

    Args:
        datasets: Units of one condition.
        preset: Label to keep.

    Returns:
        The joint dataset without what only some units keep (Grams for explorers: load those units).
        ``attrs``: config, preset, and ``records`` (provenance of each unit, in order).
    """
    import xarray as xr

    bare = [dataset.drop_vars(_explorer_variables(dataset)) for dataset in datasets]
    # What differs from seed to seed is joined even if there is only one of it; conditions stay scalars.
    own = [str(name) for name, c in bare[0].coords.items() if "stimulus" in c.dims]
    joint = xr.concat(
        bare, "seed", data_vars="all", coords=own, compat="equals", join="exact", combine_attrs="drop"
    )
    records = [provenance(dataset) for dataset in datasets]
    return joint.assign_attrs(config=datasets[0].attrs["config"], preset=preset, records=records)


def _explorer_variables(dataset: xr.Dataset) -> list[str]:
    """Variables along ``state``: one unit's Grams, of no use concatenated."""
    return [str(name) for name, variable in dataset.variables.items() if "state" in variable.dims]


def provenance(dataset: xr.Dataset) -> dict:
    """A unit's provenance, see :func:`reprise.engine.provenance.record`."""
    return json.loads(dataset.attrs["provenance"])


def check_data(study: Study, config: StudyConfig, root: Path, download: bool = False) -> None:
    """Check local data against their declared fingerprints, before anything is trained.

    Raises:
        DataMissing: Files are missing.
        DataDamaged: Files are not the declared ones.
    """
    from ..data import dataset_entry
    from ..data.fetch import require

    for name in study.datasets(config):
        require(dataset_entry(name), root, download)
