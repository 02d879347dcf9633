"""The builder: stage, execute, build strictly; and the extension inside a real build."""

import json

import pytest

from reprise.book import build
from reprise.book.build import BuildError, book_sources, build_book, find_root, main

# What Sphinx and its extensions deprecate among themselves.
pytestmark = [
    pytest.mark.filterwarnings("ignore::PendingDeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning:sphinx_external_toc"),
]


def test_builds_a_book_from_any_folder(book, write_notebook, monkeypatch, capsys):
    cells = [
        "# One",
        ("compute = 'missing'", ["parameters"]),
        "print('compute is', compute)",
        ("print('bare')", ["remove-input"]),
        "import sys; print('hidden', file=sys.stderr)",
        "import matplotlib; matplotlib.use('Agg'); import matplotlib.pyplot as plt\n"
        "from reprise.book.display import show\nfig, ax = plt.subplots()\n"
        "show(fig, caption='A.', alt='An empty frame.', name='frame', provenance='none')",
    ]
    write_notebook(book / "chapters" / "one.ipynb", cells)
    (book / "intro.md").write_text("# Tiny\n\nSee [the frame](#frame).\n")
    (book / "chapters" / "table.csv").write_text("a,b\n")
    monkeypatch.chdir(book / "chapters")

    assert main(["build"]) == 0

    index = book / "_build" / "html" / "index.html"
    output = capsys.readouterr().out
    assert output.rstrip().endswith(f"Open {index}")
    assert "note: chapters/one.ipynb wrote to standard error" in output
    page = (index.parent / "chapters" / "one.html").read_text()
    assert "compute is never" in page
    assert "<details" not in page  # code is in plain sight unless a cell says otherwise
    assert "Parameters" not in page
    assert 'href="chapters/one.html#frame"' in (index.parent / "intro.html").read_text()
    assert (book / "_build" / "stage" / "chapters" / "table.csv").is_file()
    executed = json.loads((index.parent / "_sources" / "chapters" / "one.ipynb").read_text())
    assert str(book) not in json.dumps(executed["metadata"])
    assert executed["metadata"]["papermill"]["input_path"] == "chapters/one.ipynb"


def test_faults_of_pages_fail_the_build(book, capfd):
    faults = [
        '<img src="data:image/png;base64,AA">',
        '<script src="https://cdn.example.org/a.js"></script>',
        '<a href="gone.html">gone</a>',
    ]
    (book / "intro.md").write_text("# Tiny\n\n" + "\n\n".join(faults) + "\n")
    with pytest.raises(BuildError, match="the pages have faults"):
        build_book(book, book / "elsewhere")
    log = capfd.readouterr().err
    assert "intro.html: no alternative text" in log
    assert "intro.html: fetched from another machine: https://cdn.example.org/a.js" in log
    assert "intro.html: dead link: gone.html" in log


def test_a_warning_fails_the_build(book, capfd):
    (book / "intro.md").write_text("# Tiny\n\nSee {ref}`nowhere`.\n")
    with pytest.raises(BuildError, match="every warning above is an error"):
        build_book(book)
    assert "nowhere" in capfd.readouterr().err


def test_all_chapters_run_before_failures_are_told(book, write_notebook, monkeypatch, capsys):
    toc = book / "_toc.yml"
    toc.write_text(toc.read_text() + "  - file: chapters/two\n  - file: chapters/three\n")
    write_notebook(book / "chapters" / "one.ipynb", ["# One", "raise LookupError('unit 3 is missing')"])
    write_notebook(book / "chapters" / "two.ipynb", ["# Two", "1 / 0"])
    write_notebook(book / "chapters" / "three.ipynb", ["# Three", "print('three')"])
    monkeypatch.setattr(build, "_build_pages", lambda *_: pytest.fail("pages of failed chapters were built"))
    monkeypatch.chdir(book)
    assert main(["build"]) == 1
    log, summary = capsys.readouterr()
    assert summary.splitlines()[-3:] == [
        "2 of 3 chapters failed:",
        "chapters/one.ipynb: LookupError: unit 3 is missing",
        "chapters/two.ipynb: ZeroDivisionError: division by zero",
    ]
    assert "    raise LookupError('unit 3 is missing')" in log
    assert "traceback" in log


def test_missing_sources_are_named_before_anything_runs(book, monkeypatch, capsys):
    toc = book / "_toc.yml"
    toc.write_text(toc.read_text() + "  - file: chapters/gone\n  - file: chapters/lost\n")
    with pytest.raises(BuildError, match=r"do not exist: chapters/gone, chapters/lost"):
        book_sources(book)
    assert main(["build", "--root", str(book)]) == 1
    assert "chapters/gone" in capsys.readouterr().err
    assert not (book / "_build").exists()
    toc.write_text("format: jb-book\n")
    with pytest.raises(BuildError, match=r"_toc\.yml"):
        book_sources(book)


def test_finds_its_root(book, tmp_path):
    assert find_root(book / "chapters") == book
    with pytest.raises(BuildError, match="run this in the book's folder"):
        find_root(tmp_path)
