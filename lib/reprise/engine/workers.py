"""Computing several units: one after the other, several at once, or several seeds in one program."""

from __future__ import annotations

import ctypes
import dataclasses
import itertools
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..places import UserError

if TYPE_CHECKING:
    from .study import Context, Study, Unit


def compute_all(study: Study, units: Sequence[Unit], context: Context, jobs: int = 1) -> None:
    """Compute units and write each to the store as soon as it is finished.

    Args:
        study: The study.
        units: What to compute, in order.
        context: Data root, weights, device, progress, and the store to write to.
        jobs: Units at once, each in a process of its own with one thread. Small operators gain little from
            several threads, so on a CPU two units side by side take less time than one after the other.

    Raises:
        UserError: Fewer than one job, or several on a GPU.
    """
    if jobs < 1:
        raise UserError(f"jobs={jobs}: choose 1 or more")
    if jobs > 1 and context.device != "cpu":
        raise UserError(
            f"jobs={jobs}: on {context.device} units of a condition share one program; leave it out"
        )
    if jobs > 1 and len(units) > 1:
        _side_by_side(study, units, context, jobs)
        return
    assert context.store is not None
    keep_freed_memory()
    for _, group in itertools.groupby(units, key=lambda unit: unit.config):
        same = list(group)
        if study.together is not None and context.device.startswith("cuda") and len(same) > 1:
            study.together(same, context)
        for unit in same:
            context.store.write(unit, study.compute(unit, context))


def _side_by_side(study: Study, units: Sequence[Unit], context: Context, jobs: int) -> None:
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor, as_completed

    from tqdm.auto import tqdm

    # Bars of several processes would overwrite each other: one of units is shown instead.
    quiet = dataclasses.replace(context, progress=False)
    # Spawned, not forked: torch's threads do not survive a fork.
    with ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn"), _one_thread) as pool:
        waiting = [pool.submit(_compute, study.name, unit, quiet) for unit in units]
        bar = tqdm(
            as_completed(waiting),
            total=len(units),
            desc=study.name,
            unit="unit",
            disable=not context.progress,
        )
        try:
            for done in bar:
                done.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _one_thread() -> None:
    import torch

    torch.set_num_threads(1)
    keep_freed_memory()


# Names of glibc's malloc.h, and the largest threshold that it takes on a 64-bit machine.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_LARGEST_MMAP_THRESHOLD = 32 * 2**20


def keep_freed_memory() -> bool:
    """Let this process keep memory that it frees, where its C library is glibc.

    Otherwise every large tensor of a step is handed back to the system and fetched anew, page by page, in the
    next step, which takes a sixth of the time of training a small network.

    Returns:
        Whether there was something to set.
    """
    if not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # other C libraries have none
    if mallopt is None:
        return False
    kept = mallopt(_M_TRIM_THRESHOLD, 2**31 - 1)
    return bool(mallopt(_M_MMAP_THRESHOLD, _LARGEST_MMAP_THRESHOLD) and kept)


def _compute(name: str, unit: Unit, context: Context) -> None:
    from .study import study

    assert context.store is not None
    context.store.write(unit, study(name).compute(unit, context))
