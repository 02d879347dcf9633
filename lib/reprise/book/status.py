"""What the status page says of each executed page: time, parameters, and the versions it ran with."""

from __future__ import annotations

import ast
import html
import json
import platform
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

MARK = '<div id="chapter-status"></div>'
"""What stands in a page's source where the table goes."""

PACKAGES = (
    "reprise",
    "numpy",
    "scipy",
    "xarray",
    "torch",
    "matplotlib",
    "papermill",
    "jupyter-book",
    "sphinx",
)


@dataclass(frozen=True)
class Executed:
    """A notebook of the book.

    Attributes:
        name: Its page, such as ``chapters/maml/maml``.
        seconds: Execution time; None if it is not known.
        parameters: Those that are not left to the preset.
    """

    name: str
    seconds: float | None
    parameters: Mapping[str, Any]


def read_executed(name: str, path: Path, seconds: float | None = None) -> Executed:
    """What a notebook says of its execution.

    Args:
        name: Its page.
        path: The executed notebook, or its source.
        seconds: Execution time where the notebook does not say it itself (papermill's does).
    """
    notebook = json.loads(path.read_text(encoding="utf-8"))
    record = notebook["metadata"].get("papermill", {})
    took = record.get("duration", seconds)
    values: dict[str, Any] = {}
    for cell in notebook["cells"]:
        if "parameters" in cell["metadata"].get("tags", []):
            values |= _assigned("".join(cell["source"]))
    values |= record.get("parameters", {})
    given = {name: value for name, value in values.items() if value is not None}
    return Executed(name, None if took is None else float(took), given)


def status_table(executed: Iterable[Executed], titles: Mapping[str, str]) -> str:
    """Execution times and parameters of all notebooks, and the versions; HTML.

    Args:
        executed: The notebooks.
        titles: Page → title.
    """
    rows, total = [], 0.0
    for one in executed:
        total += one.seconds or 0
        took = "–" if one.seconds is None else f"{one.seconds:.0f} s"
        parameters = ", ".join(f"{name} = {value}" for name, value in one.parameters.items()) or "none"
        rows.append(
            f'<tr data-page="{html.escape(one.name)}"><td>{html.escape(titles.get(one.name, one.name))}</td>'
            f"<td>{took}</td><td>{html.escape(parameters)}</td></tr>"
        )
    versions = ", ".join(f"{name} {version}" for name, version in installed().items())
    return (
        '<div class="pst-scrollable-table-container"><table class="table" id="chapter-status"><thead><tr>'
        "<th>page</th><th>executed in</th><th>parameters that are not left to the preset</th></tr></thead>"
        f"<tbody>{''.join(rows)}<tr><td>all</td><td>{total:.0f} s</td><td></td></tr></tbody></table></div>"
        f"<p>Executed with {html.escape(versions)}, on "
        f"{html.escape(platform.platform(aliased=True, terse=True))}.</p>"
    )


def installed() -> dict[str, str]:
    """Versions of Python and of the packages that count."""
    found = {"Python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def _assigned(source: str) -> dict[str, Any]:
    """Names and values of a parameters cell."""
    values = {}
    for statement in ast.parse(source).body:
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
            try:
                values[statement.targets[0].id] = ast.literal_eval(statement.value)
            except ValueError:
                continue
    return values
