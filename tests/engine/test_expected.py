"""What presets say that they should give is what their published units gave."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from reprise.cli import app
from reprise.engine import runner
from reprise.engine.comparison import summarise
from reprise.engine.labels import command, expectation
from reprise.engine.store import Store
from reprise.engine.study import studies, study

STORE = Store(Path(__file__).parents[2] / "results", Path(__file__).parent / "no-local-layer")
PRESETS = [(name, preset) for name in studies() for preset in study(name).presets]


def published(name, preset):
    chosen = study(name)
    return runner.stored(chosen.configure(preset, {}), chosen.preset(preset).seeds, STORE)


@pytest.mark.parametrize(("name", "preset"), PRESETS)
def test_every_published_preset_says_what_its_units_gave(name, preset):
    chosen, entry = study(name), study(name).preset(preset)
    units = published(name, preset)
    if not units:
        assert entry.expects is None
        return
    assert entry.expects is not None and len(units) == len(entry.seeds) == entry.expects.n
    run = runner.gather(units, preset)
    endpoints = chosen.endpoints(run)
    assert len(entry.expects.values) >= 2
    for endpoint, numbers in entry.expects.values.items():
        found = summarise(endpoints[endpoint].values)
        assert numbers == pytest.approx((found.mean, found.low, found.high), abs=5.1e-4), endpoint
    records = run.attrs["records"]
    (device,) = {record["device_name"] for record in records}
    (threads,) = {record["threads"] for record in records}
    last = max(record["finished"] for record in records)[:10]
    assert entry.expects.measured == f"{device}, {threads} thread{'s' * (threads > 1)}, {last}"


def test_describe_shows_what_to_expect_and_the_command():
    shown = CliRunner().invoke(app, ["describe", "maml"]).output
    chosen = study("maml")
    lines = expectation(chosen, "laptop")
    assert len(lines) == 6 and all(line in shown for line in lines)
    config = chosen.configure("laptop", {})
    assert lines[-1].endswith(command(chosen, config, chosen.preset("laptop").seeds, "laptop"))
    assert re.search(r"trained: 0\.816 \[0\.803, 0\.830\]", lines[0])
    assert expectation(chosen, "as_released") == []
