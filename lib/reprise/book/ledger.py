"""The ledger as the book shows it: one row a claim, and behind it all that its verdict rests on; HTML.

Verdicts also stand in the page as data (``data-claim``, ``data-preset``, ``data-status`` and the numbers of
the comparison with the least support), so that a test can hold the built page against the units.
"""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence

from ..claims.assay import assay
from ..claims.claim import SOURCES, Claim
from ..claims.ledger import Entry, Judged
from ..claims.predictions import Score
from ..claims.record import rulings
from ..claims.verdict import ORDER
from ..engine.words import number, with_interval
from ..studies.transfer.authors import Theirs
from .links import link
from .verdicts import TITLES, before, by_paper, chip, data, parts_list, row, setting

NO_NUMBERS = {
    "goerttler2021": "The paper shows this in figures and prints no numbers.",
    "goerttler2022": "The authors' run table has no number for this.",
    "dippel2022": "Neither code nor a table of runs is public.",
}
"""Key of a paper → why no number of the authors' stands beside ours."""


def ledger_html(
    entries: Sequence[Entry], authors: Mapping[str, Sequence[Theirs]], scores: Sequence[Score] = ()
) -> dict[str, str]:
    """The whole ledger, paper by paper.

    Args:
        entries: Judged claims.
        authors: The authors' numbers by claim.
        scores: Sealed predictions with what came of them.

    Returns:
        Key of the paper → HTML.
    """
    found = {}
    for paper, of_paper in by_paper(entries).items():
        rows = [
            _claim(
                entry,
                authors.get(entry.claim.id, ()),
                [one for one in scores if one.prediction.claim == entry.claim.id],
            )
            for entry in of_paper
        ]
        found[paper] = f'<ul class="verdicts ledger" data-paper="{paper}">{"".join(rows)}</ul>'
    return found


def choices(entries: Sequence[Entry]) -> str:
    """Menus that show the claims of one study, or with one verdict; they need the page's script."""
    papers = "".join(
        f'<option value="{paper}">{html.escape(TITLES[paper])}</option>' for paper in by_paper(entries)
    )
    there = {entry.headline.verdict.status for entry in entries}
    statuses = "".join(f"<option>{status}</option>" for status in ORDER if status in there)
    return (
        '<form class="ledger-filter" hidden><label>Study <select name="paper"><option value="">all</option>'
        f'{papers}</select></label> <label>Verdict <select name="status"><option value="">all</option>'
        f'{statuses}</select></label> <button type="button">Open all</button> <output aria-live="polite">'
        "</output></form>"
    )


def _claim(entry: Entry, theirs: Sequence[Theirs], scores: Sequence[Score]) -> str:
    claim, deciding = entry.claim, entry.headline
    facts = {
        "the paper": html.escape(f"{claim.statement} ({SOURCES[claim.source]})"),
        "endpoint": html.escape(
            f"{claim.endpoint}; measure {claim.measure}"
            + (f"; margin {claim.margin}" if claim.margin else "")
        ),
        f"rule, version {claim.version}": f"{html.escape(claim.rule)} {_ruling(claim)}",
    }
    facts |= {f"version {old.claim.version} said": _former(old) for old in entry.former}
    controls = ((claim.positive, "must hold"), (claim.negative, "must fail"))
    facts |= {name: html.escape(text) for text, name in controls if text}
    facts |= {"could it tell?": table} if (table := _assay(deciding)) else {}
    facts |= {"predicted": _scores(scores)} if scores else {}
    facts |= {"the authors": _authors(claim.paper, theirs)}
    run = [one for one in entry.judged if one.verdict.status != "not run"]
    cases = "".join(_case(entry, one) for one in run or [deciding])
    absent = [one for one in entry.judged if one not in run and (run or one is not deciding)]
    if absent:
        names = "; ".join(setting(one) for one in absent)
        cases += f'<li class="absent">{chip("not run")}<span>{html.escape(names)}</span></li>'
    where = [link(f"claim-{claim.id.lower()}", "in its chapter"), link(claim.figure, "figure")]
    rows = "".join(f"<dt>{html.escape(name)}</dt><dd>{text}</dd>" for name, text in facts.items())
    folded = (
        f'<ul class="verdicts cases">{cases}</ul><dl class="facts">{rows}</dl>'
        f'<p class="provenance">See {", ".join(where)}. {_commands(deciding)}</p>'
    )
    is_part = ' class="part"' if claim.id != claim.parent else ""
    status = deciding.verdict.status
    anchors = f' id="ledger-{claim.id.lower()}"{is_part} data-paper="{claim.paper}" data-verdict="{status}"'
    return row(claim, deciding.verdict, f"<strong>{claim.id}</strong>", folded, anchors, before(entry))


def _ruling(claim: Claim) -> str:
    """When a version of a rule came, and why."""
    row = rulings().get((claim.id, claim.version))
    if row is None:
        return ""
    return (
        f'<span class="ruling">({row.date}, commit <code>{html.escape(row.commit)}</code>: '
        f"{html.escape(row.reason)}.)</span>"
    )


def _former(entry: Entry) -> str:
    """What an earlier version of the rule says, setting by setting."""
    run = [one for one in entry.judged if one.verdict.status != "not run"] or [entry.headline]
    lines = "".join(
        f'<li data-former="{entry.claim.id}" data-preset="{html.escape(one.case.preset)}" '
        f'data-status="{one.verdict.status}">{chip(one.verdict.status)} {html.escape(setting(one))}'
        f"{parts_list(one.verdict.parts)}</li>"
        for one in run
    )
    words = f"{html.escape(entry.claim.rule)} {_ruling(entry.claim)}"
    return f'<ul class="parts">{lines}</ul><details><summary>its rule</summary>{words}</details>'


def _assay(one: Judged) -> str:
    """Smallest decidable effect and error rates of each comparison."""
    lines = [
        f"{row.part.name}: seeds differ by {number(row.deviation)} (standard deviation); decides "
        f"{'a margin of ±' if row.part.equivalence else 'an effect of '}{number(row.decidable)} "
        f"{row.part.unit}".rstrip()
        + f" with 90 % power (found in {100 * row.found:.0f} % of simulations); "
        f"wrongly supported in {100 * row.wrong:.1f} % if the truth lies on the bound"
        for row in assay(one.verdict)
    ]
    items = "".join(f"<li>{html.escape(line)}</li>" for line in lines)
    return f'<ul class="parts">{items}</ul>' if items else ""


def _scores(scores: Sequence[Score]) -> str:
    """Sealed predictions beside what came."""
    lines = []
    for one in scores:
        was = one.prediction
        came = f"came {one.part.amount()}, {one.part.status}" if one.part else "not run yet"
        lines.append(
            f"<li><strong>{one.words}</strong>: {html.escape(was.comparison)} ({html.escape(was.setting)}), "
            f"expected {with_interval(was.expected, was.low, was.high)}, {was.verdict} with power "
            f"{number(was.power, 2)}, n = {was.n}, from {html.escape(was.basis)}; {came}. Sealed "
            f"{was.sealed:%Y-%m-%d %H:%M} in <code>predictions/{html.escape(was.file)}</code>.</li>"
        )
    return f'<ul class="parts">{"".join(lines)}</ul>'


def _case(entry: Entry, one: Judged) -> str:
    short = f"{one.missing} of {one.missing + len(one.units)} units are missing. " if one.missing else ""
    note = html.escape(f"{short}{one.verdict.note}".strip())
    decides = " (decides)" if one is entry.headline and one.verdict.status != "not run" else ""
    return (
        f"<li {data(entry, one)}>{chip(one.verdict.status)}"
        f"<span>{html.escape(setting(one))}{decides}</span>"
        f'<div class="provenance">{parts_list(one.verdict.parts)}{note}</div></li>'
    )


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
