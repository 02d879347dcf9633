"""The ledger: every claim judged on what is in the store, setting by setting."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, get_args

from ..data import datasets
from ..engine.runner import gather, units
from ..engine.store import Layer, Store
from ..engine.study import Unit
from ..places import Places, UserError
from .cases import Case, cases, find_claims
from .claim import Claim, without
from .opened import Opened
from .record import digest
from .verdict import MINIMUM_SEEDS, ORDER, Status, Verdict

if TYPE_CHECKING:
    import xarray as xr

Load = Callable[[Unit], "xr.Dataset | None"]


@dataclass(frozen=True)
class Judged:
    """A claim in one setting, judged.

    Attributes:
        case: The setting.
        verdict: What the rule says; *not run*, without parts, if a condition has no unit.
        datasets: Data sets of the runs.
        units: Ids of the units that it rests on.
        missing: Number of units that the setting has beyond these.
    """

    case: Case
    verdict: Verdict
    datasets: tuple[str, ...]
    units: tuple[str, ...]
    missing: int

    @property
    def data(self) -> str:
        """The data sets in words: from one to the next where it was transferred, else side by side."""
        configs = (condition.config for condition in self.case.conditions.values())
        transferred = any({"source", "target"} & set(type(config).model_fields) for config in configs)
        return (" → " if transferred and " + " not in self.case.preset else " + ").join(self.datasets)

    @property
    def seeds(self) -> int:
        """Seeds of the comparison with the fewest; 0 if there is none."""
        return min((part.n for part in self.verdict.parts), default=0)


@dataclass(frozen=True)
class Entry:
    """A claim with all settings in which it was judged.

    Attributes:
        claim: The claim.
        judged: Its settings, in the order in which they decide.
        former: The same by earlier versions of its rule, the latest first.
    """

    claim: Claim
    judged: tuple[Judged, ...]
    former: tuple[Entry, ...] = ()

    @property
    def headline(self) -> Judged:
        """The setting whose verdict is the claim's: the first deciding one with five seeds.

        If none has as many, the first deciding one with any; else the last of these, which is not run.
        """
        deciding = [one for one in self.judged if one.case.decides] or list(self.judged)
        enough = (one for one in deciding if one.seeds >= MINIMUM_SEEDS)
        run = (one for one in deciding if one.verdict.status != "not run")
        return next(enough, None) or next(run, None) or deciding[-1]


def open_layer(places: Places, layer: str) -> Opened:
    """A function that reads units of one layer, each once, and remembers verdicts on them.

    Args:
        places: Where results and runs lie.
        layer: Whose units are judged: ``"published"`` or ``"local"``.

    Raises:
        UserError: There is no such layer.
    """
    if layer not in get_args(Layer):
        raise UserError(f"runs {layer!r}: choose {' or '.join(get_args(Layer))}")
    return Opened(Store.of(replace(places, layers=(layer,))), places.local / "verdicts")


def ledger(
    load: Load,
    ids: Sequence[str] | None = None,
    preset: str | None = None,
    overrides: Mapping[str, Any] | None = None,
    seeds: Sequence[int] | None = None,
) -> list[Entry]:
    """Judge claims on stored units.

    Args:
        load: How to read a unit, such as :func:`open_layer` gives it.
        ids: Ids of claims, each taken with its parts; all if None.
        preset: One preset; all in which a claim is judged if None.
        overrides: Settings to replace in it.
        seeds: Seeds; those that the claim takes of the preset if None.

    Raises:
        UserError: There is no such claim, preset or setting.
    """
    return [judge_claim(claim, load, preset, overrides, seeds) for claim in find_claims(ids)]


def judge_claim(
    claim: Claim,
    load: Load,
    preset: str | None = None,
    overrides: Mapping[str, Any] | None = None,
    seeds: Sequence[int] | None = None,
) -> Entry:
    """Judge one claim on stored units, by each version of its rule; arguments as of :func:`ledger`."""
    settings = cases(claim, preset, overrides, seeds)
    judged = tuple(judge_case(claim, case, load) for case in settings)
    former = (judge_claim(old, load, preset, overrides, seeds) for old in claim.former)
    return Entry(claim, judged, tuple(former))


def judge_case(claim: Claim, case: Case, load: Load) -> Judged:
    """Judge a claim in one setting; *not run* where a condition of it has no unit."""
    wanted = {name: units(one.config, one.seeds) for name, one in case.conditions.items()}
    learned = [name for one in case.conditions.values() for name in _datasets(one.config.model_dump())]
    where = tuple(dict.fromkeys(learned))
    if isinstance(load, Opened):
        words = [claim.id, str(claim.version), digest(claim), case.preset]
        words += [f"{name} {len(own)}" for name, own in wanted.items()]
        key = load.key(words, [unit for own in wanted.values() for unit in own])
        if (recalled := load.recall(key)) is None:
            recalled = _judge(claim, case, load, wanted, where)
            load.remember(key, *recalled)
        verdict, present = recalled
    else:
        verdict, present = _judge(claim, case, load, wanted, where)
    missing = sum(map(len, wanted.values())) - len(present)
    return Judged(case, verdict, where, tuple(dict.fromkeys(present)), missing)


def _judge(
    claim: Claim, case: Case, load: Load, wanted: Mapping[str, Sequence[Unit]], where: tuple[str, ...]
) -> tuple[Verdict, tuple[str, ...]]:
    """The verdict, and the ids of the units that it rests on, one a condition and seed."""
    runs, present = {}, []
    for name, condition in case.conditions.items():
        found = {unit: dataset for unit in wanted[name] if (dataset := load(unit)) is not None}
        present += [unit.id for unit in found]
        if found:
            runs[name] = gather(list(found.values()), condition.preset)
    lacking = [name for name in case.needs if name not in runs] or list(case.conditions) * (not runs)
    if lacking:
        note = without(lacking)
        verdict = Verdict(claim.id, "not run", (), where[0], case.preset, claim.measure, claim.version, note)
        return verdict, tuple(present)
    return claim.judge(runs), tuple(present)


def tally(entries: Sequence[Entry]) -> dict[Status, int]:
    """How many claims have which verdict, by their deciding settings; parts of claims are not counted."""
    found = [entry.headline.verdict.status for entry in entries if entry.claim.id == entry.claim.parent]
    return {status: found.count(status) for status in ORDER}


def moved(before: Sequence[Entry], after: Sequence[Entry]) -> list[tuple[str, Judged, Judged]]:
    """Claims whose verdict differs between two ledgers, both of them run: id, before, after.

    Args:
        before: A ledger, as a rule the published one; its deciding verdicts count.
        after: Another one; each of its settings is held against the same preset of the first if it has that,
            else against the deciding verdict.
    """
    reference = {entry.claim.id: entry for entry in before}
    found = []
    for entry in after:
        for one in entry.judged:
            other = published_beside(reference.get(entry.claim.id), one)
            if other is None or "not run" in (one.verdict.status, other.verdict.status):
                continue
            if one.verdict.status != other.verdict.status:
                found.append((entry.claim.id, other, one))
    return found


def published_beside(entry: Entry | None, judged: Judged) -> Judged | None:
    """What a judged setting is compared with: the same preset of another ledger, else its headline."""
    if entry is None:
        return None
    name = _preset_names(judged.case.preset)
    return next((one for one in entry.judged if _preset_names(one.case.preset) == name), entry.headline)


def _preset_names(label: str) -> tuple[str, ...]:
    """Presets of a label without what was replaced in them."""
    return tuple(part.partition(",")[0] for part in label.split(" + "))


def _datasets(settings: Mapping[str, Any]) -> list[str]:
    """What a run learned from, source first."""
    names = [settings.get("source"), settings["dataset"], settings.get("target")]
    return [str(name) for name in names if name in datasets()]
