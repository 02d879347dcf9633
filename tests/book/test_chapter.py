"""Verdicts on a page, and a chapter's run."""

import dataclasses
from html.parser import HTMLParser

import pytest

from reprise.book import verdicts
from reprise.book.chapter import Chapter
from reprise.book.verdicts import verdict_list
from reprise.claims import Verdict, claims
from reprise.claims.claim import find_claim
from reprise.claims.verdict import Status, above
from reprise.engine.runner import UnitsMissing
from reprise.places import UserError


class Tags(HTMLParser):
    """Tags with their attributes, and text."""

    def __init__(self, source):
        super().__init__()
        self.found, self.text = [], ""
        self.feed(source)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data


def verdict(claim, status: Status = "supported", **changes):
    part = above("logits − block1", [0.41, 0.43, 0.39, 0.42, 0.40])
    return Verdict(claim, status, (part,), "glyphs", "smoke", "rsa-correlation", 1, **changes)


def test_every_verdict_is_one_item_with_its_id_status_and_numbers():
    page = Tags(verdict_list([verdict("M1a"), verdict("M3", "not run", note="A note.")]))
    items = [attrs for tag, attrs in page.found if tag == "li"]
    assert [item.get("id") for item in items if "id" in item] == ["claim-m1a", "claim-m3"]
    classes = [attrs.get("class") for tag, attrs in page.found if tag == "span"]
    assert "verdict-supported" in classes and "verdict-not-run" in classes
    statement = next(claim.statement for claim in claims() if claim.id == "M1a")
    assert statement in page.text
    assert "logits − block1: 0.410 [0.390, 0.430], above 0 (95 % interval, n = 5)" in page.text
    assert "glyphs · smoke · rsa-correlation" in page.text and "A note." in page.text


def test_whatever_is_said_in_a_verdict_stays_text(monkeypatch):
    nasty = '<script>alert("&")</script>'
    claim = dataclasses.replace(find_claim("M1a"), title=nasty, statement=nasty, words=nasty)
    monkeypatch.setattr(verdicts, "claims", lambda: [claim])
    part = dataclasses.replace(above("x", [1, 2, 3, 4, 5]), name=nasty)
    item = dataclasses.replace(verdict("M1a", note=nasty), parts=(part,), dataset=nasty, preset="laptop, a<b")
    source = verdict_list([item])
    page = Tags(source)
    assert "script" not in {tag for tag, _ in page.found}
    assert page.text.count(nasty) == 6 and "laptop, a<b" in page.text
    assert source.count("<li") == source.count("</li>") == 2


def test_a_chapter_opens_a_run_that_is_there(tiny_run, tiny_config, tiny_places, tiny_settings):
    opened = Chapter.load("maml", tiny_places, "smoke", "never", "0..1", ways=None, **tiny_settings)
    assert opened.config == tiny_config and opened.seeds == (0, 1)
    assert opened.run.sizes["seed"] == 2
    assert "gram" in opened.unit(0) and "gram" not in opened.unit(1) and "gram" in opened.unit()
    assert opened.provenance().startswith("2 units · seeds 0..1 · data glyphs · preset smoke, ")
    assert opened.provenance(1).startswith("1 unit · seeds 1 · ")
    with pytest.raises(ValueError, match=r"seed 2 is not in this run; it has 0\.\.1"):
        opened.unit(2)


def test_what_a_chapter_cannot_open_is_said(empty_places, tiny_settings):
    with pytest.raises(UnitsMissing, match="reprise run maml --preset smoke --set .* --seeds 4"):
        Chapter.load("maml", empty_places, "smoke", "never", 4, **tiny_settings)
    with pytest.raises(UserError, match="missing or never"):
        Chapter.load("maml", empty_places, "smoke", "perhaps")
    with pytest.raises(UserError, match="ways=500"):
        Chapter.load("maml", empty_places, "laptop", "missing", ways=500)
