"""One self-contained ES module per widget, joined from plain files.

A widget's module is inlined in the page and can import nothing by a relative path. So the files here import
from each other as any modules do, which node and an editor understand, and are put one after another for the
page: what a file imports comes before it, and the lines that import and the word ``export`` go.
"""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path

from ..plots.palette import ON_DARK

__all__ = ["module", "style", "worker_source"]

FOLDER = Path(__file__).parent

DARK_PLACES = ':is([data-jp-theme-light="false"], .vscode-dark) .rp-explorer'
"""Where explorers stand on a dark ground outside the book."""

_IMPORT = re.compile(r'^import \{[^}]*\} from "\./(\w+)\.js";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function|const|class)\b)", re.MULTILINE)


@cache
def module(name: str) -> str:
    """The text of a module with all that it imports.

    Args:
        name: File name without ``.js``.

    Returns:
        An ES module without imports. Where it works through ``engine.js``, the text of the worker stands in
        it as a constant.

    Raises:
        ValueError: An import that is not of the form ``import { a, b } from "./file.js";``.
    """
    names = _in_order(name)
    parts = [_EXPORT.sub("", _IMPORT.sub("", _read(part))) for part in names[:-1]]
    parts.append(_IMPORT.sub("", _read(name)))
    text = "\n".join(parts)
    if left := re.search(r"^import .*$|\bimport\(", text, re.MULTILINE):
        raise ValueError(f"{name}.js: an import cannot be joined: {left[0]}")
    if "engine" in names:
        text = f"const WORKER_SOURCE = {json.dumps(worker_source())};\n{text}"
    return text


@cache
def worker_source() -> str:
    """The text that a worker runs: ``tasks.js`` and all that it imports, as a plain script."""
    return "\n".join(_EXPORT.sub("", _IMPORT.sub("", _read(part))) for part in _in_order("tasks"))


@cache
def style() -> str:
    """The style sheet that all widgets share, with the colours for JupyterLab's and VS Code's dark themes."""
    inks = " ".join(f"--ink-{light[1:]}: {dark};" for light, dark in ON_DARK.items())
    return f"{(FOLDER / 'widgets.css').read_text(encoding='utf-8')}\n{DARK_PLACES} {{ {inks} }}\n"


def _in_order(name: str) -> list[str]:
    """Names of a file and all that it imports, each once, imports first."""
    order: list[str] = []
    for other in _IMPORT.findall(_read(name)):
        order += [part for part in _in_order(other) if part not in order]
    return [*order, name]


def _read(name: str) -> str:
    return (FOLDER / f"{name}.js").read_text(encoding="utf-8")
