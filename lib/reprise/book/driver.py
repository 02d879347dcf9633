"""Execute one chapter with papermill, in this interpreter, and say clearly what went wrong.

Papermill is the engine; this module fixes what a reader would otherwise trip over: the kernel is always
the interpreter that runs this code (a kernel spec of another environment is never picked up), unknown
parameters are refused before any kernel starts, the working directory is the chapter's own folder, a failing
cell is reported with its source and traceback, and what was executed until then is kept.
"""

import contextlib
import logging
import os
import re
import sys
import tempfile
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from ..engine.config import refuse_unknown
from .parameters import declared

_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_SOURCE_LINES = 12
_TRACEBACK_LINES = 40


class ChapterError(RuntimeError):
    """A cell of a chapter failed.

    Attributes:
        notebook: The partially executed notebook, kept for inspection.
        source: Source of the failing cell (empty if the kernel died between cells).
        cause: Exception name and message as the kernel reported them, on one line.
        traceback: The kernel's traceback without terminal colours.
    """

    def __init__(self, notebook: Path, source: str, cause: str, traceback: str) -> None:
        self.notebook, self.source, self.cause, self.traceback = notebook, source, cause, traceback
        super().__init__(self._message())

    def _message(self) -> str:
        parts = [f"{self.notebook.name}: {self.cause}"]
        if self.source:
            lines = self.source.strip().splitlines()
            head = [f"    {line}" for line in lines[:_SOURCE_LINES]]
            if len(lines) > _SOURCE_LINES:
                head.append(f"    … {len(lines) - _SOURCE_LINES} more lines")
            parts += ["in the cell", *head]
        if self.traceback:
            tail = self.traceback.strip().splitlines()[-_TRACEBACK_LINES:]
            parts += ["traceback", *(f"    {line}" for line in tail)]
        parts.append(f"executed until there: {self.notebook}")
        return "\n".join(parts)


def execute_notebook(
    source: Path,
    target: Path,
    parameters: Mapping[str, Any],
    *,
    timeout: float | None = None,
    progress: bool = True,
    cwd: Path | None = None,
    accepted: Collection[str] = (),
) -> Path:
    """Execute a notebook with other parameters and write the executed copy.

    Args:
        source: The notebook; it is not changed.
        target: Where the executed notebook goes. Written after every cell, so an interrupted or failed run
            leaves what it had. Timing stays in the metadata (``papermill`` of the notebook and of each cell).
        parameters: Values for names of the cell tagged ``parameters``: None, bool, int, float, str and
            sequences or mappings of these; paths become strings.
        timeout: Seconds that a single cell may take; no limit if None.
        progress: Show a bar over cells on standard error, and pass on what cells print there, so that
            training bars are seen while a cell runs.
        cwd: Working directory of the kernel; the notebook's folder if None.
        accepted: Names that the notebook takes though it does not declare them: all settings of its study.

    Returns:
        The absolute path of the executed notebook.

    Raises:
        FileNotFoundError: There is no such notebook.
        ValueError: Not a notebook, an unknown parameter (the message names the nearest), a value that
            cannot be written as Python, or ``target`` equal to ``source``.
        ChapterError: A cell failed or the kernel died.
        KeyboardInterrupt: Ctrl-C; the kernel was interrupted and shut down, the executed part is kept.
    """
    source, target = Path(source).resolve(), Path(target).resolve()
    values = {name: _plain(name, value) for name, value in parameters.items()}
    known = declared(source)
    refuse_unknown(values, [*known, *(name for name in accepted if name not in known)], source.name)
    if target == source:
        raise ValueError(f"the executed notebook would overwrite its source {source}")
    target.parent.mkdir(parents=True, exist_ok=True)
    _run(source, target, values, timeout, progress, Path(cwd).resolve() if cwd else source.parent)
    return target


def _plain(name: str, value: Any) -> Any:
    """A value as papermill can write it into a cell."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(name, item) for key, item in value.items()}
    if isinstance(value, list | tuple | range):
        return [_plain(name, item) for item in value]
    raise ValueError(
        f"parameter {name}: a value of type {type(value).__name__} cannot be put into a notebook"
    )


def _run(
    source: Path, target: Path, values: dict[str, Any], timeout: float | None, progress: bool, cwd: Path
):
    import papermill
    from nbclient.exceptions import CellTimeoutError, DeadKernelError
    from papermill.exceptions import PapermillExecutionError

    from reprise.book.kernel import manager_class

    try:
        with (
            _quiet_debugger(),
            _quiet_papermill(),
            tempfile.TemporaryDirectory(prefix="reprise-") as folder,
        ):
            papermill.execute_notebook(
                source,
                target,
                parameters=values,
                kernel_name="python3",
                language="python",
                progress_bar=progress,
                stderr_file=sys.stderr if progress else None,
                cwd=cwd,
                execution_timeout=timeout,
                kernel_manager_class=manager_class(Path(folder)),
                # One stream per cell, carriage returns applied: a training bar is stored as its last state.
                coalesce_streams=True,
            )
    except PapermillExecutionError as error:
        if error.ename == "KeyboardInterrupt":
            raise KeyboardInterrupt from None
        traceback = _ANSI.sub("", "\n".join(error.traceback))
        raise ChapterError(target, error.source, f"{error.ename}: {error.evalue}", traceback) from None
    except CellTimeoutError:
        cause = f"a cell took longer than {timeout:g} s" if timeout else "a cell timed out"
        raise ChapterError(target, _last_started(target), cause, "") from None
    except DeadKernelError as error:
        cause = f"the kernel died (out of memory, or killed): {error}"
        raise ChapterError(target, _last_started(target), cause, "") from None


def _last_started(notebook: Path) -> str:
    """Source of the last cell that started, from papermill's metadata."""
    import nbformat

    if not notebook.is_file():
        return ""
    started = [
        cell.source
        for cell in nbformat.read(notebook, as_version=4).cells
        if cell.cell_type == "code" and cell.metadata.get("papermill", {}).get("start_time")
    ]
    return started[-1] if started else ""


@contextlib.contextmanager
def _quiet_papermill() -> Iterator[None]:
    """Keep papermill from warning of settings that are accepted though not declared."""
    log = logging.getLogger("papermill")

    def known(record: logging.LogRecord) -> bool:
        return not record.getMessage().startswith("Passed unknown parameter")

    log.addFilter(known)
    try:
        yield
    finally:
        log.removeFilter(known)


@contextlib.contextmanager
def _quiet_debugger() -> Iterator[None]:
    """Keep the kernel's debugger from warning on standard error, which would end up in the notebook."""
    name = "PYDEVD_DISABLE_FILE_VALIDATION"
    before = os.environ.get(name)
    os.environ[name] = "1"
    try:
        yield
    finally:
        if before is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = before
