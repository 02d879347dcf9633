"""The ledger in the terminal."""

import dataclasses
import shutil
import sys

import pytest

from reprise import cli
from reprise.places import Places


@pytest.fixture
def reprise(tmp_path, monkeypatch, capsys, lone_places):
    """Call the command line in a checkout whose local runs are the tiny ones."""
    root = tmp_path / "book"
    (root / "chapters").mkdir(parents=True)
    (root / "_toc.yml").write_text("format: jb-book\n")
    monkeypatch.chdir(root)
    monkeypatch.setenv("REPRISE_STORE", str(lone_places.local))
    monkeypatch.delenv("REPRISE_DATA", raising=False)

    def call(*words):
        monkeypatch.setattr(sys, "argv", ["reprise", "claims", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        captured = capsys.readouterr()
        return ended.value.code, captured.out, captured.err

    call.root = root
    return call


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--id", "Z9"], ["'Z9'", "M1, M1a, M1b, M2", "S6b"]),
        (["--runs", "nowhere"], ["'nowhere'", "published or local"]),
        (["--id", "M1a", "--set", "way=3"], ["'way'", "ways", "shots"]),
        (["--id", "M1a", "--set", "ways"], ["ways", "KEY=VALUE"]),
        (["--id", "M1a", "--preset", "big"], ["'big'", "laptop", "as_described"]),
        (["--id", "M1a", "--seeds", "many"], ["'many'", "0..4"]),
        (["--set", "ways=3"], ["one study", "--id"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else value,
)
def test_bad_requests_end_with_2_and_name_the_choices(reprise, words, expected):
    code, output, message = reprise(*words)
    assert code == 2 and output == ""
    assert all(part in message for part in expected)


def test_nothing_published_is_not_run_and_says_how_to_run_it(reprise):
    code, output, _ = reprise("--id", "M1")
    assert code == 0 and output.count("    not run") == 3
    assert "reprise run maml --preset laptop --seeds 0..4" in output
    assert "published: 1 not run" in output


def local_request(tiny_settings):
    words = [word for k, v in tiny_settings.items() for word in ("--set", f"{k}={v}")]
    return ["--id", "M1a", "--runs", "local", "--preset", "smoke", *words, "--seeds", "0..1"]


def test_local_runs_are_judged_with_numbers(reprise, tiny_settings):
    code, output, _ = reprise(*local_request(tiny_settings))
    assert code == 0
    assert "undecided    glyphs · smoke" in output and "filters=8" in output
    assert "95 % interval, n = 2: undecided" in output
    assert "no verdict moved against the published ones" in output


def test_a_verdict_that_moved_is_told(reprise, tiny_settings, monkeypatch):
    from reprise.claims import ledger as module

    real = module.ledger

    def published_supports(load, ids=None, preset=None, overrides=None, seeds=None):
        entries = real(
            load, ids, preset or "smoke", overrides or dict(map_words(tiny_settings)), seeds or (0, 1)
        )
        if preset is None:  # what the book has published
            return [
                dataclasses.replace(
                    one,
                    judged=tuple(
                        dataclasses.replace(j, verdict=dataclasses.replace(j.verdict, status="supported"))
                        for j in one.judged
                    ),
                )
                for one in entries
            ]
        return entries

    monkeypatch.setattr(module, "ledger", published_supports)
    code, output, _ = reprise(*local_request(tiny_settings))
    assert code == 0
    assert "moved: M1a was supported (smoke, filters=8" in output and "and is undecided (smoke" in output


def map_words(settings):
    return [(name, str(value)) for name, value in settings.items()]


def test_published_units_of_a_checkout_are_judged(reprise, lone_places, tiny_settings):
    shutil.copytree(lone_places.local / "maml", reprise.root / "results" / "maml")
    words = [word for word in local_request(tiny_settings) if word not in ("--runs", "local")]
    code, output, _ = reprise(*words)
    assert code == 0 and "undecided    glyphs · smoke" in output
    assert Places.from_environment().published == reprise.root / "results"
