"""The ledger as the book shows it: claims with verdicts, numbers and links, generated from judged units.

Verdicts also stand in the page as data (``data-claim``, ``data-preset``, ``data-status`` and the numbers of
the comparison with the least support), so that a test can hold the built page against the units.
"""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence

from ..claims import claims
from ..claims.claim import SOURCES
from ..claims.ledger import Entry, Judged, tally
from ..claims.verdict import Part, Verdict, spell_tally
from ..engine.words import number
from ..studies.transfer.authors import Theirs
from .links import link

TITLES = {
    "goerttler2021": "Study 1: meta-learning",
    "goerttler2022": "Study 2: fine-tuning",
    "dippel2022": "Study 3: segmentation",
}
"""Key of a paper → title of its study."""

NO_NUMBERS = {
    "goerttler2021": "The paper shows this in figures and prints no numbers.",
    "goerttler2022": "The authors' run table has no number for this.",
    "dippel2022": "Neither code nor a table of runs is public.",
}
"""Key of a paper → why no number of the authors' stands beside ours."""


def chip(status: str) -> str:
    """A verdict as a chip; HTML."""
    return f'<span class="verdict-{status.replace(" ", "-")}">{status}</span>'


def verdict_list(verdicts: Sequence[Verdict]) -> str:
    """Verdicts as a list of chips with what each is about and the numbers behind it; HTML."""
    about = {claim.id: claim for claim in claims()}
    items = []
    for verdict in verdicts:
        claim = about[verdict.claim]
        several = len(verdict.parts) > 1
        lines = [
            f"{f'{chip(part.status)} ' if several else ''}{html.escape(part.name)}: {part.amount()} "
            f'({100 * part.level:.3g} % interval, <span class="whole">n = {part.n}</span>)'
            for part in verdict.parts
        ]
        where = html.escape(" · ".join(filter(None, (verdict.dataset, verdict.preset, verdict.measure))))
        numbers = f'<ul class="parts">{"".join(f"<li>{line}</li>" for line in lines)}</ul>' if lines else ""
        note = f"{html.escape(verdict.note)} " if verdict.note else ""
        items.append(
            f'<li id="claim-{verdict.claim.lower()}">{chip(verdict.status)}'
            f"<span><strong>{verdict.claim}</strong> {html.escape(claim.statement)}</span>"
            f'<div class="provenance">{numbers}{note}{where}.</div></li>'
        )
    return f'<ul class="verdicts">{"".join(items)}</ul>'


def tally_line(entries: Sequence[Entry]) -> str:
    """How many claims have which verdict, as chips; HTML."""
    counts = tally(entries)
    chips = " ".join(
        f'<span class="tally"><strong>{count}</strong> {chip(status)}</span>'
        for status, count in counts.items()
        if count
    )
    data = " ".join(f'data-{status.replace(" ", "-")}="{count}"' for status, count in counts.items())
    return f'<p class="tallies" {data} aria-label="{html.escape(spell_tally(counts))}">{chips}</p>'


def summary(entries: Sequence[Entry]) -> str:
    """One line a claim: verdict, what it is about, data and seeds; HTML."""
    items = []
    for paper, of_paper in by_paper(entries).items():
        items.append(f'<li class="paper">{html.escape(TITLES[paper])}</li>')
        for entry in of_paper:
            if entry.claim.id != entry.claim.parent:
                continue
            one = entry.headline
            seeds = f' · <span class="whole">n = {one.seeds}</span>'
            where = f"{html.escape(_where(one))}{seeds}" if one.seeds else "no units yet"
            items.append(
                f"<li {_data(entry, one)}>{chip(one.verdict.status)}"
                f"<span>{link(f'ledger-{entry.claim.id.lower()}', entry.claim.id)} "
                f"{html.escape(entry.claim.title)}</span>"
                f'<span class="provenance">{where}</span></li>'
            )
    return f'<ul class="verdicts summary">{"".join(items)}</ul>'


def ledger_html(entries: Sequence[Entry], authors: Mapping[str, Sequence[Theirs]]) -> dict[str, str]:
    """The whole ledger, paper by paper.

    Args:
        entries: Judged claims.
        authors: The authors' numbers by claim.

    Returns:
        Key of the paper → HTML.
    """
    return {
        paper: "".join(_claim(entry, authors.get(entry.claim.id, ())) for entry in of_paper)
        for paper, of_paper in by_paper(entries).items()
    }


def by_paper(entries: Sequence[Entry]) -> dict[str, list[Entry]]:
    """Claims by the key of their paper, in the order in which the papers come."""
    found: dict[str, list[Entry]] = {}
    for entry in entries:
        found.setdefault(entry.claim.paper, []).append(entry)
    return found


def _claim(entry: Entry, theirs: Sequence[Theirs]) -> str:
    claim, deciding = entry.claim, entry.headline
    is_part = claim.id != claim.parent
    facts = {
        "the paper": f"{claim.statement} ({SOURCES[claim.source]})",
        "endpoint": f"{claim.endpoint}; measure {claim.measure}"
        + (f"; margin {claim.margin}" if claim.margin else ""),
        f"rule, version {claim.version}": claim.rule,
    }
    rows = [f"<dt>{html.escape(name)}</dt><dd>{html.escape(text)}</dd>" for name, text in facts.items()]
    rows.append(f"<dt>the authors</dt><dd>{_authors(claim.paper, theirs)}</dd>")
    run = [one for one in entry.judged if one.verdict.status != "not run"]
    cases = "".join(_case(entry, one) for one in run or [deciding])
    absent = [one for one in entry.judged if one not in run and (run or one is not deciding)]
    if absent:
        names = "; ".join(f"{_where(one)}" for one in absent)
        cases += f'<li class="absent">{chip("not run")}<span>{html.escape(names)}</span></li>'
    where = [link(f"claim-{claim.id.lower()}", "in its chapter"), link(claim.figure, "figure")]
    return (
        f'<section class="claim{" part" if is_part else ""}" id="ledger-{claim.id.lower()}">'
        f"<h3>{chip(deciding.verdict.status)} {claim.id} · {html.escape(claim.title)}</h3>"
        f'<dl class="facts">{"".join(rows)}</dl><ul class="verdicts">{cases}</ul>'
        f'<p class="provenance">See {", ".join(where)}. {_commands(deciding)}</p></section>'
    )


def _case(entry: Entry, one: Judged) -> str:
    parts = "".join(f"<li>{chip(part.status)} {_part(part)}</li>" for part in one.verdict.parts)
    numbers = f'<ul class="parts">{parts}</ul>' if parts else ""
    short = f"{one.missing} of {one.missing + len(one.units)} units are missing. " if one.missing else ""
    note = html.escape(f"{short}{one.verdict.note}".strip())
    decides = " (decides)" if one is entry.headline and one.verdict.status != "not run" else ""
    return (
        f"<li {_data(entry, one)}>{chip(one.verdict.status)}"
        f"<span>{html.escape(_where(one))}{decides}</span>"
        f'<span class="provenance">{numbers}{note}</span></li>'
    )


def _part(part: Part) -> str:
    return html.escape(f"{part.name}: {part.amount()}, {part.bound} ({part.basis})")


def _where(one: Judged) -> str:
    return f"{one.data} · {one.case.preset}"


def _commands(one: Judged) -> str:
    lines = " and ".join(f"<code>{html.escape(command)}</code>" for command in one.case.commands)
    return f"Computed by {lines}"


def _authors(paper: str, theirs: Sequence[Theirs]) -> str:
    if not theirs:
        return NO_NUMBERS[paper]
    lines = "".join(
        f"<li>{html.escape(one.name)}: {number(one.value)} (means over {one.seeds} seeds)</li>"
        for one in theirs
    )
    return f'<ul class="parts">{lines}</ul>'


def _data(entry: Entry, one: Judged) -> str:
    """The verdict as attributes, in full precision."""
    part = one.verdict.decisive
    values = {
        "claim": entry.claim.id,
        "preset": one.case.preset,
        "status": one.verdict.status,
        "n": str(one.seeds),
        "units": str(len(one.units)),
    }
    if part is not None:
        values |= {name: repr(getattr(part, name)) for name in ("estimate", "low", "high")}
    return " ".join(f'data-{name}="{html.escape(value)}"' for name, value in values.items())
