"""Links by name: they find their page, and where there is none the words stay."""

import re

from reprise.book.links import ids_of, link, resolve


def test_a_link_is_resolved_where_a_page_has_the_name():
    body = f"<p>See {link('unit-abc', 'the <unit>')} and {link('claim-m1', 'claim')}.</p>"
    found = resolve(body, {"unit-abc": "../provenance.html#unit-abc"}.get)
    assert found == '<p>See <a href="../provenance.html#unit-abc">the &lt;unit&gt;</a> and claim.</p>'
    assert "reprise:" not in found


def test_other_links_stay():
    body = '<a class="reference" href="#reprise">x</a>'
    assert resolve(body, lambda _name: None) == body


def test_ids_of_generated_html():
    text = (
        '<figure id="a" class="f"></figure><li data-x="1" id="b">x</li><details class="r" id="c"></details>'
    )
    assert ids_of(text + '<path id="d"/><section class="claim" id="e">') == ["a", "b", "c", "e"]


def test_a_figure_links_to_each_of_its_units_once():
    import matplotlib.pyplot as plt

    from reprise.book.display import figure_html

    figure, _ = plt.subplots()
    shown = figure_html(
        figure, caption="A.", alt="B.", name="c", provenance="D", units=["0123456789ab", "ff"]
    )
    bare = figure_html(figure, caption="A.", alt="B.", name="c", provenance="D")
    plt.close(figure)
    assert re.findall(r'#reprise:(unit-\w+)">(\w+)<', shown) == [
        ("unit-0123456789ab", "01234567"),
        ("unit-ff", "ff"),
    ]
    assert "records of the 2 units" in shown and "<details" not in bare
