"""What a chapter shows of its method: the library's own source, and its settings beside the paper's."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..claims.claim import find_claim
from ..engine.words import markdown_table, with_interval

if TYPE_CHECKING:
    from .chapter import Chapter


def show_source(*objects: Callable[..., Any] | type) -> None:
    """Display functions and classes as they stand in the library, highlighted, each below its file's name.

    What runs is what is shown, so a page cannot drift from it. Of a docstring the first line is kept.
    """
    from IPython.display import Markdown, display

    display(Markdown("\n\n".join(f"```python\n{listing(item)}\n```" for item in objects)))


def listing(item: Callable[..., Any] | type) -> str:
    """Source of a function or class, docstrings cut to their first line, below a comment that names its file.

    Raises:
        TypeError: It has no source, as what is written in C has none.
    """
    text = textwrap.dedent(inspect.getsource(item)).rstrip()
    lines = text.splitlines()
    # From the end, so that the numbers of the lines before stay true.
    for node in sorted(ast.walk(ast.parse(text)), key=lambda node: getattr(node, "lineno", 0), reverse=True):
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and (summary := ast.get_docstring(node)):
            docstring = node.body[0]
            first, last = docstring.lineno - 1, docstring.end_lineno or docstring.lineno
            lines[first:last] = [f'{" " * docstring.col_offset}"""{summary.splitlines()[0]}"""']
    return "\n".join([f"# {item.__module__.replace('.', '/')}.py", *lines])


def settings_beside(chapter: Chapter, preset: str, heading: str = "the paper") -> None:
    """Display the settings in which a chapter's run and a preset differ, as a table.

    Args:
        chapter: The chapter.
        preset: Preset of the same study that holds the paper's own settings.
        heading: What the preset stands for.
    """
    from IPython.display import Markdown, display

    fields = chapter.study.config.model_fields
    here, there = (chapter.config, chapter.study.configure(preset, {}))
    own, paper = (config.model_dump(mode="json") for config in (here, there))
    rows = [
        (f"`{name}`", own[name], paper[name], field.description or "")
        for name, field in fields.items()
        if own[name] != paper[name]
    ]
    same = f"No setting differs from {heading} (preset `{preset}`)."
    table = markdown_table(["setting", "this page", heading, "what it is"], rows)
    display(Markdown(table if rows else same))


def show_rules(*ids: str) -> None:
    """Display the rules that judge claims, as they stand in the library.

    Args:
        ids: Ids of the claims; a conjunction shows the rules of its parts.
    """
    chosen = [part for claim in map(find_claim, ids) for part in claim.parts or (claim,)]
    show_source(*dict.fromkeys(claim.decide for claim in chosen))


def expected(chapter: Chapter) -> None:
    """Display what the preset of a chapter's run should give, beside what this run gives.

    Args:
        chapter: The chapter.
    """
    from IPython.display import Markdown, display

    from ..engine.comparison import summarise

    expects = chapter.study.preset(chapter.preset).expects
    if expects is None:
        text = f"Preset `{chapter.preset}` was never published: nothing is known of what it should give."
    else:
        here = chapter.study.endpoints(chapter.run)
        rows = [
            (name, with_interval(*numbers), summarise(here[name].values).spell())
            for name, numbers in expects.values.items()
        ]
        table = markdown_table([f"preset `{chapter.preset}`", "should give", "gives here"], rows)
        text = f"{table}\n\nMeasured on {expects.n} seeds, 95 % intervals: {expects.measured}."
    display(Markdown(text))
