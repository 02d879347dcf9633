"""What holds only together: claims that are the conjunction of others, measures that must agree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from ..engine.words import listed
from .claim import Claim, Outcome, Runs, Selection
from .verdict import Part, Status, all_of


def together(
    id: str,
    parts: Sequence[Claim],
    title: str,
    statement: str,
    figure: str,
    endpoint: str = "",
    former: tuple[Claim, ...] = (),
) -> Claim:
    """The conjunction of some claims of one study, stated in the abstract: supported if all of them are.

    Rule, runs, notes and gate are those of its parts; it is *not run* where one of them is not.

    Args:
        id: Its own name.
        parts: The claims.
        title: A few words.
        statement: The claim in our words.
        figure: The figure that shows it best.
        endpoint: The quantity in words; the names of the parts if empty.
        former: The conjunction as earlier versions had it, the latest first; its version is one above theirs.
    """
    first, joined = parts[0], listed([part.id for part in parts])

    def decide(runs: Runs, measure: str) -> Outcome:
        outcomes = [part.decide(runs, measure) for part in parts]
        comparisons = tuple(comparison for _, own, _ in outcomes for comparison in own)
        return (
            all_of([status for status, _, _ in outcomes]),
            comparisons,
            " ".join(note for *_, note in outcomes if note),
        )

    return Claim(
        id=id,
        study=first.study,
        source="abstract",
        title=title,
        statement=statement,
        words=f"{joined} together.",
        endpoint=endpoint or joined,
        decide=decide,
        runs=_merged([selection for part in parts for selection in part.runs]),
        figure=figure,
        measure=first.measure,
        gate=first.gate,
        parts=tuple(parts),
        version=1 + len(former),
        seeds=first.seeds,
        deciding=first.deciding,
        beside=first.beside,
        positive="It holds where each of its parts does.",
        negative="It fails where one of them fails.",
        former=former,
    )


def agreed(by_measure: Mapping[str, Sequence[Part]]) -> tuple[Status, dict[str, Status]]:
    """Status of a rule that several measures must agree on, each of which needs all its comparisons.

    Args:
        by_measure: Measure, by any name → its comparisons.

    Returns:
        The status that all have, else *mixed*; and that by each measure.
    """
    statuses: dict[str, Status] = {name: all_of(parts) for name, parts in by_measure.items()}
    found = set(statuses.values())
    return (next(iter(found)) if len(found) == 1 else "mixed"), statuses


def _merged(selections: Sequence[Selection]) -> tuple[Selection, ...]:
    """The same conditions, each family and each setting once."""
    merged: dict[tuple, Selection] = {}
    for selection in selections:
        own = selection.names if not selection.family else ()
        key = (selection.study, selection.family, selection.prefix, selection.optional, own)
        before = merged[key].names if key in merged else ()
        merged[key] = replace(selection, names=tuple(dict.fromkeys((*before, *selection.names))))
    return tuple(merged.values())
