"""Configurations, unit ids and seeds."""

import json
from pathlib import Path

import pytest

from reprise.engine.config import field_stage
from reprise.engine.study import Unit, studies, study
from reprise.engine.words import parse_seeds
from reprise.places import UserError
from reprise.studies.maml import MamlConfig

MAML = study("maml")
PUBLISHED = json.loads((Path(__file__).parent / "published_ids.json").read_text())


def named(key):
    """Study and condition of a key: ``laptop, ways=20`` is study 1's, others are ``study/preset``."""
    name, _, label = key.rpartition("/")
    preset, *replaced = label.split(", ")
    chosen = study(name or "maml")
    return chosen, chosen.configure(preset, dict(setting.split("=") for setting in replaced))


@pytest.mark.parametrize(("key", "seed"), [(key, int(s)) for key, ids in PUBLISHED.items() for s in ids])
def test_ids_of_published_units_never_change(key, seed):
    """If this fails, published results can no longer be found: a default or the hash was changed."""
    assert Unit(named(key)[1], seed).id == PUBLISHED[key][str(seed)]


@pytest.mark.parametrize("name", studies())
def test_every_published_file_is_a_unit_of_a_preset(name):
    folder = Path(__file__).parents[2] / "results" / name
    known = {unit for key, ids in PUBLISHED.items() if named(key)[0].name == name for unit in ids.values()}
    assert {path.stem for path in folder.glob("*.nc")} <= known


def test_an_id_depends_on_values_not_on_how_they_were_given():
    described = MAML.configure("as_described", {})
    spelled = MAML.configure("laptop", {**described.model_dump(), "ways": "20"})
    assert Unit(described, 3).id == Unit(spelled, 3).id == Unit(MamlConfig(probe="query"), 3).id


def test_every_setting_and_the_seed_change_the_id():
    base = MAML.configure("smoke", {})
    other = {
        "dataset": "omniglot-minimal", "algorithm": "anil", "inner_loss": "sum", "head_init": "normal",
        "iterations": 120, "explorer_seeds": (1,), "adapt_offset": True, "blocks": 3, "downsampling": "pool",
        "analysis": "function", "probe": "query",
    }  # fmt: skip
    named = [name for name in MamlConfig.model_fields if field_stage(MamlConfig, name) != "display"]
    ids = {Unit(base, 0).id, Unit(base, 1).id}
    for name in named:
        value = getattr(base, name)
        changed = other[name] if name in other else value + (1 if isinstance(value, int) else 0.5)
        ids.add(Unit(base.parse({**base.model_dump(), name: changed}), 0).id)
    assert len(ids) == 2 + len(named)


def test_what_only_pictures_depend_on_names_no_unit():
    base = MAML.configure("smoke", {})
    drawn = MAML.configure("smoke", {"mds": "rows"})
    assert (Unit(drawn, 0).id, Unit(drawn, 0).weights_id) == (Unit(base, 0).id, Unit(base, 0).weights_id)


def test_weights_depend_on_training_settings_alone():
    base = MAML.configure("smoke", {})
    for name in MamlConfig.model_fields:
        assert field_stage(MamlConfig, name) in ("training", "analysis", "display")
    looked_at = MAML.configure("smoke", {"analysis_tasks": 7})
    trained = MAML.configure("smoke", {"inner_rate": 0.2})
    assert Unit(base, 0).weights_id == Unit(looked_at, 0).weights_id != Unit(trained, 0).weights_id
    assert Unit(base, 0).id != Unit(looked_at, 0).id


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"way": 5}, ["unknown parameter 'way'", "ways", "shots"]),
        ({"ways": "many"}, ["ways='many'", "integer"]),
        ({"ways": 1}, ["ways=1", "greater than or equal to 2"]),
        ({"dataset": "imagenet"}, ["dataset='imagenet'", "omniglot-minimal", "glyphs"]),
        ({"algorithm": "reptile"}, ["algorithm='reptile'", "maml", "boil"]),
        ({"ways": 500}, ["ways=500", "456 classes"]),
        ({"ways": 104}, ["ways=104", "106 unseen classes", "at most 101"]),
        ({"shots": 18}, ["shots=18", "20 images a class"]),
        ({"probe_drawings": 21}, ["probe_drawings=21", "20 images"]),
        ({"iterations": 100}, ["iterations=100", "multiple of 60"]),
        ({"probe_classes": 2, "probe_drawings": 1}, ["fewer than 4 images"]),
    ],
)
def test_what_cannot_be_met_is_refused_in_words(values, words):
    with pytest.raises(UserError) as caught:
        MAML.configure("laptop", values)
    for word in words:
        assert word in str(caught.value)


def test_none_means_from_the_preset():
    assert MAML.configure("laptop", {"ways": None}) == MAML.configure("laptop", {})


@pytest.mark.parametrize(
    ("text", "seeds"), [("[0,1]", (0, 1)), ("0, 1", (0, 1)), ("3", (3,)), ("[]", ()), ("", ())]
)
def test_lists_as_the_command_line_takes_them(text, seeds):
    config = MAML.configure("smoke", {"explorer_seeds": text})
    assert config == MAML.configure("smoke", {"explorer_seeds": seeds})
    with pytest.raises(UserError, match="explorer_seeds"):
        MAML.configure("smoke", {"explorer_seeds": "0,first"})


def test_unknown_names_are_refused_with_the_valid_ones():
    with pytest.raises(UserError, match="smoke, laptop, sweep, twenty_way, as_described, as_released"):
        MAML.configure("big", {})
    with pytest.raises(UserError, match=", ".join(studies())):
        study("mamml")


@pytest.mark.parametrize(
    ("text", "seeds"),
    [
        ("0..4", (0, 1, 2, 3, 4)), ("3", (3,)), ("0,3,7", (0, 3, 7)), ("0..2,5,1", (0, 1, 2, 5)),
        ([4, 2], (4, 2)), (6, (6,)), (None, None), (" 1 .. 2 ", (1, 2)),
    ],
)  # fmt: skip
def test_seeds_as_people_write_them(text, seeds):
    assert parse_seeds(text) == seeds


@pytest.mark.parametrize("text", ["4..1", "a", "1-3", "", "-2", "0...4", "1.5"])
def test_seeds_that_do_not_parse_are_refused(text):
    with pytest.raises(UserError, match="seeds"):
        parse_seeds(text)


def test_checkpoints_are_equally_spaced_with_a_few_dense_ones_before():
    config = MAML.configure("laptop", {})
    assert isinstance(config, MamlConfig)
    assert config.spacing * 60 == config.iterations >= 1500
    assert set(range(0, config.iterations + 1, config.spacing)) < set(config.checkpoints)
    dense = [i for i in config.checkpoints if 0 < i < config.spacing]
    assert dense == [1, 2, 5, 10, 20]
    assert config.kept_steps == [1, 5, 10]


def test_presets_stand_on_their_own():
    for name, preset in MAML.presets.items():
        config = MAML.configure(name, {})
        assert preset.about and preset.seeds and MAML.work(config) > 0
    assert MAML.configure("as_described", {}) == MamlConfig(probe="query")
