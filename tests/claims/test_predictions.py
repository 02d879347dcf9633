"""Sealed predictions: what is read, what breaks the seal, how they are scored."""

import datetime
import json
from pathlib import Path

import pytest

from reprise.claims.cases import Case
from reprise.claims.claim import find_claim
from reprise.claims.ledger import Entry, Judged, ledger, open_layer
from reprise.claims.predictions import digest, predictions, read, score, seal
from reprise.claims.verdict import Verdict, above
from reprise.engine.netcdf import read_attributes
from reprise.places import Places, UserError

ROOT = Path(__file__).parents[2]
TEXT = """# What we expect.
sealed = 2026-01-01T00:00:00Z
hash = ""

[[prediction]]
claim = "M3a"
version = 1
setting = "laptop"
comparison = "log ratio"
expected = 0.4
low = 0.2
high = 0.6
verdict = "supported"
n = 5
power = 0.9
basis = "a guess"
"""
NOW = datetime.datetime(2026, 11, 30, 7, tzinfo=datetime.UTC)


@pytest.fixture
def path(tmp_path):
    file = tmp_path / "m3.toml"
    file.write_text(TEXT, "utf-8")
    return file


def test_a_sealed_file_is_read_and_a_changed_word_breaks_it(path):
    with pytest.raises(UserError, match="not what was sealed"):
        read(path)
    sealed = seal(path, NOW)
    (prediction,) = read(path)
    assert (prediction.claim, prediction.expected, prediction.sealed, prediction.file) == (
        "M3a", 0.4, NOW, "m3.toml",
    )  # fmt: skip
    text = path.read_text("utf-8")
    assert sealed == digest(text) and f'hash = "{sealed}"' in text
    for before, after in (("0.4", "0.5"), ("a guess", "the result"), ("T07", "T06"), ("# What", "# That")):
        path.write_text(text.replace(before, after, 1), "utf-8")
        with pytest.raises(UserError, match="not what was sealed"):
            read(path)


def test_what_is_sealed_is_not_sealed_again(path):
    seal(path, NOW)
    with pytest.raises(UserError, match="sealed already"):
        seal(path)


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("n = 5\n", "", "missing 1 required"),
        ("n = 5", "m = 5", "unexpected keyword"),
        ("power = 0.9", "power = 9", "0 ≤ power ≤ 1"),
        ("high = 0.6", "high = 0.3", "low ≤ expected ≤ high"),
        ("[[prediction]]", "[[", "it holds sealed"),
        ("sealed = 2026-01-01T00:00:00Z\n", "", "'sealed'"),
    ],
)
def test_a_file_that_cannot_be_read_says_what_it_must_hold(path, before, after, message):
    path.write_text(TEXT.replace(before, after), "utf-8")
    with pytest.raises(UserError, match=message):
        seal(path)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([0.4, 0.5, 0.3, 0.45, 0.35], "as predicted"),
        ([0.9, 1.0, 0.8, 0.95, 0.85], "estimate missed"),
        ([1.4, -0.5, 0.3, 0.9, -0.1], "verdict missed"),
        ([-0.4, -0.5, -0.3, -0.4, -0.3], "verdict and estimate missed"),
        (None, "open"),
    ],
)
def test_a_prediction_is_scored_by_verdict_and_estimate(path, values, words):
    seal(path, NOW)
    claim = find_claim("M3a")
    parts = () if values is None else (above("log ratio", values),)
    verdict = Verdict("M3a", "undecided", parts, "glyphs", "laptop", "cka", 1)
    judged = Judged(Case("M3a", "laptop", {}, True, ()), verdict, ("glyphs",), ("0" * 16,), 0)
    former = Entry(claim, (judged,))
    (scored,) = score(
        predictions(path.parent), [Entry(claim, (), (former,)) if claim.version > 1 else former]
    )
    assert scored.words == words


def test_published_predictions_are_sealed_and_older_than_the_units_that_they_are_about():
    """What was predicted after it had come is no prediction."""
    found = predictions(ROOT / "predictions")
    places = Places(ROOT / "data", ROOT / "results", ROOT / "_runs", ROOT)
    scores = score(found, ledger(open_layer(places, "published"), [row.claim for row in found] or ["M1b"]))
    for scored in scores:
        # A claim may take units of another study, too.
        paths = [path for unit in scored.units for path in (ROOT / "results").glob(f"*/{unit}.nc")]
        made = [json.loads(read_attributes(path)["provenance"]) for path in paths]
        assert len(made) == len(scored.units)
        newest = max((one["finished"] for one in made), default="9999-01-01T00:00:00+00:00")
        assert scored.part is None or datetime.datetime.fromisoformat(newest) > scored.prediction.sealed
