"""Results that were typed by hand are found; code, formulas and declared constants are none."""

import json
from pathlib import Path

import pytest

from reprise.book.prose import declared_constants, prose_of, typed_results

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Accuracy is 82.4 % on unseen classes.", ["82.4 %"]),
        ("It reaches 82% after training.", ["82%"]),
        ("The logits change by 0.42.", ["0.42"]),
        ("The difference is −0.05 there.", ["−0.05"]),
        ("It costs 12 points of accuracy.", ["12"]),
        ("The logits change 5 times as much.", ["5"]),
        (":::{note}\nAbout 30 % of them.\n:::", ["30 %"]),
        ("```{div} question\nIs it 0.3?\n```", ["0.3"]),
        ('M1 is <span class="verdict-supported">supported</span>.', ["verdict-supported"]),
    ],
)
def test_results_are_found(text, found):
    assert typed_results(text) == found


@pytest.mark.parametrize(
    "text",
    [
        "Four blocks, 64 filters, 60 000 meta-iterations and 5-way tasks of 2021.",
        "The rate is `0.4` and $\\alpha = 0.05$, in all $$ x = 0.5 $$ cases.",
        "```python\nx = 0.42\n```",
        "```bash\nreprise run maml --set inner_rate=0.4\n```",
        "See [the version](https://example.org/1.5) and arXiv:2105.05757.",
        "A 95 % interval at 0.4, within ±2 points.",
        '<span class="verdict-mixed">mixed</span>',
        "<!-- 0.3 -->",
        '<img src="a.png" width="0.5">',
    ],
)
def test_constants_code_and_formulas_are_no_results(text):
    assert typed_results(text, ["95 %", "0.4", "2", "verdict chips"]) == []


def test_each_is_told_once_and_a_declaration_is_of_one_number():
    assert typed_results("0.4 and 0.5 and 0.5, 4 %", ["0.4", "4"]) == ["0.5", "4 %"]


def test_only_markdown_cells_are_prose():
    cells = [
        {"cell_type": "markdown", "source": ["It is 0.5.\n", "Or not."]},
        {"cell_type": "code", "source": ["x = 0.7"]},
    ]
    assert typed_results(prose_of({"cells": cells})) == ["0.5"]


def test_constants_are_declared_page_by_page_with_what_they_are(tmp_path):
    (tmp_path / "constants.toml").write_text('["*"]\n"95 %" = "level"\n["chapters/a"]\n"0.4" = "rate"\n')
    assert declared_constants(tmp_path) == {"*": ["95 %"], "chapters/a": ["95 %", "0.4"]}
    assert declared_constants(tmp_path / "nowhere") == {"*": []}


PAGES = [*ROOT.glob("*.ipynb"), *(ROOT / "chapters").rglob("*.ipynb"), *(ROOT / "chapters").rglob("*.md")]


@pytest.mark.parametrize("path", sorted(PAGES), ids=lambda path: path.stem)
def test_no_page_of_the_book_states_a_result_by_hand(path):
    text = path.read_text(encoding="utf-8")
    constants = declared_constants(ROOT / "chapters")
    own = constants.get(path.relative_to(ROOT).with_suffix("").as_posix(), constants["*"])
    assert typed_results(prose_of(json.loads(text)) if path.suffix == ".ipynb" else text, own) == []
