"""Computing several units: one after the other, several at once, or several seeds in one program."""

from __future__ import annotations

import contextlib
import ctypes
import dataclasses
import itertools
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from ..interrupts import Interrupts
from ..places import UserError

if TYPE_CHECKING:
    from .study import Context, Study, Unit


def compute_all(study: Study, units: Sequence[Unit], context: Context, jobs: int = 1) -> None:
    """Compute units and write each to the store as soon as it is finished.

    Args:
        study: The study.
        units: What to compute, in order.
        context: Data root, weights, device, progress, and the store to write to.
        jobs: Units at once, each in a process of its own with one thread, even a last one that is alone: its
            numbers would be others with more. Small operators gain little from several threads, so on a CPU
            two units side by side take less time than one after the other.

    Raises:
        UserError: Fewer than one job, several on a GPU, or a process was killed.
    """
    if jobs < 1:
        raise UserError(f"jobs={jobs}: choose 1 or more")
    if jobs > 1 and context.device != "cpu":
        raise UserError(
            f"jobs={jobs}: on {context.device} units of a condition share one program; leave it out"
        )
    if jobs > 1:
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
    """Processes end with this one; at Ctrl-C each finishes the step that it is in and saves.

    Raises:
        UserError: A process was killed.
    """
    import multiprocessing
    from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
    from concurrent.futures.process import BrokenProcessPool

    from tqdm.auto import tqdm

    # Bars of several processes would overwrite each other: one of units is shown instead.
    quiet = dataclasses.replace(context, progress=False)
    jobs, before = min(jobs, len(units)), set(multiprocessing.active_children())
    # Spawned, not forked: torch's threads do not survive a fork.
    with (
        Interrupts() as interrupts,
        ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn"), _begin) as pool,
        tqdm(total=len(units), desc=study.name, unit="unit", disable=not context.progress) as bar,
    ):
        with _without_interrupts():
            left = {pool.submit(_compute, study.name, unit, quiet) for unit in units}
        while left:
            done, left = wait(left, _LOOK_EVERY, FIRST_COMPLETED)
            if interrupts.pending is not None:
                for unit in left:
                    unit.cancel()
                children = [child for child in multiprocessing.active_children() if child not in before]
                for child in children:
                    child.terminate()
                for child in children:
                    child.join()
                return  # the signal is acted on once the pool is closed
            try:
                for unit in done:
                    unit.result()
                    bar.update()
            except BrokenProcessPool:
                raise UserError(
                    f"a process of {jobs} was killed, perhaps for want of memory: try fewer jobs; finished "
                    "units and training progress are kept, the same command goes on"
                ) from None
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise


_LOOK_EVERY = 0.2
"""Seconds between looks for a signal while units are computed elsewhere."""


@contextlib.contextmanager
def _without_interrupts() -> Iterator[None]:
    """Start processes that do not hear Ctrl-C, which the terminal sends to all: this one tells them."""
    from multiprocessing import resource_tracker

    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # which leaves no signal blocked
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin() -> None:
    """What every process does first."""
    import multiprocessing

    import torch
    from tqdm import tqdm

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    tqdm.set_lock(threading.RLock())  # the usual one is the system's, which outlives a process that is ended
    parent = multiprocessing.parent_process()
    assert parent is not None

    def end_with_parent() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=end_with_parent, daemon=True).start()
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
