"""The explorers in a built page, offline: what they say is what Python says, by pointer and by keyboard."""

from pathlib import Path

import numpy as np
import pytest

from reprise import similarity
from reprise.engine.store import Store
from reprise.engine.study import Unit, study
from reprise.places import Places
from reprise.studies.maml import explorers as maml

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")]

ROOT = Path(__file__).parents[2]
PAGE = "explorers"
EXPLORERS = ("representation", "dynamics", "specification", "parameters")
WIDTHS = (360, 800, 1600)

CELLS = [
    f"""from pathlib import Path
from reprise.book import explore
from reprise.book.chapter import Chapter
from reprise.studies.maml import figures
from reprise.studies.maml.figures_states import second_order
from reprise.plots.specification import specification_curve
from reprise.places import Places
from reprise.claims.specification import specifications
from reprise.studies.maml import explorers
from reprise.widgets import Specification

places = Places(Places.from_environment().data, Path("{ROOT}/results"), Path("{ROOT}/_runs"))
chapter = Chapter.load("maml", places, "laptop", "never")
unit = chapter.unit(0)
images = explore.pictures(chapter, unit)""",
    """chapter.show(second_order(unit), 0)
explore.explore(explorers.representation(unit, images), "maml-second-order")""",
    """chapter.show(figures.base_analysis(chapter.run))
explore.explore(explorers.dynamics(chapter.run, unit, images), "maml-base")""",
    """runs = {
    "all seeds": ({"similarity": chapter.run}, chapter.command),
    "three seeds": (
        {"similarity": chapter.run.isel(seed=slice(3))},
        "reprise run maml --preset laptop --seeds 0..2",
    ),
}
rows = specifications(["M1a", "M3a"], runs, chapter.run["measure"].values.tolist())
chapter.show(specification_curve(rows, "maml-measures"))
explore.explore(Specification(rows, twin="maml-measures"), "maml-measures")""",
    """explore.parameters(chapter, {"laptop": "#maml-base"})""",
]
# What is missing: pictures, all seeds but one, states.
BARE = [
    CELLS[0],
    """last = unit.isel(state=(unit["state_layer"] == "logits").values)
display(explorers.representation(last))
display(explorers.dynamics(chapter.run.isel(seed=[0])))""",
]


@pytest.fixture(scope="module")
def explorer_book(make_book) -> Path:
    """A page with every explorer on published units, and one where pieces are missing."""
    return make_book({PAGE: CELLS, "bare": BARE})


@pytest.fixture(scope="module")
def unit():
    places = Places(ROOT / "data", ROOT / "results", ROOT / "_runs")
    config = study("maml").configure("laptop", {})
    return Store(places.published, places.local).load(Unit(config, 0))


@pytest.fixture
def opened(explorer_book, open_tab, serve):
    """Open the page and wait until the first explorer has compared all its states."""

    def start(protocol="http", scheme="light", page=PAGE):
        tab = open_tab(scheme)
        tab.page.set_default_timeout(90_000)  # for machines that are busy with other things
        base = serve(explorer_book) if protocol == "http" else explorer_book.as_uri()
        tab.open(f"{base}/deep/down/{page}.html")
        note = tab.page.locator(".rp-matrix-note:has-text('Click a cell')").first
        note.wait_for(timeout=90_000)
        interval(tab.page)
        return tab

    return start


def interval(page, root=".rp-representation >> nth=0"):
    """The value and the interval that are shown, once both are there."""
    scope = page.locator(root)
    scope.locator(".rp-interval[data-low]").wait_for(timeout=90_000)
    value = float(scope.locator(".rp-value").get_attribute("data-value"))
    ends = [float(scope.locator(".rp-interval").get_attribute(f"data-{end}")) for end in ("low", "high")]
    return value, ends


def choose(scope, label, value):
    scope.locator(f"label.rp-field:has(> span:text-is('{label}')) select").select_option(value)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("protocol", ["http", "file"])
def test_every_explorer_stands_on_the_page(protocol, scheme, opened, screenshots, alone):
    tab = opened(protocol, scheme)
    page = tab.page
    for name in EXPLORERS:
        assert page.locator(f".rp-{name}").first.is_visible(), name
    # The figure stays beside the first two; the other two take their twins' place on the screen alone.
    assert page.locator("#maml-second-order").is_visible() and page.locator("#maml-base").is_visible()
    for twin in ("maml-measures", "maml-parameters"):
        assert not page.locator(f"#{twin}").is_visible()
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        page.wait_for_timeout(300)
        needed = page.evaluate("document.documentElement.scrollWidth")
        assert needed <= width, f"{needed} px of {width}"
        for name in EXPLORERS if protocol == "http" else ():
            box = page.locator(f".rp-{name}").first
            target = screenshots / f"explorer-{name}-{scheme}-{width}.png"
            box.screenshot(path=target, style=alone)
    page.emulate_media(media="print")
    assert not page.locator(".rp-explorer").first.is_visible()
    assert page.locator("#maml-measures").is_visible() and page.locator("#maml-parameters").is_visible()
    assert tab.faults == []


def test_numbers_are_pythons(opened, unit):
    tab = opened()
    scope = tab.page.locator(".rp-representation").first
    states = maml.unit_states(unit)
    n = unit.sizes["stimulus"]
    rows, columns = np.triu_indices(n)
    rng = np.random.default_rng(0)

    def grams(index):
        full = np.zeros((n, n), np.float32)
        full[rows, columns] = full[columns, rows] = states.gram[index]
        return similarity.Grams(full, states.mean[index], int(states.features[index]))

    page_measures = {entry["id"]: entry for entry in similarity.measures.measure_menu()}
    picks = [(name, "spearman") for name in page_measures]
    picks += [("rsa-euclidean", method) for method in ("pearson", "kendall-tau-a", "kendall-tau-b", "cosine")]
    for name, method in picks:
        a, b = rng.integers(0, len(states), 2)
        for side, index in (("A", a), ("B", b)):
            box = scope.locator(f"fieldset.rp-state:has(> legend:text-is('State {side}'))")
            for _ in range(2):  # a level can move others on the way; the second round settles them
                for column in states.columns:
                    if len(column.levels) > 1:
                        choose(box, column.title, str(column.codes[index]))
        choose(scope, "Measure", name)
        if page_measures[name]["form"] == "rdm":
            choose(scope, "RDMs compared by", method)
        value, ends = interval(tab.page)
        x, y = grams(a), grams(b)
        if page_measures[name]["form"] == "rdm":
            first, second = (
                similarity.rdm_from_gram(g.gram, page_measures[name]["distance"], g.mean, g.n_features)
                for g in (x, y)
            )
            expected = similarity.compare(first, second, method=method)
            bootstrap = similarity.bootstrap(first, second, method=method, resamples=300)
            width = bootstrap.interval[1] - bootstrap.interval[0]
            np.testing.assert_allclose(ends, bootstrap.interval, atol=0.35 * width + 1e-6)
        else:
            expected = similarity.measure(name).from_grams(x, y)
            assert ends[0] - 0.05 <= expected <= ends[1] + 0.05
        assert value == pytest.approx(expected, abs=1e-6), (name, method, a, b)
    assert tab.faults == []


def test_the_matrix_is_pythons_and_leads_to_a_pair(opened, unit):
    states = maml.unit_states(unit)
    tab = opened()
    page = tab.page
    scope = page.locator(".rp-representation").first
    before, _ = interval(page)
    field = scope.locator(".rp-map").first
    box = field.bounding_box()
    count = sum(states.columns[0].codes == states.columns[0].levels.index("logits"))
    # The middle of some cell off the diagonal.
    place = {"x": box["width"] * 15.5 / count, "y": box["height"] * 71.5 / count}
    field.click(position=place)
    clicked, _ = interval(page)
    assert clicked != before
    hint = scope.locator(".rp-hint")
    field.hover(position=place)
    assert f"{1 - clicked:.3f}" in hint.inner_text()
    # By keyboard: the next cell, then Enter.
    field.focus()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    said = hint.inner_text()
    page.keyboard.press("Enter")
    value, _ = interval(page)
    assert f"{1 - value:.3f}".replace("-", "−") in said
    page.keyboard.press("Escape")
    assert not hint.is_visible()
    assert tab.faults == []


def test_dropped_stimuli_change_everything(opened, unit):
    tab = opened()
    page = tab.page
    scope = page.locator(".rp-representation").first
    before, _ = interval(page)
    scope.locator(".rp-stimuli summary").click()
    scope.locator(".rp-class input").first.uncheck()
    value, _ = interval(page)
    assert "40 of 50 kept" in scope.locator(".rp-stimuli summary").inner_text()
    states = maml.unit_states(unit)
    a, b = maml.representation(unit).selection["a"], maml.representation(unit).selection["b"]
    n = unit.sizes["stimulus"]
    first = states.stimuli[0][0][0]
    keep = [index for index, (name, _) in enumerate(states.stimuli[0]) if name != first]
    rdms = []
    for index in (a, b):
        full = np.zeros((n, n), np.float32)
        rows, columns = np.triu_indices(n)
        full[rows, columns] = full[columns, rows] = states.gram[index]
        kept = full[np.ix_(keep, keep)]
        rdms.append(
            similarity.rdm_from_gram(
                kept, "correlation", states.mean[index][keep], int(states.features[index])
            )
        )
    assert value != before and value == pytest.approx(similarity.compare(*rdms), abs=1e-6)
    button = scope.locator(".rp-stimulus").nth(20)
    button.press("Enter")
    assert button.get_attribute("aria-pressed") == "false"
    assert "39 of 50 kept" in scope.locator(".rp-stimuli summary").inner_text()
    button.press("Enter")
    for box in scope.locator(".rp-class input").all():
        box.uncheck()
    assert "takes at least 3 stimuli" in scope.locator(".rp-result").inner_text()
    scope.get_by_role("button", name="Keep all").click()
    assert interval(page)[0] == before
    assert tab.faults == []


def test_the_cursor_moves_rdm_and_map(opened):
    tab = opened()
    page = tab.page
    scope = page.locator(".rp-dynamics").first
    scope.locator(".rp-letter").first.wait_for(timeout=90_000)
    title = scope.locator("h4").first

    def seen():
        style = "es => es.map(e => e.style.transform).join()"
        return (
            title.inner_text(),
            scope.locator(".rp-letter").evaluate_all(style),
            scope.locator("caption").inner_text(),
        )

    last = seen()
    slider = scope.locator("input[type=range]")
    slider.press("Home")
    first = seen()
    assert "at 0 meta-iterations" in first[0] and all(
        one != other for one, other in zip(first, last, strict=True)
    )
    box = scope.locator(".rp-change svg").bounding_box()
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + 80, middle)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, middle, steps=4)
    page.mouse.up()
    assert seen()[0] not in (first[0], last[0])
    play = scope.get_by_role("button", name="Play")
    slider.press("Home")
    play.click()
    page.wait_for_function("t => document.querySelector('.rp-dynamics h4').textContent !== t", arg=first[0])
    scope.get_by_role("button", name="Pause").click()
    for layer in scope.locator("fieldset:has(> legend:text-is('Layers')) input").all():
        layer.uncheck()
    assert "No layer is chosen" in scope.locator(".rp-change").inner_text()
    assert tab.faults == []


def test_missing_pieces_are_said(opened):
    tab = opened(page="bare")
    bare = tab.page.locator(".rp-representation")
    bare.locator(".rp-stimuli summary").click()
    assert "tiles stand for them" in bare.locator(".rp-stimuli").inner_text()
    assert bare.locator(".rp-tile").count() >= 50
    # One layer only: nothing to choose among.
    assert bare.locator("label.rp-field:has(> span:text-is('layer'))").count() == 0
    single = tab.page.locator(".rp-dynamics")
    assert "One seed: no band" in single.inner_text() and "No states are kept here" in single.inner_text()
    assert single.locator(".rp-band").count() == 0
    assert tab.faults == []


def test_analyses_and_settings_answer_to_the_keyboard(opened):
    tab = opened()
    page = tab.page
    curve = page.locator(".rp-specification")
    assert curve.locator(".rp-point").count() == 12
    chosen = curve.locator(".rp-point[aria-pressed=true]")
    assert "rsa-correlation, all seeds" in chosen.get_attribute("aria-label")
    chosen.focus()
    page.keyboard.press("Home")
    details = curve.locator(".rp-details").inner_text()
    assert curve.locator(".rp-point").first.get_attribute("aria-pressed") == "true"
    assert "n = " in details and curve.locator(".rp-command code").inner_text().startswith("reprise run maml")
    choose(curve, "Claim", "M3a")
    assert "M3a" in curve.locator(".rp-details").inner_text()

    panel = page.locator(".rp-parameters")
    status = panel.locator(".rp-status")
    assert "✓ Published" in status.inner_text()
    assert status.locator("a").get_attribute("href") == "#maml-base"
    ways = panel.locator(".rp-setting:has(code:text-is('ways')) input")
    ways.fill("10")
    assert "Not published" in status.inner_text() and "ways=5" in status.inner_text()
    assert (
        panel.locator(".rp-command code").inner_text()
        == "reprise run maml --preset laptop --set ways=10 --seeds 0..4"
    )
    ways.fill("1")
    assert "at least 2" in panel.inner_text() and not panel.locator(".rp-command").is_visible()
    ways.fill("5")
    panel.get_by_label("Seeds (0..4: both ends)").fill("3..6")
    assert "seed 5..6 would be computed" in status.inner_text()
    assert tab.faults == []


def test_everything_is_reached_by_tab_and_seen_there(opened):
    tab = opened()
    page = tab.page
    unnamed = page.evaluate(
        """() => [...document.querySelectorAll(
          '.rp-explorer :is(select, input, button, summary, [tabindex="0"])')]
        .filter((e) => !(e.labels?.length || e.getAttribute('aria-label') || e.textContent.trim()))
        .map((e) => e.outerHTML)"""
    )
    assert unnamed == []
    page.locator(".rp-representation select").first.focus()
    seen = []
    for _ in range(14):
        page.keyboard.press("Tab")
        seen.append(
            page.evaluate(
                """() => { const e = document.activeElement; const s = getComputedStyle(e);
                return [e.tagName, s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 1]; }"""
            )
        )
    assert {"SELECT", "INPUT", "BUTTON", "DIV"} <= {tag for tag, _ in seen}
    assert all(visible for _, visible in seen), seen
    assert tab.faults == []


def test_motion_stops_where_it_is_not_wanted(explorer_book, open_tab, serve):
    tab = open_tab()
    tab.page.emulate_media(reduced_motion="reduce")
    tab.open(f"{serve(explorer_book)}/deep/down/{PAGE}.html")
    letter = tab.page.locator(".rp-dynamics .rp-letter").first
    letter.wait_for(timeout=90_000)
    assert letter.evaluate("e => parseFloat(getComputedStyle(e).transitionDuration)") == 0


def test_without_javascript_the_figures_speak(explorer_book, browser):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{explorer_book.as_uri()}/deep/down/{PAGE}.html")
    for name in ("maml-second-order", "maml-base", "maml-measures", "maml-parameters"):
        assert page.locator(f"#{name}").is_visible()
    assert page.locator("noscript").count() >= 4
    context.close()
