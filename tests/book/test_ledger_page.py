"""The ledger as HTML: what stands in it is what was judged, and nothing else."""

import datetime
import html
import re
from dataclasses import replace
from pathlib import Path

import pytest

from reprise.book import ledger as page
from reprise.book import verdicts
from reprise.claims.assay import assay, explain
from reprise.claims.ledger import ledger, open_layer
from reprise.claims.predictions import Prediction, Score, score
from reprise.claims.record import rulings
from reprise.claims.verdict import above, equivalent
from reprise.places import Places
from reprise.studies.transfer.authors import authors_numbers

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def entries():
    return ledger(open_layer(Places(ROOT / "data", ROOT / "results", ROOT / "_runs", ROOT), "published"))


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
    rows = shown(verdicts.summary(entries))
    claims = [entry for entry in entries if entry.claim.id == entry.claim.parent]
    assert [row[0] for row in rows] == [entry.claim.id for entry in claims]
    line = verdicts.tally_line(entries)
    for status in ("supported", "mixed", "undecided", "contradicted", "not run"):
        count = sum(row[2] == status for row in rows)
        assert f'data-{status.replace(" ", "-")}="{count}"' in line
        assert (f">{status}</span>" in line) == (count > 0)


def test_a_row_a_claim_with_its_interval_its_record_and_what_it_could_have_told(entries):
    text = "".join(page.ledger_html(entries, {}).values())
    rows = re.findall(
        r'<li id="ledger-(\w+)"( class="part")? data-paper="\w+" data-verdict="([a-z ]+)">', text
    )
    assert [row[0] for row in rows] == [entry.claim.id.lower() for entry in entries]
    assert [bool(row[1]) for row in rows] == [entry.claim.id != entry.claim.parent for entry in entries]
    assert [row[2] for row in rows] == [entry.headline.verdict.status for entry in entries]
    assert all(f"commit <code>{row.commit}</code>" in text for row in rulings().values())
    for entry in entries:
        for old in entry.former:
            assert f'data-former="{old.claim.id}"' in text
        for part in entry.headline.verdict.parts:
            assert html.escape(explain(part)) in text
        for row in assay(entry.headline.verdict):
            assert f"wrongly supported in {100 * row.wrong:.1f} %" in text
    assert "<script" not in text and text.count("<details") == text.count("</details>")


def test_menus_offer_the_studies_and_the_verdicts_that_there_are(entries):
    menus = page.choices(entries)
    there = {entry.headline.verdict.status for entry in entries}
    assert set(re.findall(r"<option>([a-z ]+)</option>", menus)) == there
    assert re.findall(r'<option value="(\w+)">', menus) == ["goerttler2021", "goerttler2022", "dippel2022"]


def test_an_interval_is_drawn_beside_its_bound():
    """Positions read back from the drawing, against proportions worked out by hand."""
    part = above("gain", [1.0, 2.0, 3.0, 4.0, 5.0])
    drawn = verdicts.glyph(part)
    (bound,) = map(float, re.findall(r'class="bound" d="M([\d.]+)', drawn))
    (ends,) = re.findall(r'class="interval" d="M([\d.]+) [\d.]+H([\d.]+)"', drawn)
    low, high = map(float, ends)
    (dot,) = map(float, re.findall(r'cx="([\d.]+)"', drawn))
    assert bound < low < dot < high
    assert (dot - bound) / (high - bound) == pytest.approx(part.estimate / part.high, abs=0.01)
    assert f"{part.amount()}, above 0" in drawn
    same = verdicts.glyph(equivalent("difference", [0.1, -0.1, 0.0, 0.05, -0.05], 0.5))
    ((left, width),) = re.findall(r'class="margin" x="([\d.]+)" y="2" width="([\d.]+)"', same)
    assert float(left) + float(width) / 2 == pytest.approx(verdicts.WIDTH / 2, abs=0.2)
    assert verdicts.glyph(None) == '<span class="glyph"></span>'


def test_predictions_stand_with_their_claim(entries):
    (m3,) = [entry for entry in entries if entry.claim.id == "M3a"]
    part = m3.headline.verdict.parts[0]
    about = Prediction(
        "M3a", m3.claim.version, m3.headline.case.preset, part.name, 0.0, -1.0, 1.0, "supported", 5, 0.9,
        "a <guess>", datetime.datetime(2026, 11, 30, tzinfo=datetime.UTC), "m.toml",
    )  # fmt: skip
    (scored,) = score([about], [m3])
    text = page.ledger_html([m3], {}, [scored, Score(replace(about, setting="full"), None)])["goerttler2021"]
    assert f"<strong>{scored.words}</strong>" in text and "a &lt;guess&gt;" in text
    assert f"came {part.amount()}, {part.status}" in text and "not run yet" in text
