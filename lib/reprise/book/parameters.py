"""Parameters of a chapter: those that its notebook declares, and those that were given when it runs.

A chapter declares the few that a reader will change. Every other setting of its study can be given all the
same: papermill warns that the notebook does not know it, and injects it. What no setting has as its name is
refused, with the nearest name that one has.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from ..engine.config import refuse_unknown

OPENING = "Chapter.open("
"""How the cell that opens a chapter is known in the history of a kernel."""


def declared(source: Path) -> dict[str, str]:
    """Parameters that a notebook declares in its cell tagged ``parameters``, in order.

    Args:
        source: A notebook.

    Returns:
        Name → the comment behind its value; empty where no cell is tagged ``parameters``.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: The file is no notebook.
    """
    import papermill

    if not source.is_file():
        raise FileNotFoundError(f"no notebook at {source}")
    try:
        inspected = papermill.inspect_notebook(source)
    except Exception as error:  # nbformat raises several unrelated types
        raise ValueError(f"{source} is not a notebook that can be executed: {error}") from error
    return {name: str(entry["help"]) for name, entry in inspected.items()}


def given(variables: Mapping[str, Any], known: Iterable[str], what: str) -> dict[str, Any]:
    """Values that a notebook's variables hold for the parameters that are known.

    Args:
        variables: The notebook's ``globals()``; or, without a kernel's history in it, parameters by name.
        known: Names that are parameters.
        what: Whose parameters they are, for the message: ``"study maml"``.

    Returns:
        Name → value, of those that there are.

    Raises:
        UserError: A parameter was given that does not exist; the message names the nearest.
    """
    known = list(known)
    if "In" in variables:
        names = assigned_since_opened(variables["In"])
    else:
        names = [name for name, value in variables.items() if not _part_of_a_script(name, value)]
    refuse_unknown(names, known, what)
    return {name: variables[name] for name in known if name in variables}


def assigned_since_opened(history: Iterable[str]) -> list[str]:
    """Names given in cells of parameters since the chapter was last opened.

    A kernel's history tells what was given as a parameter from the variables of a notebook that has run
    before. A cell of parameters, whether declared or injected, holds assignments of written-out values and
    nothing else.

    Args:
        history: Sources of the cells that were executed, the one that opens the chapter last.
    """
    names: dict[str, None] = {}
    for cell in list(history)[-2::-1]:
        if OPENING in cell:
            break
        names |= dict.fromkeys(_assigned(cell))
    return list(names)


def _assigned(cell: str) -> list[str]:
    """Names that a cell assigns, if written-out values are all that it holds; else none."""
    try:
        body = ast.parse(cell).body
    except SyntaxError:
        return []
    names = []
    for statement in body:
        if not isinstance(statement, ast.Assign | ast.AnnAssign):
            return []
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        if statement.value is None or not all(isinstance(target, ast.Name) for target in targets):
            return []
        read = {node.id for node in ast.walk(statement.value) if isinstance(node, ast.Name)}
        if read - set(dir(builtins)):  # papermill writes float('nan')
            return []
        names += [target.id for target in targets if isinstance(target, ast.Name)]
    return names


def _part_of_a_script(name: str, value: Any) -> bool:
    return name.startswith("_") or isinstance(value, ModuleType) or callable(value)
