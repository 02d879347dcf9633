"""Checks of built pages, on pages of a few lines each."""

import pytest

from reprise.book.checks import check_book

FIGURE = '<figure id="f" class="reprise-figure">{}<figcaption>What. {}</figcaption></figure>'
DRAWING = '<svg role="img" aria-label="A line that rises."><g/></svg>'
LINE = '<span class="provenance">5 units</span>'


@pytest.fixture
def site(tmp_path):
    (tmp_path / "_static").mkdir()
    (tmp_path / "_static" / "own.css").write_text("p { color: red }")
    (tmp_path / "_static" / "own.js").write_text("")
    (tmp_path / "_images").mkdir()
    (tmp_path / "_images" / "a.png").write_bytes(b"x" * 2000)
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "other.html").write_text('<article><h1 id="top">Other</h1></article>')

    def check(body: str, head: str = "", limit: int = 5_000_000) -> list[tuple[str, str]]:
        (tmp_path / "page.html").write_text(
            f"<html><head>{head}</head><body><article>{body}</article></body></html>"
        )
        return [(problem.kind, problem.what) for problem in check_book(tmp_path, limit=limit)]

    check.folder = tmp_path
    return check


@pytest.mark.parametrize(
    "body",
    [
        '<img src="_images/a.png" alt="A matrix with four blocks">',
        '<img src="_images/a.png" alt="" role="presentation">',
        '<a href="sub/other.html#top">there</a> <a href="#">top</a> <a href="page.html">here</a>',
        '<a href="https://example.org/paper">elsewhere</a> <a href="mailto:a@b.c">write</a>',
        '<h2 id="here">Here</h2><a href="#here">to it</a>',
        '<div style="background: url(data:image/png;base64,AA)"></div>',
        '<style>b { background: url("data:image/svg+xml,%3Csvg xmlns=http://www.w3.org/2000/svg") }</style>',
        '<svg aria-hidden="true"></svg><svg><title>A line</title></svg>',
        FIGURE.format(DRAWING, LINE),
        "<p>https://example.org is only named here</p><script>let link = 'https://example.org'</script>",
    ],
)
def test_sound_pages_pass(site, body):
    assert (
        site(body, '<link rel="stylesheet" href="_static/own.css?v=1"><script src="_static/own.js"></script>')
        == []
    )


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ('<img src="_images/a.png">', "alt"),
        ('<img src="_images/a.png" alt="  ">', "alt"),
        # What Sphinx writes where the author wrote nothing.
        ('<img src="_images/a.png" alt="_images/a.png">', "alt"),
        ('<img src="_images/a.png" alt="a.png">', "alt"),
        ("<svg><g></g></svg>", "alt"),
        (FIGURE.format("<svg><g></g></svg>", LINE), "alt"),
        (FIGURE.format(DRAWING, ""), "provenance"),
        (FIGURE.format(DRAWING, '<span class="provenance"> </span>'), "provenance"),
        ('<a href="gone.html">x</a>', "link"),
        ('<a href="sub/other.html#nowhere">x</a>', "link"),
        ('<a href="#nowhere">x</a>', "link"),
        ('<a href="../outside.html">x</a>', "link"),
        ('<script src="https://cdn.example.org/a.js"></script>', "external"),
        ('<script src="//cdn.example.org/a.js"></script>', "external"),
        ('<script type="module">import x from "https://esm.example.org/x"</script>', "external"),
        (
            r'<script type="application/json">{"_esm": "import(\"https://esm.example.org/x\")"}</script>',
            "external",
        ),
        ('<link rel="stylesheet" href="https://fonts.example.org/css">', "external"),
        ('<link rel="preconnect" href="https://fonts.example.org">', "external"),
        ('<style>@import "https://fonts.example.org/a.css";</style>', "external"),
        ('<p style="background: url(https://example.org/a.png)">x</p>', "external"),
        ('<img src="https://example.org/a.png" alt="A map">', "external"),
        ('<img src="_images/a.png" srcset="https://example.org/b.png 2x" alt="A map">', "external"),
        ('<iframe src="https://example.org/"></iframe>', "external"),
        ('<video poster="http://example.org/a.png"></video>', "external"),
        ('<script src="_static/gone.js"></script>', "missing"),
        ('<img src="_images/gone.png" alt="A map">', "missing"),
    ],
)
def test_each_fault_is_found_once(site, body, kind):
    assert [found for found, _ in site(body)] == [kind]


def test_style_sheets_are_read_too(site):
    sheet = site.folder / "_static" / "own.css"
    sheet.write_text("@font-face { src: url('https://fonts.example.org/a.woff2') }")
    problems = site("", '<link rel="stylesheet" href="_static/own.css">')
    assert problems == [("external", "https://fonts.example.org/a.woff2")]


def test_size_counts_the_page_and_its_own_pictures(site):
    (site.folder / "_static" / "own.js").write_text("x" * 10_000)
    (site.folder / "searchindex.js").write_text("x" * 10_000)
    body, head = '<img src="_images/a.png" alt="A map">', '<script src="_static/own.js"></script>'
    head += '<script src="searchindex.js"></script>'
    assert site(body, head, limit=2_500) == []
    assert [kind for kind, _ in site(body, head, limit=2_000)] == ["size"]


def test_a_reference_into_the_page_itself_counts_once(site):
    drawing = '<svg aria-label="A map"><path id="p" d="M0 0"/><use href="#p"/></svg>' + "x" * 1000
    assert site(drawing, limit=1_900) == []


def test_only_named_pages_are_checked(site):
    site('<a href="gone.html">x</a>')
    assert check_book(site.folder, pages=["sub/other.html"]) == []
    with pytest.raises(FileNotFoundError):
        check_book(site.folder, pages=["gone.html"])


def test_problems_read_as_sentences(site):
    site('<img src="_images/a.png">')
    assert [str(problem) for problem in check_book(site.folder)] == [
        "page.html: no alternative text: image _images/a.png"
    ]
