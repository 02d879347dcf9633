"""Build the book: stage the sources, execute every chapter, build the pages strictly.

``make book`` runs ``python -m reprise.book build``. Chapters are executed with ``compute="never"``, so that a
build reads published results and never trains; a chapter that would need more says which units are missing.
"""

import argparse
import hashlib
import json
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reprise.book.execution import BuildError, execute_chapters, put

_SUFFIXES = (".ipynb", ".md", ".rst")
_SHARED = ("_toc.yml", "references.bib")
_DEPENDENT = ("chapters/status.ipynb",)
"""Pages that say something of the others, such as how long each took."""


@dataclass(frozen=True)
class Built:
    """A finished build.

    Attributes:
        index: The page to open.
        seconds: Execution time of each chapter, by its path in the sources.
        noisy: Chapters that wrote to standard error while they were executed.
    """

    index: Path
    seconds: dict[str, float]
    noisy: list[str]


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point of ``python -m reprise.book``; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m reprise.book", description="Build the book.")
    commands = parser.add_subparsers(dest="command", required=True)
    build = commands.add_parser("build", help="execute every chapter and build the pages")
    build.add_argument("--root", type=Path, default=None, help="folder of _toc.yml (default: found upwards)")
    build.add_argument("--output", type=Path, default=None, help="where the book goes (default: ROOT/_build)")
    options = parser.parse_args(arguments)
    try:
        root = options.root.resolve() if options.root else find_root(Path.cwd())
        built = build_book(root, options.output)
    except BuildError as error:
        print(f"\nThe book was not built.\n{error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted; what _build holds is not a whole book.", file=sys.stderr)
        return 130
    for name in built.noisy:
        print(f"note: {name} wrote to standard error; the page leaves that out")
    print(f"\nThe book is built. Open {built.index}")
    return 0


def find_root(start: Path) -> Path:
    """The nearest folder, from ``start`` upwards, that holds a book's ``_toc.yml`` and ``_config.yml``.

    Raises:
        BuildError: There is none.
    """
    for folder in (start, *start.parents):
        if (folder / "_toc.yml").is_file() and (folder / "_config.yml").is_file():
            return folder
    raise BuildError(f"no _toc.yml and _config.yml in {start} or above it: run this in the book's folder")


def build_book(root: Path, output: Path | None = None) -> Built:
    """Stage, execute and build.

    Args:
        root: The folder of ``_toc.yml`` and ``_config.yml``.
        output: Where ``stage/`` and ``html/`` go; ``root/_build`` if None.

    Returns:
        The page to open, and what execution took.

    Raises:
        BuildError: A source is missing, a chapter failed (all are tried first), or the pages have faults.
    """
    root = root.resolve()
    output = (output or root / "_build").resolve()
    sources = book_sources(root)
    stage = output / "stage"
    chapters = [path for path in sources if path.suffix == ".ipynb"]
    stage_sources(root, stage, sources)
    seconds, noisy = execute_chapters(root, stage, chapters, output / "executed")
    index = _build_pages(root, stage, output)
    return Built(index, seconds, noisy)


def book_sources(root: Path) -> list[Path]:
    """Source files of all pages that ``_toc.yml`` names, relative to ``root`` and in its order.

    Raises:
        BuildError: The table of contents is malformed, or files are missing (all are named).
    """
    from sphinx_external_toc.parsing import MalformedError, parse_toc_yaml

    try:
        site_map = parse_toc_yaml(root / "_toc.yml")
    except (MalformedError, OSError) as error:
        raise BuildError(f"_toc.yml: {error}") from error
    found, missing = [], []
    for name in site_map:
        candidates = (
            [Path(name)] if name.endswith(_SUFFIXES) else [Path(name + suffix) for suffix in _SUFFIXES]
        )
        there = [path for path in candidates if (root / path).is_file()]
        if there:
            found.append(there[0])
        else:
            missing.append(name)
    if missing:
        raise BuildError("_toc.yml names pages that do not exist: " + ", ".join(missing))
    return found


def stage_sources(root: Path, stage: Path, sources: Sequence[Path]) -> None:
    """Copy everything but the notebooks into a fresh folder, and switch execution off in the configuration.

    A file that is there with the same content stays as it is, so that its page need not be built again.

    Args:
        root: The folder of ``_toc.yml``.
        stage: Folder to fill; what else it held is deleted, executed chapters aside.
        sources: Pages relative to ``root``. Files beside pages in sub-folders (pictures, included text) come
            along.
    """
    import yaml

    config = yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))
    config.setdefault("execute", {})["execute_notebooks"] = "off"
    text = yaml.safe_dump(config, sort_keys=False, allow_unicode=True)
    wanted: dict[Path, bytes] = {Path("_config.yml"): text.encode()}
    shared = [Path(name) for name in _SHARED if (root / name).is_file()]
    assets = [path.relative_to(root) for path in (root / "assets").rglob("*") if path.is_file()]
    pages = [path for path in sources if path.suffix != ".ipynb"]
    folders = {path.parent for path in sources} - {Path(".")}
    beside = [
        path.relative_to(root)
        for folder in sorted(folders)
        for path in (root / folder).iterdir()
        if path.is_file() and path.suffix not in _SUFFIXES
    ]
    wanted |= {path: (root / path).read_bytes() for path in (*shared, *assets, *pages, *beside)}
    chapters = {path for path in sources if path.suffix == ".ipynb"}
    for path in [path for path in stage.rglob("*") if path.is_file()]:
        if path.relative_to(stage) not in {*wanted, *chapters}:
            path.unlink()
    for path, content in wanted.items():
        put(stage / path, content)


def _build_pages(root: Path, stage: Path, output: Path) -> Path:
    from jupyter_book.sphinx import build_sphinx

    html, memory = output / "html", output / "pages.json"
    frame, pages = _page_keys(root, stage)
    before = _read_keys(memory)
    if before == [frame, pages] and (html / "index.html").is_file():
        print("the pages are as they were", flush=True)
        return html / "index.html"
    memory.unlink(missing_ok=True)
    if not before or before[0] != frame or set(before[1]) != set(pages):
        # From nothing: what all pages share has changed, or a page that left must not stay behind.
        shutil.rmtree(html, ignore_errors=True)
        shutil.rmtree(output / ".doctrees", ignore_errors=True)
    else:
        for path in (stage / name for name in _DEPENDENT):
            if path.is_file():
                path.touch()
    print("building the pages …", flush=True)
    overrides = {
        "nitpicky": True,
        "external_toc_path": (stage / "_toc.yml").as_posix(),
        "latex_individualpages": False,
        "reprise_root": str(root),
    }
    result = build_sphinx(
        stage,
        html,
        noconfig=True,
        path_config=stage / "_config.yml",
        confoverrides=overrides,
        warningiserror=True,
        keep_going=True,
        quiet=True,
    )
    if isinstance(result, KeyboardInterrupt):
        raise result
    if result:
        raise BuildError("the pages have faults: every warning above is an error here")
    index = html / "index.html"
    if not index.is_file():
        raise BuildError(f"the build wrote no {index}")
    memory.write_text(json.dumps([frame, pages]), encoding="utf-8")
    return index


def _page_keys(root: Path, stage: Path) -> tuple[str, dict[str, str]]:
    """Digest of all that every page depends on, and of each page's source."""
    contents = {path: path.read_bytes() for path in sorted(stage.rglob("*")) if path.is_file()}
    frame, pages = hashlib.sha256(), {}
    for path, content in contents.items():
        name = path.relative_to(stage).as_posix()
        if path.suffix in _SUFFIXES:
            pages[name] = hashlib.sha256(content).hexdigest()
        else:
            frame.update(name.encode() + content)
    for path in (
        *sorted(Path(__file__).parent.glob("*.py")),
        root / "package-lock.json",
        root / "CITATION.cff",
    ):
        frame.update(path.read_bytes() if path.is_file() else b"-")
    published = sorted(path.name for path in (root / "results").rglob("*.nc"))
    frame.update("\n".join(published).encode())  # pages offer the table of all results
    return frame.hexdigest(), pages


def _read_keys(memory: Path) -> list[Any]:
    try:
        return json.loads(memory.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
