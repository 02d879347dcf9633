"""Every verdict of the built book, computed again from results/."""

import re
from pathlib import Path

import pytest

from reprise.claims.ledger import ledger, open_layer, tally
from reprise.places import Places

pytestmark = pytest.mark.browser

ROOT = Path(__file__).parents[2]
ROW = re.compile(r'<li (data-claim="[^>]*)>')
VALUE = re.compile(r'data-([a-z]+)="([^"]*)"')


@pytest.fixture(scope="module")
def again():
    places = Places(ROOT / "data", ROOT / "results", ROOT / "_runs", ROOT)
    return ledger(open_layer(places, "published"))


def rows(path):
    return [dict(VALUE.findall(row)) for row in ROW.findall(path.read_text(encoding="utf-8"))]


def test_the_ledger_page_says_what_the_results_say(book, again):
    judged = {(entry.claim.id, one.case.preset): one.verdict for entry in again for one in entry.judged}
    found = rows(book / "chapters" / "ledger.html")
    assert {row["claim"] for row in found} == {entry.claim.id for entry in again}
    for row in found:
        verdict = judged.pop((row["claim"], row["preset"]))
        assert row["status"] == verdict.status, row
        part = verdict.decisive
        if part is not None:
            assert [float(row[name]) for name in ("estimate", "low", "high")] == pytest.approx(
                [part.estimate, part.low, part.high], nan_ok=True
            )
    assert all(verdict.status == "not run" for verdict in judged.values())


def test_the_landing_page_counts_the_same_verdicts(book, again):
    page = book / "intro.html"
    headlines = {
        entry.claim.id: entry.headline.verdict.status
        for entry in again
        if entry.claim.id == entry.claim.parent
    }
    assert {row["claim"]: row["status"] for row in rows(page)} == headlines
    (tallied,) = re.findall(r'<p class="tallies"([^>]*)>', page.read_text(encoding="utf-8"))
    counted = {name: int(value) for name, value in re.findall(r'data-([a-z-]+)="(\d+)"', tallied)}
    assert counted == {status.replace(" ", "-"): count for status, count in tally(again).items()}


def test_chapters_show_the_ledgers_verdicts(book, again):
    """Where a chapter shows a claim under a preset that the ledger has, it shows the ledger's verdict."""
    judged = {(e.claim.id.lower(), one.case.preset): one.verdict.status for e in again for one in e.judged}
    seen, claims = 0, {entry.claim.id.lower() for entry in again}
    for path in sorted((book / "chapters").rglob("*.html")):
        chips = re.findall(
            r'<li id="claim-(\w+)" data-preset="([^"]*)"><span class="verdict-[a-z-]+">([a-z ]+)</span>',
            path.read_text(encoding="utf-8"),
        )
        for claim, preset, status in chips:
            assert claim in claims
            if (claim, preset) in judged:
                assert status == judged[claim, preset], f"{path.name}: {claim} on {preset}"
                seen += 1
    assert seen >= 20


def test_each_figure_of_stored_units_leads_to_their_records(book):
    records = (book / "chapters" / "provenance.html").read_text(encoding="utf-8")
    there = set(re.findall(r'id="(unit-[0-9a-f]{16})"', records))
    published = {f"unit-{path.stem}" for path in (ROOT / "results").rglob("*.nc")}
    assert there == published
    linked = set()
    for path in book.rglob("*.html"):
        linked |= set(re.findall(r'provenance\.html#(unit-[0-9a-f]+)"', path.read_text(encoding="utf-8")))
    assert linked and linked <= there


def test_the_table_of_all_results_is_there(book):
    folder = book / "_static" / "downloads"
    units = {line.split(",")[1] for line in (folder / "reprise-results.csv").read_text().splitlines()[1:]}
    assert units == {path.stem for path in (ROOT / "results").rglob("*.nc")}
    assert (folder / "reprise-columns.csv").is_file()
