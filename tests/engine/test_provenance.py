"""Where numbers come from, in a record and in one line."""

import json

import pytest

from reprise.engine import provenance


def record(**changes):
    finished = "2026-01-02T03:04:05+00:00"
    return {"commit": "abc", "device_name": "a processor", "finished": finished, "seconds": 10.0, **changes}


def test_one_unit_in_one_line():
    line = provenance.summary([record()], {"seeds": "3", "data": "glyphs"})
    assert (
        line == "1 unit · seeds 3 · data glyphs · commit abc · device a processor · 2026-01-02 · 10 s a unit"
    )


def test_what_differs_among_units_is_told_and_what_is_the_same_is_told_once():
    records = [
        record(),
        record(commit="abd+", finished="2026-01-05T00:00:00+00:00", seconds=30.0),
        record(device_name="another", seconds=20.0, finished="2025-12-31T00:00:00+00:00"),
    ]
    line = provenance.summary(records, {})
    assert line == (
        "3 units · commit abc, abd+ · device a processor, another · 2025-12-31 to 2026-01-05 · 20 s a unit"
    )


def test_a_record_names_source_versions_device_and_time():
    made = provenance.record("cpu", {"training": 1.26, "measuring": 2.0}, "fingerprint", unit="0123")
    assert made["seconds"] == 3.3 and made["phases"] == {"training": 1.3, "measuring": 2.0}
    assert made["data"] == "fingerprint" and made["unit"] == "0123" and made["device"] == "cpu"
    assert made["device_name"] and made["threads"] >= 1 and len(made["source"]) == 16
    assert {"python", "numpy", "torch", "xarray"} <= set(made["versions"])
    assert made["finished"].endswith("+00:00")
    assert json.loads(provenance.dumps(made)) == made


def test_canonical_json_knows_no_order_and_no_nan():
    assert provenance.dumps({"b": 1, "a": [1.5, "x"]}) == '{"a":[1.5,"x"],"b":1}'
    with pytest.raises(ValueError, match="JSON"):
        provenance.dumps({"a": float("nan")})
