"""Execute the chapters of the book, without training, before its pages are built.

A chapter whose source, parameters and inputs are what they were is taken from the build before, see
:mod:`.inputs`.
"""

import json
import os
import shutil
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from reprise.book import inputs
from reprise.book.driver import ChapterError, execute_notebook
from reprise.book.parameters import declared
from reprise.places import Places

AT_ONCE = 2
"""Chapters that are executed at once, at most: each has a kernel, and reads results into memory."""


class BuildError(RuntimeError):
    """The book cannot be built; the message is for the reader."""


@dataclass(frozen=True)
class Outcome:
    """What became of one chapter.

    Attributes:
        seconds: What it took.
        wrote: Whether a cell wrote to standard error.
        fault: Why it failed, in full; empty if it did not.
        cause: The same on one line.
    """

    seconds: float
    wrote: bool = False
    fault: str = ""
    cause: str = ""


def execute_chapters(
    root: Path, stage: Path, chapters: Sequence[Path], memory: Path
) -> tuple[dict[str, float], list[str]]:
    """Execute chapters, two at a time where there are two cores; none depends on another.

    Args:
        root: Folder of the sources.
        stage: Where executed chapters go, at the same places.
        chapters: Notebooks, relative to ``root``.
        memory: Folder in which executed chapters are remembered from build to build.

    Returns:
        Seconds of each chapter that was executed, and the chapters that wrote to standard error.

    Raises:
        BuildError: Chapters failed; all are tried first, and each is told in full where it fails.
    """
    seconds: dict[str, float] = {}
    failures = []
    workers = min(os.cpu_count() or 1, AT_ONCE)
    recalled = {chapter: _recall(root, stage, chapter, memory) for chapter in chapters}
    changed = [chapter for chapter, record in recalled.items() if not record]
    noisy = [chapter.as_posix() for chapter, record in recalled.items() if record.get("wrote")]
    if kept := len(chapters) - len(changed):
        print(f"{kept} of {len(chapters)} chapters are as they were", flush=True)
    if not changed:
        return seconds, noisy
    with ProcessPoolExecutor(min(workers, len(changed)), get_context("spawn")) as pool:
        outcomes = pool.map(partial(_execute_one, root, stage, memory), changed)
        for number, (chapter, outcome) in enumerate(zip(changed, outcomes, strict=True), 1):
            name = chapter.as_posix()
            print(f"[{number}/{len(changed)}] executed {name} in {outcome.seconds:.0f} s", flush=True)
            if outcome.fault:
                # All of it now, where it happened; the summary at the end stays short.
                print(f"      failed:\n{outcome.fault}", flush=True)
                failures.append(f"{name}: {outcome.cause}")
                continue
            seconds[name] = outcome.seconds
            if outcome.wrote:
                noisy.append(name)
    if failures:
        raise BuildError("\n".join([f"{len(failures)} of {len(chapters)} chapters failed:", *failures]))
    return seconds, noisy


def put(path: Path, content: bytes) -> None:
    """Write a file, unless it has that content already: Sphinx goes by the time of change."""
    if path.is_file() and path.read_bytes() == content:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _parameters(source: Path) -> dict[str, Any]:
    return {"compute": "never"} if "compute" in declared(source) else {}


def _recall(root: Path, stage: Path, chapter: Path, memory: Path) -> dict[str, Any]:
    """Put a remembered chapter in its place, if it would come out the same; its record, empty if not."""
    source = root / chapter
    try:
        record = json.loads((memory / f"{chapter}.json").read_text(encoding="utf-8"))
        if inputs.key(source, _parameters(source), record["inputs"]) != record["key"]:
            return {}
        put(stage / chapter, (memory / chapter).read_bytes())
    except (OSError, ValueError):
        return {}
    return record


def _execute_one(root: Path, stage: Path, memory: Path, chapter: Path) -> Outcome:
    """One chapter, in a process of its own, which is remembered if it did not fail."""
    started = time.perf_counter()
    source, noted = root / chapter, memory / f"{chapter}.inputs"
    (memory / chapter).parent.mkdir(parents=True, exist_ok=True)
    (memory / f"{chapter}.json").unlink(missing_ok=True)
    os.environ[inputs.VARIABLE] = str(noted)
    parameters = _parameters(source)
    try:
        target = execute_notebook(source, stage / chapter, parameters, progress=False, cwd=source.parent)
    except (ChapterError, ValueError) as error:
        cause = error.cause if isinstance(error, ChapterError) else str(error)
        return Outcome(time.perf_counter() - started, fault=str(error), cause=cause)
    wrote = _tidy(target, chapter.as_posix())
    if noted.is_file():  # a kernel that ended otherwise than by itself leaves none
        # Remembered verdicts follow from units and source, which count themselves.
        verdicts = Places.from_environment(start=root).local / "verdicts"
        read = inputs.inputs_of(noted, root, [memory.parent, verdicts])
        noted.unlink()
        shutil.copyfile(target, memory / chapter)
        record = {"key": inputs.key(source, parameters, read), "inputs": read, "wrote": wrote}
        (memory / f"{chapter}.json").write_text(json.dumps(record), encoding="utf-8")
    return Outcome(time.perf_counter() - started, wrote=wrote)


def _tidy(notebook: Path, source: str) -> bool:
    """Replace this machine's paths in the metadata, since readers can download the executed chapter.

    Returns whether a cell wrote to standard error.
    """
    import nbformat

    executed = nbformat.read(notebook, as_version=4)
    record = executed.metadata.get("papermill", {})
    record["input_path"] = record["output_path"] = source
    nbformat.write(executed, notebook)
    outputs = [output for cell in executed.cells for output in cell.get("outputs", [])]
    return any(output.get("name") == "stderr" for output in outputs)
