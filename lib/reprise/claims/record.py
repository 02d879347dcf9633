"""The record of rules: every version of every rule with its date, commit, reason and the digest of its text.

``rules.toml`` beside this module is the record. A rule whose text differs from what is recorded under its
version is refused, so a rule cannot change without its version.
"""

from __future__ import annotations

import functools
import hashlib
import json
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .claim import Claim, claims

RECORD = Path(__file__).with_name("rules.toml")


@dataclass(frozen=True)
class Ruling:
    """One version of one rule.

    Attributes:
        id: Id of the claim.
        version: Version of the rule.
        date: Day of the commit that brought it, as ``2026-11-30``.
        commit: That commit.
        reason: Why it came, or replaced the version before.
        digest: Digest of its text, see :func:`digest`.
    """

    id: str
    version: int
    date: str
    commit: str
    reason: str
    digest: str


def digest(claim: Claim) -> str:
    """Sixteen hexadecimal digits of all that a rule says in words: rule, endpoint, measure, margin, seeds."""
    text = [claim.rule, claim.endpoint, claim.measure, claim.margin, *map(str, claim.seeds)]
    return hashlib.sha256(json.dumps(text, ensure_ascii=False).encode()).hexdigest()[:16]


@functools.cache
def rulings(path: Path = RECORD) -> dict[tuple[str, int], Ruling]:
    """The record: (id, version) → ruling."""
    rows = [Ruling(**row) for row in tomllib.loads(path.read_text("utf-8"))["rule"]]
    return {(row.id, row.version): row for row in rows}


def versions(claim: Claim) -> tuple[Claim, ...]:
    """A claim by every version of its rule, the present one first."""
    return (claim, *claim.former)


def unrecorded(chosen: Sequence[Claim] | None = None, path: Path = RECORD) -> list[str]:
    """What is wrong with the record, a line each; empty if every rule is what it says.

    Args:
        chosen: Claims with their former versions; all if None.
        path: The record.
    """
    known, wrong = rulings(path), []
    for claim in chosen if chosen is not None else claims():
        ours = versions(claim)
        numbers = [version.version for version in ours]
        if numbers != list(range(len(ours), 0, -1)):
            wrong.append(f"{claim.id}: its versions are {numbers}; they must count down to 1")
        for version in ours:
            row = known.get((version.id, version.version))
            if row is None:
                wrong.append(f"{version.id}, version {version.version}: not in the record")
            elif row.digest != digest(version):
                wrong.append(
                    f"{version.id}, version {version.version}: its text was changed (now {digest(version)}, "
                    f"recorded {row.digest}); raise its version, keep the old text as former, record both"
                )
    return wrong
