"""What the tests of several chapters read off a page."""

import re
from collections.abc import Callable, Sequence

import pytest


@pytest.fixture
def without_source() -> Callable[[str], str]:
    """Markdown without the listings of the library that it shows."""
    return lambda text: re.sub(r"```python\n.*?\n```", "", text, flags=re.DOTALL)


@pytest.fixture
def verdicts_of() -> Callable[[Sequence[str]], dict[str, str]]:
    """Claims of the one list of verdicts among a chapter's HTML outputs, each with its verdict."""

    def read(pages: Sequence[str]) -> dict[str, str]:
        (found,) = [page for page in pages if 'class="verdicts"' in page]
        row = r'<li id="claim-(\w+)" data-preset="[^"]*"><span class="verdict-[a-z-]+">([a-z ]+)</span>'
        claims = re.findall(row, found)
        assert len(claims) == found.count('<li id="claim-') == len(dict(claims))
        return dict(claims)

    return read
