"""Stored units of one layer, each read once, and the verdicts on them, each judged once."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, cast

from ..engine.provenance import source_hash
from ..engine.store import Layer, Store
from ..engine.study import Unit
from .verdict import Part, Verdict

if TYPE_CHECKING:
    import xarray as xr

KEPT = 2000
"""Remembered verdicts, of which the oldest go first."""


class Opened:
    """Reads units of one layer, each once, and remembers verdicts on them.

    A remembered verdict belongs to the files that it was judged on (name, size and time of each), to the
    wording of its rule and to the library's source; if any of these has changed, it is judged again.

    Args:
        store: Where the units are; its first layer counts.
        remembered: Folder for verdicts; None to judge anew each time.
    """

    def __init__(self, store: Store, remembered: Path | None = None):
        self.store, self.remembered = store, remembered
        self._units: dict[str, xr.Dataset | None] = {}
        self._damaged = False

    def __call__(self, unit: Unit) -> xr.Dataset | None:
        """A unit, in memory, or None if there is none; see :meth:`reprise.engine.store.Store.load`."""
        if unit.id not in self._units:
            self._units[unit.id] = self.store.load(unit)
            self._damaged |= self._units[unit.id] is None and not self._stamp(unit).endswith("-")
        return self._units[unit.id]

    def key(self, words: Iterable[str], units: Iterable[Unit]) -> str:
        """What a verdict depends on, as 32 hexadecimal digits.

        Args:
            words: Claim, wording of its rule, setting.
            units: Units that its runs consist of, whether they are there or not.
        """
        digest = hashlib.sha256(source_hash().encode())
        for word in (*words, *map(self._stamp, units)):
            digest.update(word.encode() + b"\0")
        return digest.hexdigest()[:32]

    def recall(self, key: str) -> tuple[Verdict, tuple[str, ...]] | None:
        """A remembered verdict with the ids of its units; None if there is none that can be read."""
        if self.remembered is None:
            return None
        try:
            values = json.loads((self.remembered / f"{key}.json").read_text("utf-8"))
            parts = tuple(Part(**part) for part in values["verdict"].pop("parts"))
            return Verdict(**values["verdict"], parts=parts), tuple(values["units"])
        except (OSError, ValueError, TypeError, KeyError):
            return None

    def remember(self, key: str, verdict: Verdict, units: tuple[str, ...]) -> None:
        """Keep a verdict, if something can be written there and no damaged unit has to be told again."""
        if self.remembered is None or self._damaged:
            return
        text = json.dumps({"verdict": asdict(verdict), "units": units}, ensure_ascii=False)
        with contextlib.suppress(OSError):
            self.remembered.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=self.remembered, suffix=".tmp")
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
            os.replace(name, self.remembered / f"{key}.json")
            if len(kept := list(self.remembered.glob("*.json"))) > KEPT:
                for path in sorted(kept, key=lambda path: path.stat().st_mtime)[:-KEPT]:
                    path.unlink(missing_ok=True)

    def _stamp(self, unit: Unit) -> str:
        path = self.store.path(unit, cast("Layer", self.store.layers[0]))
        try:
            there = path.stat()
        except OSError:
            return f"{unit.id} -"
        return f"{unit.id} {there.st_size} {there.st_mtime_ns}"
