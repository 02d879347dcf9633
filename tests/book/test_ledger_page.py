"""The ledger as HTML: what stands in it is what was judged, and nothing else."""

import re
from pathlib import Path

import pytest

from reprise.book import ledger as page
from reprise.claims.ledger import ledger, open_layer
from reprise.places import Places
from reprise.studies.transfer.authors import authors_numbers

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def entries():
    return ledger(open_layer(Places(ROOT / "data", ROOT / "results", ROOT / "_nowhere", ROOT), "published"))


def shown(text):
    """Claim, preset, status and estimate of each row."""
    found = []
    for attributes in re.findall(r'<li (data-claim="[^>]*)>', text):
        values = dict(re.findall(r'data-([a-z]+)="([^"]*)"', attributes))
        found.append((values["claim"], values["preset"], values["status"], values.get("estimate")))
    return found


def test_every_setting_that_was_run_stands_on_the_page_with_its_numbers(entries):
    parts = page.ledger_html(entries, authors_numbers(ROOT))
    assert list(parts) == ["goerttler2021", "goerttler2022", "dippel2022"]
    expected = []
    for entry in entries:
        run = [one for one in entry.judged if one.verdict.status != "not run"]
        for one in run or [entry.headline]:
            part = one.verdict.decisive
            number = None if part is None else repr(part.estimate)
            expected.append((entry.claim.id, one.case.preset, one.verdict.status, number))
    assert [row for text in parts.values() for row in shown(text)] == expected
    whole = "".join(parts.values())
    for entry in entries:
        assert whole.count(f'id="ledger-{entry.claim.id.lower()}"') == 1
        for part in entry.headline.verdict.parts:
            assert part.interval() in whole
    assert "cifar10, true labels: least similar conv layer − logits: −0.091" in whole


def test_the_summary_has_a_line_a_claim_and_the_tally_counts_them(entries):
    rows = shown(page.summary(entries))
    claims = [entry for entry in entries if entry.claim.id == entry.claim.parent]
    assert [row[0] for row in rows] == [entry.claim.id for entry in claims]
    line = page.tally_line(entries)
    for status in ("supported", "mixed", "undecided", "contradicted", "not run"):
        count = sum(row[2] == status for row in rows)
        assert f'data-{status.replace(" ", "-")}="{count}"' in line
        assert (f">{status}</span>" in line) == (count > 0)


def test_a_part_is_set_in_and_text_is_escaped(entries):
    html = page.ledger_html(entries, {})["goerttler2021"]
    assert html.count('class="claim part"') == 4 and html.count('class="claim"') == 3
    assert "MAML&#x27;s" in html or "&" not in html.replace("&#x27;", "").replace("&amp;", "")
