"""Verdicts as the book shows them: chips, intervals drawn beside their bounds, one row a claim; HTML."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence

from ..claims import claims
from ..claims.assay import explain
from ..claims.claim import Claim
from ..claims.ledger import Entry, Judged, tally
from ..claims.verdict import Part, Verdict, spell_tally
from .links import link

TITLES = {
    "goerttler2021": "Study 1: meta-learning",
    "goerttler2022": "Study 2: fine-tuning",
    "dippel2022": "Study 3: segmentation",
}
"""Key of a paper → title of its study."""

WIDTH, HEIGHT = 132, 18
"""Size of a drawn interval, in CSS pixels."""


def chip(status: str) -> str:
    """A verdict as a chip."""
    return f'<span class="verdict-{status.replace(" ", "-")}">{status}</span>'


def glyph(part: Part | None) -> str:
    """A comparison drawn small: dot and interval beside the bound; of equivalence, the margins as a band.

    Args:
        part: The comparison; None or one without a number gives an empty place.
    """
    if part is None or not math.isfinite(part.estimate):
        return '<span class="glyph"></span>'
    ends = [part.estimate, *(end for end in (part.low, part.high) if math.isfinite(end))]
    bounds = [-part.limit, part.limit] if part.equivalence else [part.limit]
    least, most = min(ends + bounds), max(ends + bounds)
    room = (most - least) * 0.12 or max(abs(most), 1.0) * 0.12

    def at(value: float) -> str:
        return f"{6 + (WIDTH - 12) * (value - least + room) / (most - least + 2 * room):.1f}"

    middle = HEIGHT / 2
    if part.equivalence:
        span = float(at(bounds[1])) - float(at(bounds[0]))
        drawn = f'<rect class="margin" x="{at(bounds[0])}" y="2" width="{span:.1f}" height="{HEIGHT - 4}"/>'
    else:
        drawn = f'<path class="bound" d="M{at(part.limit)} 1V{HEIGHT - 1}"/>'
    if math.isfinite(part.low) and math.isfinite(part.high):
        drawn += f'<path class="interval" d="M{at(part.low)} {middle}H{at(part.high)}"/>'
    drawn += f'<circle cx="{at(part.estimate)}" cy="{middle}" r="3.4"/>'
    words = html.escape(f"{part.amount()}, {part.bound}")
    return (
        f'<svg class="glyph" role="img" aria-label="{words}" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" '
        f'height="{HEIGHT}"><title>{words}</title>{drawn}</svg>'
    )


def parts_list(parts: Sequence[Part]) -> str:
    """Comparisons with their numbers; of what is undecided, what it still says."""
    lines = []
    for part in parts:
        words = html.escape(f"{part.name}: {part.amount()}, {part.bound} ({part.basis})")
        more = explain(part)
        more = f'<span class="says">{html.escape(more)}</span>' if more else ""
        lines.append(f"<li>{chip(part.status)} {glyph(part)} {words} {more}</li>")
    return f'<ul class="parts">{"".join(lines)}</ul>' if lines else ""


def row(
    claim: Claim, verdict: Verdict, name: str, folded: str, attributes: str = "", instead: str = ""
) -> str:
    """One claim: chip, title, interval and n; what is folded behind it.

    Args:
        claim: The claim.
        verdict: What its rule says.
        name: What stands before the title, as HTML.
        folded: What shows when it is opened, as HTML.
        attributes: Further attributes of the row.
        instead: What stands in place of an interval where there is none, as HTML.
    """
    part = verdict.decisive
    seeds = f"n = {part.n}" if part else instead
    title = f"<span>{name} {html.escape(claim.title)}</span>"
    return (
        f"<li{attributes}>{chip(verdict.status)}<details><summary>{title}{glyph(part)}"
        f'<span class="whole">{seeds}</span></summary>{folded}</details></li>'
    )


def verdict_list(verdicts: Sequence[Verdict]) -> str:
    """Verdicts on some claims, one row each, with parts, note and rule folded behind it."""
    about = {claim.id: claim for claim in claims()}
    items = []
    for verdict in verdicts:
        claim = about[verdict.claim]
        where = html.escape(" · ".join(filter(None, (verdict.dataset, verdict.preset, verdict.measure))))
        note = f"<p>{html.escape(verdict.note)}</p>" if verdict.note else ""
        ledger = link(f"ledger-{claim.id.lower()}", "in the ledger")
        folded = (
            f'<div class="provenance"><p>{html.escape(claim.statement)}</p>{parts_list(verdict.parts)}{note}'
            f"<p>Rule, version {claim.version}: {html.escape(claim.rule)}</p><p>{where}; {ledger}.</p></div>"
        )
        name = f"<strong>{verdict.claim}</strong>"
        preset = html.escape(verdict.preset)
        items.append(
            row(claim, verdict, name, folded, f' id="claim-{verdict.claim.lower()}" data-preset="{preset}"')
        )
    return f'<ul class="verdicts">{"".join(items)}</ul>'


def tally_line(entries: Sequence[Entry]) -> str:
    """How many claims have which verdict, as chips."""
    counts = tally(entries)
    chips = " ".join(
        f'<span class="tally"><strong>{count}</strong> {chip(status)}</span>'
        for status, count in counts.items()
        if count
    )
    data = " ".join(f'data-{status.replace(" ", "-")}="{count}"' for status, count in counts.items())
    return f'<p class="tallies" {data} aria-label="{html.escape(spell_tally(counts))}">{chips}</p>'


def summary(entries: Sequence[Entry]) -> str:
    """One line a claim: verdict, what it is about, its interval, data and seeds; parts are left out."""
    items = []
    for paper, of_paper in by_paper(entries).items():
        items.append(f'<li class="paper">{html.escape(TITLES[paper])}</li>')
        for entry in of_paper:
            if entry.claim.id != entry.claim.parent:
                continue
            one = entry.headline
            seeds = f' · <span class="whole">n = {one.seeds}</span>'
            where = f"{html.escape(setting(one))}{seeds}" if one.seeds else before(entry)
            items.append(
                f"<li {data(entry, one)}>{chip(one.verdict.status)}"
                f"<span>{link(f'ledger-{entry.claim.id.lower()}', entry.claim.id)} "
                f"{html.escape(entry.claim.title)}</span>"
                f'<span class="provenance">{where}</span></li>'
            )
    return f'<ul class="verdicts summary">{"".join(items)}</ul>'


def before(entry: Entry) -> str:
    """What the version before said, where the present one has not been run."""
    if entry.headline.verdict.status != "not run" or not entry.former:
        return ""
    old = entry.former[0]
    if old.headline.verdict.status == "not run":
        return ""
    return f'<span class="before">version {old.claim.version} said {chip(old.headline.verdict.status)}</span>'


def by_paper(entries: Sequence[Entry]) -> dict[str, list[Entry]]:
    """Claims by the key of their paper, in the order in which the papers come."""
    found: dict[str, list[Entry]] = {}
    for entry in entries:
        found.setdefault(entry.claim.paper, []).append(entry)
    return found


def setting(one: Judged) -> str:
    """Data and preset of a judged setting, in words."""
    return f"{one.data} · {one.case.preset}"


def data(entry: Entry, one: Judged) -> str:
    """A verdict as attributes, in full precision, by which a test holds the built page against the units."""
    part = one.verdict.decisive
    values = {
        "claim": entry.claim.id,
        "version": str(entry.claim.version),
        "preset": one.case.preset,
        "status": one.verdict.status,
        "n": str(one.seeds),
        "units": str(len(one.units)),
    }
    if part is not None:
        values |= {name: repr(getattr(part, name)) for name in ("estimate", "low", "high")}
    return " ".join(f'data-{name}="{html.escape(value)}"' for name, value in values.items())
