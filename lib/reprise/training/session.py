"""The one loop in which every study trains: it goes on where it was stopped, whatever stopped it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from torch import Tensor

from ..interrupts import Interrupts
from . import Diverged
from .checkpoints import CheckpointFolder, Progress

SAVE_EVERY = 20.0
"""Seconds between saves: what a killed run loses at most."""

POINTS = 4
"""Equal parts of a training whose ends are kept as points to go on from, for when a later file is damaged."""

KEEP_BELOW = 5e6
"""Bytes of such a point above which it is not kept: a large training then starts anew."""


class Resumable(Protocol):
    """What a session trains: one network, or several seeds of one condition, a list entry each."""

    def advance(self, step: int) -> Mapping[str, str]:
        """Take a step, counted from 0; returns what a progress bar shows of it."""
        ...

    def states(self) -> Sequence[dict[str, Any]]:
        """All that is needed to go on after the steps taken."""
        ...

    def restore(self, states: Sequence[dict[str, Any]]) -> None:
        """Go on from saved states."""
        ...

    def snapshots(self) -> Sequence[Mapping[str, Tensor]]:
        """Parameters to keep."""
        ...


class Session:
    """A training of a fixed number of steps that may be stopped anywhere and ends with the same numbers.

    Ctrl-C and SIGTERM wait for the end of the step under way, whose outcome is then saved. An exception, a
    second signal or a killed process loses what was done since the last save, and never leaves half a step.

    Args:
        folders: Where parameters and progress are kept, one a network, locked by the caller; none for a
            training that is not kept.
        total: Number of steps.
        wanted: Number of steps taken → label of the parameters to keep then.
        what: What the progress bar calls it.
        unit: What it counts.
        per: Steps in one of these.
        progress: Show it.
        leave: Leave it there at the end.

    Attributes:
        step: Steps taken.
        seconds: Time in training, over all sessions; of several networks the share of each.
    """

    def __init__(
        self,
        folders: Sequence[CheckpointFolder],
        total: int,
        wanted: Mapping[int, str] | None = None,
        *,
        what: str = "training",
        unit: str = "step",
        per: int = 1,
        progress: bool = False,
        leave: bool = True,
    ):
        self.folders, self.total, self.wanted = list(folders), total, dict(wanted or {})
        self.what, self.unit, self.per, self.progress, self.leave = what, unit, per, progress, leave
        self.step, self.seconds = 0, 0.0
        self._kept: list[dict[str, str]] = [{} for _ in folders]
        self._points = {total * part // POINTS for part in range(1, POINTS)}

    def run(self, learner: Resumable) -> None:
        """Take all steps that are left.

        Raises:
            Diverged: A loss is not finite; the message names the step and the last good checkpoint.
            KeyboardInterrupt: A signal came; progress is saved.
        """
        from tqdm.auto import tqdm

        with Interrupts() as interrupts:
            self._resume(learner)
            bar = tqdm(
                total=self.total // self.per,
                initial=self.step // self.per,
                desc=self.what,
                unit=self.unit,
                disable=not self.progress or self.step >= self.total,
                leave=self.leave,
            )
            with bar:
                self._saved = time.perf_counter()
                while self.step < self.total:
                    if interrupts.pending is not None:
                        self._save(learner)
                        interrupts.act()
                    shown = self._advance(learner)
                    if time.perf_counter() - self._saved > SAVE_EVERY or self._due:
                        self._save(learner)
                    bar.update(int(self.step % self.per == 0))
                    bar.set_postfix(shown, refresh=False)

    @property
    def _due(self) -> bool:
        return self.step == self.total or (bool(self.folders) and self.step in self._points)

    def _advance(self, learner: Resumable) -> Mapping[str, str]:
        try:
            shown = learner.advance(self.step)
        except Diverged as error:
            good = [label for step, label in sorted(self.wanted.items()) if step <= self.step]
            if not (self.folders and good):
                raise
            where = f"the last good checkpoint is {good[-1]} in {self.folders[0].path}"
            raise Diverged(f"{error}; {where}") from None
        self.step += 1
        self._keep(learner)
        return shown

    def _keep(self, learner: Resumable) -> None:
        if self.step in self.wanted and self.folders:
            label = self.wanted[self.step]
            for folder, kept, tensors in zip(self.folders, self._kept, learner.snapshots(), strict=True):
                kept[label] = folder.save(label, tensors)

    def _save(self, learner: Resumable) -> None:
        now = time.perf_counter()
        self.seconds += (now - self._saved) / max(1, len(self.folders))
        self._saved = now
        if self.folders:
            keep = KEEP_BELOW if self.step in self._points else 0
            for folder, kept, state in zip(self.folders, self._kept, learner.states(), strict=True):
                folder.save_progress(Progress(self.step, self.seconds, dict(kept), state), keep)

    def _resume(self, learner: Resumable) -> None:
        """Go to the latest point that all networks have, or begin."""
        by_step = [{point.step: point for point in folder.points()} for folder in self.folders]
        common = set.intersection(*map(set, by_step)) if by_step else set()
        if not common:
            self._keep(learner)
            return
        points = [points[max(common)] for points in by_step]
        learner.restore([point.state for point in points])
        self.step, self.seconds = points[0].step, points[0].seconds
        self._kept = [point.checkpoints for point in points]
