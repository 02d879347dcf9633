"""The builder: stage, execute, build strictly; and the extension inside a real build."""

import json
import re

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


def executed(capsys):
    """Chapters that a build has executed, and whether it built pages."""
    output = capsys.readouterr().out
    return re.findall(r"executed (\S+) in", output), "building the pages" in output


def test_what_is_as_it_was_is_not_built_again(book, write_notebook, capsys):
    """Of two chapters, of which one reads a file, lists a folder and looks a unit up."""
    (book / "_toc.yml").write_text((book / "_toc.yml").read_text() + "  - file: chapters/two\n")
    data = book / "chapters" / "units"
    data.mkdir()
    (data / "a.txt").write_text("first")
    reads = (
        "import os, sys\nfrom pathlib import Path\n"
        "print(Path('units/a.txt').read_text(), sorted(os.listdir('units')))\n"
        "sys.audit('reprise.unit', os.path.abspath('units/b.txt'))\nprint(Path('units/b.txt').is_file())"
    )
    write_notebook(book / "chapters" / "two.ipynb", ["# Two", reads])
    one, two, html = "chapters/one.ipynb", "chapters/two.ipynb", book / "_build" / "html" / "chapters"
    build_book(book)
    assert executed(capsys) == ([one, two], True)
    before = {path: path.stat().st_mtime_ns for path in html.glob("*.html")}
    build_book(book)
    assert executed(capsys) == ([], False)
    assert {path: path.stat().st_mtime_ns for path in html.glob("*.html")} == before

    (data / "a.txt").write_text("second")
    build_book(book)
    assert executed(capsys) == ([two], True)
    assert "second" in (html / "two.html").read_text()
    for change in (lambda: (data / "c.txt").touch(), lambda: (data / "b.txt").touch()):
        change()
        build_book(book)
        assert executed(capsys)[0] == [two]
    assert "True" in (html / "two.html").read_text()
    write_notebook(
        book / one, ["# One", ("compute = 'missing'", ["parameters"]), "print('changed', compute)"]
    )
    build_book(book)
    assert executed(capsys) == ([one], True)
    assert "changed never" in (html / "one.html").read_text()
    build_book(book)
    assert executed(capsys) == ([], False)


def test_a_chapter_is_executed_again_when_the_library_or_a_damaged_memory_says_so(
    book, monkeypatch, capsys, tmp_path
):
    build_book(book)
    capsys.readouterr()
    record = book / "_build" / "executed" / "chapters" / "one.ipynb.json"
    record.write_text("{")
    build_book(book)
    assert executed(capsys)[0] == ["chapters/one.ipynb"]
    monkeypatch.setenv("REPRISE_DATA", str(tmp_path))
    build_book(book)
    assert executed(capsys)[0] == ["chapters/one.ipynb"]
    build_book(book)
    assert executed(capsys) == ([], False)
    monkeypatch.setattr("reprise.book.inputs.sys.version", "another Python")
    build_book(book)
    assert executed(capsys)[0] == ["chapters/one.ipynb"]


def test_modules_and_files_of_the_checkout_count_and_what_a_build_makes_does_not(tmp_path, monkeypatch):
    import reprise.claims
    from reprise.book import inputs

    root = tmp_path.resolve()
    monkeypatch.delenv("REPRISE_DATA", raising=False)
    noted = root / "noted"
    listed = ["lib/a.py", "lib/__pycache__/a.pyc", "_build/html/a", ".venv/x.py", "results/u.nc"]
    noted.write_text(json.dumps([*(f"{root}/{name}" for name in listed), reprise.claims.__file__]))
    assert inputs.inputs_of(noted, root, [root / "_build"]) == [f"{root}/lib/a.py", f"{root}/results/u.nc"]
    source = root / "chapter.ipynb"
    source.write_text("{}")
    keys = [
        inputs.key(source, {}, []),
        inputs.key(source, {"a": 1}, []),
        inputs.key(source, {}, ["lib/a.py"]),
    ]
    assert len(set(keys)) == 3


def test_a_page_that_left_the_contents_does_not_stay(book, write_notebook, capsys):
    toc = book / "_toc.yml"
    text = toc.read_text()
    toc.write_text(text + "  - file: chapters/two\n")
    write_notebook(book / "chapters" / "two.ipynb", ["# Two", "print(2)"])
    build_book(book)
    assert (book / "_build" / "html" / "chapters" / "two.html").is_file()
    toc.write_text(text)
    build_book(book)
    assert executed(capsys)[1] and not (book / "_build" / "html" / "chapters" / "two.html").exists()


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
