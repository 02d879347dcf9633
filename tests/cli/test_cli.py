"""The command line, driven in this process: what it refuses, in which words, and what it does."""

import json
import shlex
import subprocess
import sys

import nbformat
import pytest

from reprise import cli
from reprise.data import datasets
from reprise.engine import labels as spelling
from reprise.engine import runner
from reprise.engine.store import Store
from reprise.engine.study import Unit, studies, study
from reprise.places import Places

MAML = study("maml")


@pytest.fixture
def places(tmp_path, monkeypatch):
    """A checkout of its own, so that nothing is read from or written to the repository's."""
    root = tmp_path / "book"
    (root / "chapters").mkdir(parents=True)
    (root / "_toc.yml").write_text("format: jb-book\n")
    monkeypatch.chdir(root)
    monkeypatch.setenv("REPRISE_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("REPRISE_STORE", str(tmp_path / "runs"))
    return Places(tmp_path / "data", root / "results", tmp_path / "runs", root)


@pytest.fixture
def reprise(places, monkeypatch, capsys):
    """Call the command line; gives exit code, output and messages."""

    def call(*words):
        monkeypatch.setattr(sys, "argv", ["reprise", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        captured = capsys.readouterr()
        return ended.value.code, captured.out, captured.err

    return call


@pytest.fixture
def no_compute(monkeypatch):
    """Any unit that is computed fails the test."""

    def refuse(unit, _context):
        pytest.fail(f"seed {unit.seed} was computed")

    monkeypatch.setattr("reprise.studies.maml.compute.compute", refuse)


@pytest.fixture
def tiny_words(tiny_settings):
    """The tiny settings as the command line takes them."""
    return ["--preset", "smoke", *(word for k, v in tiny_settings.items() for word in ("--set", f"{k}={v}"))]


@pytest.fixture
def computed(monkeypatch, tiny_run, tiny_places):
    """Instead of training, the tiny run's units are handed out; gives the seeds that were asked for."""
    asked = []
    made = Store(tiny_places.published, tiny_places.local)

    def hand_out(unit, _context):
        asked.append(unit.seed)
        dataset = made.load(unit)
        assert dataset is not None
        return dataset

    monkeypatch.setattr("reprise.studies.maml.compute.compute", hand_out)
    return asked


PARAMETERS = ["ways", "shots", "algorithm", "explorer_seeds"]
PRESETS = ["smoke", "laptop", "as_described", "as_released"]
DATA_SETS = ["omniglot", "omniglot-minimal", "glyphs"]
BAD = [
    ("run mamml", ["'mamml'", "maml"]),
    ("status mamml", ["'mamml'", "maml"]),
    ("compare mamml", ["'mamml'", "maml"]),
    ("publish mamml", ["'mamml'", "maml"]),
    ("describe mamml", ["'mamml'", "maml"]),
    ("run maml --set way=5", ["'way'", *PARAMETERS]),
    ("run maml way=5", ["'way'", *PARAMETERS]),
    ("status maml --set way=5", ["'way'", *PARAMETERS]),
    ("run maml --preset big", ["'big'", *PRESETS]),
    ("status maml --preset big", ["'big'", *PRESETS]),
    ("run maml --set dataset=imagenet", ["dataset='imagenet'", *DATA_SETS]),
    ("run maml --set algorithm=reptile", ["algorithm='reptile'", "maml", "fomaml", "anil", "boil"]),
    ("run maml --set ways=many", ["ways='many'", "integer"]),
    ("run maml --set ways=5.5", ["ways='5.5'", "integer"]),
    ("run maml --set inner_rate=fast", ["inner_rate='fast'", "number"]),
    ("run maml --set inner_rate=0", ["inner_rate='0'", "greater than 0"]),
    ("run maml --set explorer_seeds=first", ["explorer_seeds", "'first'", "integer"]),
    ("run maml --set ways=1", ["ways='1'", "greater than or equal to 2"]),
    ("run maml --set ways=500", ["ways=500", "456 classes"]),
    ("run maml --set ways=104", ["ways=104", "106 unseen classes", "at most 101"]),
    ("run maml --set shots=20", ["shots=20", "20 images a class"]),
    ("run maml --set iterations=100", ["iterations=100", "multiple of 60"]),
    ("run maml --set ways", ["ways", "KEY=VALUE"]),
    ("run maml ways", ["ways", "KEY=VALUE"]),
    ("run maml --seeds many", ["'many'", "0..4", "0,3,7"]),
    ("run maml --seeds 4..1", ["'4..1'", "smaller end first"]),
    ("run maml --seeds=-2", ["'-2'", "from 0 upwards"]),
    ("run maml --seeds=", ["''", "0..4"]),
    ("run maml --compute always", ["always", "missing", "never"]),
    ("run maml --preset smoke --no-notebook --device abacus", ["'abacus'", "cpu"]),
    ("data path imagenet", ["'imagenet'", *DATA_SETS]),
    ("data fetch imagenet", ["'imagenet'", *DATA_SETS]),
]


@pytest.mark.parametrize(("line", "expected"), BAD, ids=[line for line, _ in BAD])
def test_bad_input_is_answered_with_the_value_and_the_choices(reprise, no_compute, line, expected):
    code, output, message = reprise(*line.split())
    assert code == 2
    assert message.startswith("reprise: ") and "Traceback" not in output + message
    for word in expected:
        assert word in message


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("run maml --way 5", "--way"),
        ("run", "STUDY"),
        ("run maml --preset", "--preset"),
        ("train maml", "train"),
        ("data drop glyphs", "drop"),
    ],
)
def test_words_that_are_no_command_or_option_are_named(reprise, no_compute, line, expected):
    code, _, message = reprise(*line.split())
    assert code == 2 and expected in message and "Traceback" not in message


def test_missing_data_are_named_with_their_place_and_the_stand_in(reprise, no_compute, places):
    code, _, message = reprise("run", "maml", "--no-notebook")
    assert code == 2
    for part in (1, 2):
        assert f"{places.data}/images_background_small{part}.zip" in message
    assert "https://" in message and "reprise data fetch omniglot-minimal" in message
    assert "--set dataset=glyphs" in message


def test_units_that_may_not_be_computed_are_named_with_their_command(reprise, no_compute, tiny_words):
    code, _, message = reprise(
        *("run", "maml", *tiny_words, "--seeds", "3,5", "--compute", "never", "--no-notebook")
    )
    config = MAML.configure("smoke", dict(word.split("=") for word in tiny_words[3::2]))
    assert code == 2 and "2 of 2 units" in message
    assert all(f"seed {seed} ({Unit(config, seed).id})" in message for seed in (3, 5))
    assert message.strip().endswith(spelling.command(MAML, config, (3, 5), "smoke"))


def test_a_printed_command_is_understood(reprise, places, monkeypatch):
    config = MAML.configure("smoke", {"explorer_seeds": (0, 1), "ways": 4})
    asked = []

    def note(_study, *request, **_more):
        asked.append(request[:2])
        raise KeyboardInterrupt

    monkeypatch.setattr(runner, "run", note)
    words = shlex.split(spelling.command(MAML, config, (0, 2), "smoke"))
    assert reprise(*words[1:], "--no-notebook")[0] == 130
    assert asked == [(config, (0, 2))]


def test_no_chapter_is_said_before_training(reprise, no_compute, places):
    code, _, message = reprise("run", "maml", "--preset", "smoke")
    assert code == 2 and "maml.ipynb" in message and "--no-notebook" in message


def test_nothing_to_compare_or_publish(reprise, places):
    code, _, message = reprise("compare", "maml", "--preset", "smoke")
    assert code == 2 and "no local units" in message and str(places.local) in message
    code, _, message = reprise("publish", "maml", "--preset", "smoke")
    assert code == 2 and "reprise run maml --preset smoke --seeds 0..1" in message
    assert not places.published.exists()


def test_ctrl_c_ends_with_130_and_says_how_to_go_on(reprise, monkeypatch, tiny_words):
    def stop(_unit, _context):
        raise KeyboardInterrupt

    monkeypatch.setattr("reprise.studies.maml.compute.compute", stop)
    code, _, message = reprise("run", "maml", *tiny_words, "--no-notebook")
    assert code == 130 and "the same command goes on" in message and "Traceback" not in message


def test_run_compare_publish_and_again(reprise, places, computed, tiny_words, tiny_config):
    words = ["maml", *tiny_words, "--seeds", "0..1"]
    local, published = (Store(places.published, places.local).path for _ in range(2))
    files = [local(Unit(tiny_config, seed), "local") for seed in (0, 1)]
    results = [published(Unit(tiny_config, seed), "published") for seed in (0, 1)]

    code, output, _ = reprise("run", *words, "--no-notebook")
    assert code == 0 and computed == [0, 1]
    assert "2 of 2 units to compute; no finished unit yet" in output
    assert "no published units to compare with" in output
    assert "accuracy on unseen classes, trained: 0." in output and "(n = 2)" in output
    written = [path.stat().st_mtime_ns for path in files]

    code, output, _ = reprise("run", *words, "--no-notebook")
    assert code == 0 and "all 2 units are there" in output
    assert computed == [0, 1], "the second run trained again"
    code, output, _ = reprise("status", *words)
    assert code == 0 and "0 published, 2 local; all 2 units are there" in output
    code, output, _ = reprise("status", "maml", *tiny_words, "--seeds", "0..2")
    assert "1 of 3 units to compute, about" in output

    code, output, _ = reprise("compare", *words)
    assert code == 0 and "no published units to compare with" in output
    assert not places.published.exists()

    code, output, _ = reprise("publish", *words)
    assert code == 0 and output.count("published") == 2 and "already" not in output
    first = [path.read_bytes() for path in results]
    code, output, _ = reprise("publish", *words)
    assert code == 0 and output.count("was published already, left as it is") == 2
    assert [path.read_bytes() for path in results] == first
    assert "2 published, 0 local" in reprise("status", *words)[1]

    for path in files:
        path.unlink()
    assert reprise("run", *words, "--no-notebook")[0] == 0 and computed == [0, 1]
    code, output, _ = reprise("run", *words, "--again")
    assert code == 0 and computed == [0, 1, 0, 1], "published units were not passed over"
    assert "2 of 2 units to compute" in output
    assert [path.read_bytes() for path in results] == first
    assert all(path.stat().st_mtime_ns > before for path, before in zip(files, written, strict=True))


def test_outcomes_are_held_against_the_published_preset(reprise, places, computed, tiny_words, tiny_run):
    """The tiny units stand in for the published ones of the preset: no difference, and the same numbers."""
    store = Store(places.published, places.local)
    made = {seed: tiny_run.isel(seed=seed) for seed in (0, 1)}
    smoke = MAML.configure("smoke", {})
    for seed, dataset in made.items():
        record = tiny_run.attrs["records"][seed]
        store.write(Unit(smoke, seed), dataset.assign_attrs(provenance=json.dumps(record), records=""))
        assert store.publish(Unit(smoke, seed))
    code, output, _ = reprise("run", "maml", *tiny_words, "--no-notebook")
    assert code == 0 and "published, smoke" in output and "this run" in output
    rows = [line for line in output.splitlines() if "(n = 2)" in line]
    assert len(rows) == len(MAML.endpoints(tiny_run).data_vars)
    assert all("+0.000" in row and "differs" not in row for row in rows)

    code, output, _ = reprise("run", "maml", "--preset", "smoke", "--no-notebook")
    assert code == 0 and "these are the published units" in output
    code, output, _ = reprise("compare", "maml", "--preset", "smoke")
    assert code == 0 and output.count("published and here: the same numbers") == 2


def test_a_unit_that_came_out_otherwise_is_told(reprise, places, tiny_run):
    store, smoke = Store(places.published, places.local), MAML.configure("smoke", {})
    unit, attrs = Unit(smoke, 0), {"provenance": json.dumps(tiny_run.attrs["records"][0]), "records": ""}
    store.write(unit, tiny_run.isel(seed=0).assign_attrs(attrs))
    store.publish(unit)
    store.path(unit, "local").unlink()
    changed = tiny_run.isel(seed=0).assign_attrs(attrs)
    changed["inner_similarity"] = changed["inner_similarity"] - 0.25
    store.write(unit, changed)
    code, output, _ = reprise("compare", "maml", "--preset", "smoke", "--seeds", "0")
    assert code == 0 and "the same numbers" not in output
    assert "published and here: numbers differ by up to 0.25" in output


def test_run_executes_the_chapter_on_units_of_the_store(reprise, places, computed, tiny_words):
    source = places.root / "chapters" / "maml" / "maml.ipynb"
    source.parent.mkdir()
    names = ["preset", "compute", "seeds", *(word.split("=")[0] for word in tiny_words[3::2])]
    notebook = nbformat.v4.new_notebook(
        metadata={"kernelspec": {"name": "python3", "display_name": "Python", "language": "python"}}
    )
    notebook.cells = [
        nbformat.v4.new_code_cell(
            "\n".join(f"{name} = None" for name in names), metadata={"tags": ["parameters"]}
        ),
        nbformat.v4.new_code_cell(f"print([{', '.join(names)}])"),
    ]
    nbformat.write(notebook, source)
    code, output, _ = reprise("run", "maml", *tiny_words, "--seeds", "1")
    assert code == 0
    (executed,) = (places.local / "notebooks").iterdir()
    assert f"executed notebook: {executed}" in output
    printed = nbformat.read(executed, as_version=4).cells[-1].outputs[0]["text"]
    # Only what differs from the preset is passed on, with its type.
    assert printed == "['smoke', 'never', [1], 8, 2, 4, 2, 2]\n"


def test_data_commands(reprise, places):
    code, output, _ = reprise("data", "list")
    assert code == 0
    states = {line.split()[0]: line for line in output.splitlines()}
    assert list(states) == list(datasets())
    assert "missing" in states["omniglot"] and "MIT" in states["omniglot"] and "15.9 MB" in states["omniglot"]
    assert "synthetic" in states["glyphs"] and "MB" not in states["glyphs"]

    assert reprise("data", "path")[:2] == (0, f"{places.data}\n")
    code, _, message = reprise("data", "path", "omniglot-minimal")
    assert code == 2 and "images_background_small1.zip" in message and "dataset=glyphs" in message
    places.data.mkdir()
    files = [places.data / f"images_background_small{part}.zip" for part in (1, 2)]
    for path in files:
        path.write_bytes(b"not a zip")
    assert reprise("data", "path", "omniglot-minimal")[:2] == (0, "".join(f"{path}\n" for path in files))
    assert "at hand" in reprise("data", "list")[1]
    code, _, message = reprise("data", "fetch", "omniglot-minimal")
    assert code == 2 and "is not the declared images_background_small1.zip" in message

    code, output, _ = reprise("data", "fetch", "glyphs")
    assert code == 0 and "nothing to fetch" in output


def test_describe_lists_presets_and_settings_with_ranges(reprise):
    code, output, _ = reprise("describe", "maml")
    assert code == 0
    for name in (*MAML.presets, *MAML.config.model_fields):
        assert f"\n  {name}" in output
    assert "maml | fomaml | anil | boil" in output
    ways = output.split("  ways = 20\n")[1].splitlines()[0]
    assert "int" in ways and "classes" in ways and "≥ 2" in ways


def test_status_speaks_of_all_studies_and_presets(reprise):
    code, output, _ = reprise("status")
    assert code == 0
    everything = [[name, preset] for name in studies() for preset in study(name).presets]
    assert [line.split()[:2] for line in output.splitlines()] == everything
    assert "seeds 0..4" in output and "no finished unit yet" in output


@pytest.mark.parametrize("words", [["--help"], ["run", "-h"], ["data", "--help"]])
def test_help_loads_nothing_heavy(words):
    code = (
        f"import sys; sys.argv = {['reprise', *words]!r}\n"
        "from reprise.cli import main\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code, end.code\n"
        "print('loaded', *sys.modules)"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    modules = answer.splitlines()[-1].split()[1:]
    loaded = {name.split(".")[0] for name in modules}
    assert "Usage" in answer and "typer" in loaded
    heavy = {"torch", "xarray", "numpy", "scipy", "matplotlib", "papermill", "pandas"}
    # Some versions of typer read a command's types by pydantic; our own configurations wait.
    assert loaded.isdisjoint(heavy | ({"pydantic"} if words == ["--help"] else set()))
    assert "reprise.studies" not in modules and "reprise.data" not in modules
