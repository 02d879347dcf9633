"""The extension inside a real build: links by name, records, status, results, numbers typed by hand."""

import re
import shutil

import pytest

from reprise.book.build import BuildError, build_book
from reprise.engine.study import Unit

pytestmark = [
    pytest.mark.filterwarnings("ignore::PendingDeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning:sphinx_external_toc"),
]


def test_links_find_their_pages_and_results_are_offered(book, write_notebook, lone_places, tiny_config):
    shutil.copytree(lone_places.local / "maml", book / "results" / "maml")
    unit = Unit(tiny_config, 0).id
    show = (
        "import matplotlib; matplotlib.use('Agg'); import matplotlib.pyplot as plt\n"
        "from reprise.book.display import show\nfig, ax = plt.subplots()\n"
        f"show(fig, caption='A.', alt='A.', name='frame', provenance='p', units=['{unit}', 'gone'])"
    )
    records = (
        "from pathlib import Path\nfrom IPython.display import HTML\nfrom reprise.book.units import *\n"
        f"HTML(records_html(published_records(Path({str(book / 'results')!r}))))"
    )
    cells = ["# One", ("compute = 'missing'", ["parameters"]), show, records]
    write_notebook(book / "chapters" / "one.ipynb", cells)
    from reprise.book.links import link

    offered = '<a href="_static/downloads/reprise-results.csv">all results</a>'
    named = f"{link('frame', 'figure')} {link('nowhere', 'nothing')}"
    status = '<div id="chapter-status"></div>'
    (book / "intro.md").write_text(f"# Tiny\n\n<p>{named} {offered}</p>\n\n{status}\n")
    index = build_book(book).index.parent
    intro, one = ((index / name).read_text() for name in ("intro.html", "chapters/one.html"))
    assert '<a href="chapters/one.html#frame">figure</a> nothing' in intro
    assert 'data-page="chapters/one"' in intro and "compute = never" in intro
    assert f'<a href="#unit-{unit}">{unit[:8]}</a> gone' in one and f'id="unit-{unit}"' in one
    assert "reprise:" not in intro + one
    table = (index / "_static" / "downloads" / "reprise-results.csv").read_text()
    assert set(re.findall(r"^maml,(\w+),", table, re.MULTILINE)) == {Unit(tiny_config, s).id for s in (0, 1)}


def test_a_result_typed_by_hand_fails_the_build(book, write_notebook, capfd):
    cells = [
        "# One\n\nAccuracy is 82.4 % at a rate of 0.4.",
        ("x = 1", ["parameters"]),
        "print('accuracy 0.7')",
    ]
    write_notebook(book / "chapters" / "one.ipynb", cells)
    with pytest.raises(BuildError, match="the pages have faults"):
        build_book(book)
    log = capfd.readouterr().err
    assert (
        "chapters/one: result typed by hand (or a constant that chapters/constants.toml does not name)" in log
    )
    assert "82.4 %" in log and "0.4" in log and "0.7" not in log
    (book / "chapters" / "constants.toml").write_text(
        '["chapters/one"]\n"0.4" = "rate"\n"82.4 %" = "of the literature"\n'
    )
    build_book(book)
