"""An explorer beside its static figure, with a word for readers without JavaScript."""

from __future__ import annotations

import html
from typing import Any


def explore(widget: Any, beside: str, label: str = "the figure above") -> None:
    """Display an explorer.

    Without JavaScript a line says where the same is to be seen; on paper the explorer is left out.

    Args:
        widget: One of :mod:`reprise.widgets`.
        beside: Id of the static figure or table that says the same.
        label: How to call it.
    """
    from IPython.display import HTML, display

    display(
        HTML(
            "<noscript><p>Here an explorer would compute in the page, which takes JavaScript; "
            f'<a href="#{html.escape(beside)}">{html.escape(label)}</a> says the same.</p></noscript>'
        )
    )
    display(widget)
