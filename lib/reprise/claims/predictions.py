"""Sealed predictions: what a run was expected to give, written and committed before it, scored after it.

A file below ``predictions/`` holds the time of sealing, a digest of its own text, and one table a prediction.
Whoever changes a word of it afterwards breaks the digest.
"""

from __future__ import annotations

import datetime
import hashlib
import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from ..places import UserError
from .ledger import Entry, Judged
from .verdict import Part

_SEAL = re.compile(r"^hash = .*\n", re.MULTILINE)
_TIME = re.compile(r"^sealed = .*\n", re.MULTILINE)


@dataclass(frozen=True)
class Prediction:
    """What one comparison of one claim was expected to give.

    Attributes:
        claim: Id of the claim.
        version: Version of its rule.
        setting: The setting, as the ledger labels it.
        comparison: Name of the comparison, see :class:`reprise.claims.verdict.Part`.
        expected: Estimate that was expected.
        low: Lower end of the range in which it was expected.
        high: Upper end.
        verdict: Verdict on the comparison that was expected.
        n: Number of seeds.
        power: Chance of that verdict if the expectation is right, in [0, 1].
        basis: What the expectation was built on.
        sealed: When it was sealed.
        file: Name of its file.
    """

    claim: str
    version: int
    setting: str
    comparison: str
    expected: float
    low: float
    high: float
    verdict: str
    n: int
    power: float
    basis: str
    sealed: datetime.datetime
    file: str


@dataclass(frozen=True)
class Score:
    """A prediction beside what came.

    Attributes:
        prediction: What was expected.
        part: What came; None before the run, or where another version of the rule judges now.
        units: Ids of the units that it rests on.
    """

    prediction: Prediction
    part: Part | None
    units: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """``open``, ``as predicted``, or which of verdict and estimate was missed."""
        if self.part is None:
            return "open"
        inside = self.prediction.low <= self.part.estimate <= self.prediction.high
        right = self.part.status == self.prediction.verdict
        if right and inside:
            return "as predicted"
        return "estimate missed" if right else "verdict missed" if inside else "verdict and estimate missed"


def digest(text: str) -> str:
    """Digest of a file of predictions: SHA-256 of its text without the line that holds the digest."""
    return hashlib.sha256(_SEAL.sub("", text).encode()).hexdigest()


def read(path: Path, sealed: bool = True) -> list[Prediction]:
    """Predictions of one file.

    Args:
        path: The file.
        sealed: Whether it must be sealed.

    Raises:
        UserError: It cannot be read, a value is missing or unknown, or its text is not what was sealed.
    """
    text = path.read_text("utf-8")
    try:
        table: dict[str, Any] = tomllib.loads(text)
        shared = {"sealed": table["sealed"], "file": path.name}
        found = [Prediction(**row, **shared) for row in table["prediction"]]
    except (tomllib.TOMLDecodeError, KeyError, TypeError) as error:
        names = ", ".join(field.name for field in fields(Prediction)[:-2])
        raise UserError(f"{path}: {error}; it holds sealed, hash and [[prediction]] with: {names}") from None
    if sealed and table.get("hash") != digest(text):
        raise UserError(f"{path}: not what was sealed (its text has digest {digest(text)[:16]}…)")
    for row in found:
        if not (row.low <= row.expected <= row.high and 0 <= row.power <= 1):
            raise UserError(f"{path}: {row.claim}: must have low ≤ expected ≤ high and 0 ≤ power ≤ 1")
    return found


def seal(path: Path, now: datetime.datetime | None = None) -> str:
    """Write time and digest into a file of predictions.

    Args:
        path: The file, with a line ``sealed = …`` and a line ``hash = …``.
        now: Time to write; the present if None.

    Returns:
        The digest.

    Raises:
        UserError: It is sealed already, or cannot be read.
    """
    text = path.read_text("utf-8")
    read(path, sealed=False)
    if f'hash = "{digest(text)}"' in text:
        raise UserError(f"{path} is sealed already; what is predicted anew goes into a new file")
    moment = (now or datetime.datetime.now(datetime.UTC)).strftime("%Y-%m-%dT%H:%M:%SZ")
    text = _TIME.sub(f"sealed = {moment}\n", text, count=1)
    sealed = digest(text)
    path.write_text(_SEAL.sub(f'hash = "{sealed}"\n', text, count=1), "utf-8")
    return sealed


def predictions(folder: Path) -> list[Prediction]:
    """All sealed predictions of a folder, in order of its files; none if there is no folder."""
    return [row for path in sorted(folder.glob("*.toml")) for row in read(path)]


def score(found: Sequence[Prediction], entries: Sequence[Entry]) -> list[Score]:
    """Hold predictions against a ledger.

    Args:
        found: The predictions.
        entries: Judged claims; the former versions of their rules are looked through, too.
    """
    judged: dict[tuple[str, int, str], Judged] = {}
    for entry in entries:
        for version in (entry, *entry.former):
            for one in version.judged:
                judged[version.claim.id, version.claim.version, one.case.preset] = one
    scores = []
    for prediction in found:
        one = judged.get((prediction.claim, prediction.version, prediction.setting))
        parts = {part.name: part for part in one.verdict.parts} if one else {}
        scores.append(Score(prediction, parts.get(prediction.comparison), one.units if one else ()))
    return scores
