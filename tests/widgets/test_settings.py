"""The parameter panel says what the command line would."""

import shlex

import pytest

from reprise.engine.labels import command
from reprise.engine.study import studies, study
from reprise.engine.words import parse_seeds, spell_seeds
from reprise.places import UserError
from reprise.widgets import Parameters
from reprise.widgets.schema import fields, work_ratios

CHANGES = [
    {},
    {"ways": 10},
    {"inner_rate": 0.05, "explorer_seeds": [0, 3], "algorithm": "anil"},
    {"explorer_seeds": []},
    {"filters": 32, "iterations": 3000, "inner_loss": "sum"},
]


@pytest.mark.parametrize("changes", CHANGES)
def test_commands_are_pythons(javascript, changes):
    maml = study("maml")
    config = maml.configure("laptop", changes)
    about = Parameters(maml, "laptop").about
    entered = {
        name: ",".join(map(str, value)) if isinstance(value, list) else value
        for name, value in config.model_dump(mode="json").items()
    }
    found = javascript(
        "const { fields, presets } = input.about; const values = Object.fromEntries(fields.map((field) =>"
        "[field.name, settings.parseValue(field, input.entered[field.name])]));"
        "const preset = presets.find(({ name }) => name === 'laptop');"
        "return settings.runCommand('maml', fields, preset, values, settings.parseSeeds('0..2'))",
        {"about": about, "entered": entered},
    )
    assert found == command(maml, config, (0, 1, 2), "laptop")
    words = shlex.split(found)
    given = dict(word.split("=", 1) for word in words if "=" in word)
    assert maml.configure("laptop", given) == config


@pytest.mark.parametrize("text", ["0..4", "2", "0,3,7", "0..1, 5", " 3 .. 4 "])
def test_seeds_are_read_as_in_python(javascript, text):
    found = javascript("const s = settings.parseSeeds(input); return [s, settings.spellSeeds(s)]", text)
    seeds = parse_seeds(text)
    assert seeds is not None
    assert found == [list(seeds), spell_seeds(seeds)]


@pytest.mark.parametrize("text", ["", "x", "4..1", "-1", "1.5"])
def test_seeds_that_python_refuses_are_refused(javascript, text):
    with pytest.raises(UserError):
        parse_seeds(text)
    said = javascript("try { settings.parseSeeds(input); return null } catch (e) { return e.message }", text)
    assert said


@pytest.mark.parametrize("name", studies())
def test_fields_follow_the_schema(name):
    config = study(name).config
    described = {field["name"]: field for field in fields(config)}
    assert list(described) == list(config.model_fields)
    assert all(field["help"] and field["stage"] for field in described.values())
    assert {field["kind"] for field in described.values()} <= {
        *("choice", "flag", "integer", "number", "list", "text")
    }


def test_limits_and_choices_of_study_1(javascript):
    described = {field["name"]: field for field in fields(study("maml").config)}
    assert described["ways"]["minimum"] == 2 and described["ways"]["kind"] == "integer"
    assert described["inner_rate"]["exclusiveMinimum"] == 0
    assert "anil" in described["algorithm"]["choices"] and described["explorer_seeds"]["kind"] == "list"
    body = "try { return settings.parseValue(input[0], input[1]) } catch (e) { return e.message }"
    assert javascript(body, [described["ways"], "1"]) == "at least 2"
    assert javascript(body, [described["ways"], "2.5"]) == "a whole number is needed"
    assert javascript(body, [described["inner_rate"], "0"]) == "above 0"
    assert javascript(body, [described["inner_rate"], ""]) == "a number is needed"
    assert javascript(body, [described["inner_rate"], "1e-3"]) == 0.001


@pytest.mark.parametrize(
    "changes", [{}, {"ways": 10}, {"iterations": 3000}, {"filters": 128}, {"algorithm": "fomaml"}]
)
def test_work_of_one_changed_field_is_exact(javascript, changes):
    maml = study("maml")
    about = Parameters(maml, "laptop").about
    config = maml.configure("laptop", changes)
    found = javascript(
        "return settings.workOf(input.about.presets.find((p) => p.name === 'laptop'), input.values)",
        {"about": about, "values": config.model_dump(mode="json")},
    )
    assert found == pytest.approx(maml.work(config), rel=1e-9)


def test_work_between_the_points_is_near(javascript):
    maml = study("maml")
    preset = next(p for p in Parameters(maml, "laptop").about["presets"] if p["name"] == "laptop")
    config = maml.configure("laptop", {"iterations": 2280})
    found = javascript("return settings.workOf(input[0], input[1])", [preset, config.model_dump(mode="json")])
    assert found == pytest.approx(maml.work(config), rel=0.1)
    assert found > preset["work"]


def test_ratios_start_at_the_condition():
    maml = study("maml")
    config = maml.configure("smoke", {})
    for name, table in work_ratios(maml, config).items():
        assert [getattr(config, name), 1.0] in table
        values = [value for value, _ in table]
        assert isinstance(values[0], str | bool) or values == sorted(values)


def test_durations(javascript):
    seconds = [0.2, 40, 100, 3000, 9000, 400_000]
    found = javascript("return input.map(settings.spellDuration)", seconds)
    assert found == ["less than a second", "40 seconds", "1.5 minutes", "50 minutes", "2.5 hours", "4.5 days"]
