"""Execute all chapters of the book, without training, before its pages are built."""

import os
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from reprise.book.driver import ChapterError, execute_notebook
from reprise.book.parameters import declared

AT_ONCE = 2
"""Chapters that are executed at once, at most: each has a kernel, and reads results into memory."""


class BuildError(RuntimeError):
    """The book cannot be built; the message is for the reader."""


def execute_chapters(root: Path, stage: Path, chapters: Sequence[Path]) -> tuple[dict[str, float], list[str]]:
    """Execute chapters, two at a time where there are two cores; none depends on another.

    Args:
        root: Folder of the sources.
        stage: Where executed chapters go, at the same places.
        chapters: Notebooks, relative to ``root``.

    Returns:
        Seconds of each chapter, and the chapters that wrote to standard error.

    Raises:
        BuildError: Chapters failed; all are tried first, and each is told in full where it fails.
    """
    seconds: dict[str, float] = {}
    noisy, failures = [], []
    workers = min(os.cpu_count() or 1, AT_ONCE)
    with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
        outcomes = pool.map(partial(_execute_one, root, stage), chapters)
        for number, (chapter, outcome) in enumerate(zip(chapters, outcomes, strict=True), 1):
            name, (took, wrote, fault, cause) = chapter.as_posix(), outcome
            print(f"[{number}/{len(chapters)}] executed {name} in {took:.0f} s", flush=True)
            if fault:
                # All of it now, where it happened; the summary at the end stays short.
                print(f"      failed:\n{fault}", flush=True)
                failures.append(f"{name}: {cause}")
                continue
            seconds[name] = took
            if wrote:
                noisy.append(name)
    if failures:
        raise BuildError("\n".join([f"{len(failures)} of {len(chapters)} chapters failed:", *failures]))
    return seconds, noisy


def _execute_one(root: Path, stage: Path, chapter: Path) -> tuple[float, bool, str, str]:
    """One chapter, in a process of its own: seconds, whether it wrote to standard error, fault, cause."""
    started = time.perf_counter()
    try:
        parameters: dict[str, Any] = {}
        if "compute" in declared(root / chapter):
            parameters["compute"] = "never"
        target = execute_notebook(
            root / chapter, stage / chapter, parameters, progress=False, cwd=(root / chapter).parent
        )
    except (ChapterError, ValueError) as error:
        cause = error.cause if isinstance(error, ChapterError) else str(error)
        return time.perf_counter() - started, False, str(error), cause
    return time.perf_counter() - started, _tidy(target, chapter.as_posix()), "", ""


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
