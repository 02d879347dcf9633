"""Explorers of studies 2 and 3 in a built page, offline, on units of a few steps made by the test."""

from pathlib import Path

import numpy as np
import pytest

from reprise import similarity
from reprise.engine import runner
from reprise.engine.grams import unfold
from reprise.engine.store import Store
from reprise.engine.study import Unit, study
from reprise.places import Places
from reprise.studies.segmentation import endpoints
from reprise.studies.segmentation.config import SegmentationConfig
from reprise.studies.segmentation.pictures import held_out
from reprise.studies.transfer import explorers as transfer

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")]

WIDTHS = (360, 800, 1600)
TINY = {"images": 40, "epochs": 2, "target_images": 40, "target_epochs": 2, "probe_images": 20}
OPEN = """from pathlib import Path
from reprise.book import explore
from reprise.book.chapter import Chapter
from reprise.studies.segmentation import figures
from reprise.studies.transfer import figures as transfer_figures
from reprise.places import Places
from reprise.studies.segmentation.pictures import held_out
places = Places(Path("{0}/data"), Path("{0}/results"), Path("{0}/runs"))
"""
SEGMENTATION = [
    """chapter = Chapter.load("segmentation", places, "smoke", "never")
images, masks = held_out(chapter.config, chapter.run, places.data)
modes = chapter.family("modes", "never")""",
    """chapter.show(figures.quality(modes))
explore.explore(explore.segmentation(chapter, images, masks), "segmentation-miou")""",
    """explore.explore(explore.networks(chapter, list(modes)), "segmentation-miou")""",
]
TRANSFER = [
    f"""settings = {TINY}
chapter = Chapter.load("transfer", places, "smoke", "never", (1, 2), **settings)
runs = {{"pre-training": chapter.run}} | chapter.family("targets", "never")""",
    """chapter.show(transfer_figures.over_epochs(runs))
explore.explore(explore.transfer_change(chapter, runs["true labels"]), "transfer-epochs")
explore.explore(explore.transfer_states(chapter, runs), "transfer-epochs")""",
]
# No pictures, no classes, one seed whose Grams are not kept.
BARE = [
    """chapter = Chapter.load("segmentation", places, "smoke", "never", "1")
display(explore.segmentation(chapter))""",
]


# As if rates had been chosen for conditions: what two of them make together is not a difference of starts.
RATES = [
    """chapter = Chapter.load("segmentation", places, "smoke", "never")
widget = explore.segmentation(chapter)
widget.about = {**widget.about, "rates": [[0, 0, "0.003"], [1, 0, "0.001"], [2, 0, "0.001"]]}
display(widget)""",
]


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    folder = tmp_path_factory.mktemp("units")
    return Places(folder / "data", folder / "results", folder / "runs")


@pytest.fixture(scope="module")
def segmented(places):
    """Condition in words → its run; other conditions of the families are missing."""
    segmentation = study("segmentation")
    base = segmentation.configure("smoke", {})
    family = segmentation.family("modes", base)
    chosen = {name: family[name] for name in ("none", "segmentation", "segmentation, both")}
    runs = {
        name: runner.run(segmentation, config, (0, 1), places, preset="smoke", progress=False)
        for name, config in chosen.items()
    }
    everything = segmentation.family("fractions", base)["none, 1"]
    runner.run(segmentation, everything, (0,), places, preset="smoke", progress=False)
    return runs


@pytest.fixture(scope="module")
def transferred(places):
    """Units of the seed that keeps Grams, by what their network is."""
    base = study("transfer").configure("smoke", TINY)
    configs = {"pre-training": base, "true labels": study("transfer").family("targets", base)["true labels"]}
    for config in configs.values():
        runner.run(study("transfer"), config, (1, 2), places, preset="smoke", progress=False)
    store = Store(places.published, places.local)
    return {name: store.load(Unit(config, 1)) for name, config in configs.items()}


@pytest.fixture(scope="module")
def pages(make_book, places, segmented, transferred) -> Path:
    head = OPEN.format(places.data.parent)
    cells = {"segmentation": SEGMENTATION, "transfer": TRANSFER, "bare": BARE, "rates": RATES}
    return make_book({name: [head + first, *others] for name, (first, *others) in cells.items()})


@pytest.fixture
def opened(pages, open_tab, serve):
    def start(name, protocol="http", scheme="light"):
        tab = open_tab(scheme)
        tab.page.set_default_timeout(90_000)  # for machines that are busy with other things
        tab.open(f"{serve(pages) if protocol == 'http' else pages.as_uri()}/deep/down/{name}.html")
        settled = {
            "segmentation": ".rp-between + .rp-interval[data-low]",
            "transfer": ".rp-dynamics .rp-letter",
            "bare": ".rp-segmentation .rp-row",
            "rates": ".rp-segmentation .rp-row",
        }
        tab.page.locator(settled[name]).first.wait_for()
        return tab

    return start


def choose(scope, label, value):
    scope.locator(f"label.rp-field:has(> span:text-is('{label}')) select").select_option(value)


def pick(page, side, start, share="10 %"):
    """Choose a condition by its names."""
    box = page.locator(f".rp-segmentation fieldset:has(> legend:text-is('Networks {side}'))")
    for label, value in (("started from", start), ("share of the labels", share)):
        select = box.locator(f"label.rp-field:has(> span:text-is('{label}')) select")
        select.select_option(label=value)


def gain(page):
    shown = page.locator(".rp-segmentation .rp-value").first
    return [float(shown.get_attribute(f"data-{key}")) for key in ("value", "low", "high")]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("protocol", ["http", "file"])
def test_explorers_stand_and_fit(protocol, scheme, opened, screenshots, alone):
    for name, classes in (
        ("segmentation", ("rp-segmentation", "rp-representation")),
        ("transfer", ("rp-dynamics", "rp-representation")),
    ):
        tab = opened(name, protocol, scheme)
        page = tab.page
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            page.wait_for_timeout(400)
            needed = page.evaluate("document.documentElement.scrollWidth")
            assert needed <= width, f"{name}: {needed} px of {width}"
            for kind in classes:
                box = page.locator(f".{kind}").first
                assert box.is_visible()
                if protocol == "http":
                    target = screenshots / f"explorer-{name}-{kind[3:]}-{scheme}-{width}.png"
                    box.screenshot(path=target, style=alone)
        page.emulate_media(media="print")
        assert not page.locator(".rp-explorer").first.is_visible()
        assert page.locator("figure[id]").first.is_visible()
        assert tab.faults == []


def test_gains_and_layers_are_pythons(opened, segmented, places):
    tab = opened("segmentation")
    page = tab.page
    store = Store(places.published, places.local)
    titles = {
        "none": "no transfer",
        "segmentation": "segmentation",
        "segmentation, both": "segmentation, both",
    }
    for a, b in (("none", "segmentation"), ("segmentation, both", "none")):
        pick(page, "A", titles[a])
        pick(page, "B", titles[b])
        page.locator(".rp-between + .rp-interval[data-low]").first.wait_for()
        expected = 100 * endpoints.gain(segmented[b], segmented[a])
        assert gain(page)[0] == pytest.approx(expected.mean(), abs=1e-4)
        units = []
        for name in (a, b):
            config = study("segmentation").config.model_validate_json(segmented[name].attrs["config"])
            units.append(store.load(Unit(config, 0)))
        rows = page.locator(".rp-segmentation tbody tr")
        layers = segmented[a]["layer"].values.tolist()
        assert rows.count() == len(layers)
        for k, layer in enumerate(layers):
            grams = [ended(unit, layer) for unit in units]
            found = float(rows.nth(k).locator(".rp-between").get_attribute("data-value"))
            first, second = (
                similarity.rdm_from_gram(g.gram, "correlation", g.mean, g.n_features) for g in grams
            )
            assert 1 - found == pytest.approx(similarity.compare(first, second), abs=1e-6), layer
            cell = rows.nth(k).locator(".rp-interval")
            ends = [float(cell.get_attribute(f"data-{end}")) for end in ("low", "high")]
            # The page's ends are quantiles of few resamples of few stimuli: where in the tails varies.
            (deep_low, low), (high, deep_high) = tails(first, second)
            assert deep_low - 1e-6 <= 1 - ends[1] <= low + 1e-6, layer
            assert high - 1e-6 <= 1 - ends[0] <= deep_high + 1e-6, layer
    assert tab.faults == []


def tails(first, second):
    """Where the ends of a 95 % interval of a few hundred resamples lie: far out, and not far enough."""
    deep, shallow = (
        similarity.bootstrap(first, second, resamples=4000, confidence=level).interval
        for level in (0.9995, 0.86)
    )
    return (deep[0], shallow[0]), (shallow[1], deep[1])


def ended(unit, layer):
    (row,) = np.flatnonzero((unit["state_name"].values == "end") & (unit["state_layer"].values == layer))
    features = int(unit["state_features"].values[row])
    return similarity.Grams(unfold(unit["gram"].values[row]), unit["feature_mean"].values[row], features)


def test_predictions_stand_beside_the_truth(opened, segmented, places):
    tab = opened("segmentation")
    page = tab.page
    pick(page, "A", "segmentation")
    choose(page.locator(".rp-segmentation"), "Seed", "1")
    run = segmented["segmentation"]
    config = study("segmentation").config.model_validate_json(run.attrs["config"])
    assert isinstance(config, SegmentationConfig)
    pictures = held_out(config, run, places.data)
    assert pictures is not None
    _, masks = pictures
    predicted = run["shown_classes"].isel(seed=1).values
    kinds = run["class_name"].values.tolist()
    each = []
    for kind in range(len(kinds)):
        known = masks != 255
        both = ((predicted == kind) & (masks == kind) & known).sum()
        either = (((predicted == kind) | (masks == kind)) & known).sum()
        if either:
            each.append(both / either)
    title = page.locator(".rp-column", has_text="A: segmentation").inner_text()
    assert f"IoU here {np.mean(each):.2f}" in title
    view = page.locator(".rp-masks")
    assert view.locator("canvas").count() == 4 * len(masks)  # picture, truth, A, B
    view.focus()
    for key in ("ArrowDown", "Shift+ArrowRight", "PageDown"):
        page.keyboard.press(key)
    hint = page.locator(".rp-segmentation .rp-hint").inner_text()
    names = [*kinds, *["not labelled"] * (256 - len(kinds))]
    assert f"truth: {names[masks[1, 1, 10]]}" in hint
    assert f"{kinds[predicted[1, 1, 10]]}" in hint.split("A: ")[1]
    assert view.locator(".rp-cell:visible").count() == 4
    page.keyboard.press("Escape")
    assert view.locator(".rp-cell:visible").count() == 0
    before = view.locator("canvas").nth(2).evaluate("e => e.toDataURL()")
    page.get_by_label("strike out what is wrong").check()
    assert view.locator("canvas").nth(2).evaluate("e => e.toDataURL()") != before
    assert tab.faults == []


def test_rows_curves_and_menus_answer(opened):
    tab = opened("segmentation")
    page = tab.page
    scope = page.locator(".rp-segmentation")
    rows = scope.locator(".rp-row")
    assert rows.count() == 3
    rows.nth(2).locator(".rp-hit").click()
    assert "B: segmentation, both" in rows.nth(2).get_attribute("aria-label")
    scope.get_by_role("radio", name="A", exact=True).check()
    rows.nth(2).focus()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    assert rows.nth(1).get_attribute("aria-pressed") == "true"
    assert "A: segmentation" in rows.nth(1).get_attribute("aria-label")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')").startswith("A: segmentation")
    # Drag over the curves, then by the slider.
    note = scope.locator(".rp-panel:has(> h4:text-is('Learning curves')) .rp-note")
    assert note.inner_text().startswith("After 6 steps")
    box = scope.locator(".rp-with-cursor").first.bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + 80)
    page.mouse.down()
    page.mouse.move(box["x"] + 50, box["y"] + 80, steps=3)
    page.mouse.up()
    assert note.inner_text().startswith("After 0 steps")
    scope.locator("input[type=range]").press("ArrowRight")
    assert note.inner_text().startswith("After 3 steps")
    assert scope.locator(".rp-faint").count() == 0
    scope.get_by_label("show the other starts").check()
    assert scope.locator(".rp-faint").count() == 1
    choose(scope, "Quality", "2")
    assert "mean boundary IoU" in scope.locator(".rp-number").inner_text()
    # A share that only one start has.
    pick(page, "B", "no transfer", "100 %")
    assert rows.count() == 4 and "no seed in common" not in scope.locator(".rp-result").inner_text()
    share = scope.locator("fieldset:has(> legend:text-is('Networks A')) option", has_text="100 % (not there)")
    assert share.is_disabled()
    pick(page, "B", "segmentation")
    assert rows.count() == 3
    scope.get_by_role("button", name="Swap A and B").click()
    missing = scope.locator(".rp-missing")
    missing.locator("summary").click()
    said = missing.inner_text()
    assert "reconstruction, 10 % of the labels" in said and "reprise run segmentation --preset smoke" in said
    assert tab.faults == []


def test_a_difference_of_two_rates_is_withdrawn(opened, segmented):
    tab = opened("rates")
    scope = tab.page.locator(".rp-segmentation")
    for a, b in (("no transfer", "segmentation"), ("segmentation, both", "segmentation")):
        pick(tab.page, "A", a)
        pick(tab.page, "B", b)
        number, said = (scope.locator(f".rp-{part}").first.inner_text() for part in ("number", "result"))
        apart = a == "no transfer"
        assert ("withdrawn" in number) == apart and ("points of mean IoU" in number) != apart
        assert ("the learning rates differ (A 0.003, B 0.001)" in said) == apart
        assert ("points, pairs of one seed" in said) != apart
    assert tab.faults == []


def test_what_is_missing_is_said(opened):
    tab = opened("bare")
    scope = tab.page.locator(".rp-segmentation")
    said = scope.inner_text()
    assert "Not at hand when this page was built: the pictures and their true classes." in said
    assert "cannot be computed for seed 1: no Gram matrices are kept" in said
    assert "no interval: one seed" in said
    assert scope.locator(".rp-masks canvas").count() == 4 and scope.locator(".rp-band").count() == 0
    assert scope.get_by_label("strike out what is wrong").count() == 0
    assert tab.faults == []


def test_everything_has_a_name_and_is_seen_in_focus(opened):
    for name, kind in (("segmentation", "rp-segmentation"), ("transfer", "rp-dynamics")):
        tab = opened(name)
        page = tab.page
        unnamed = page.evaluate(
            """() => [...document.querySelectorAll(
              '.rp-explorer :is(select, input, button, summary, [tabindex="0"])')]
            .filter((e) => !(e.labels?.length || e.getAttribute('aria-label') || e.textContent.trim()))
            .map((e) => e.outerHTML)"""
        )
        assert unnamed == []
        page.locator(f".{kind} select").first.focus()
        inside = 0
        for _ in range(40):
            page.keyboard.press("Tab")
            tag, visible, within = page.evaluate(
                """(kind) => { const e = document.activeElement; const s = getComputedStyle(e);
                const hit = e.querySelector?.(':scope > .rp-hit');
                const seen = s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 1;
                return [e.tagName, seen || (hit && getComputedStyle(hit).stroke !== 'none'),
                        Boolean(e.closest('.' + kind))]; }""",
                kind,
            )
            inside += within
            assert visible or not within, tag
            if not within:
                break
        assert inside >= 8
        assert tab.faults == []


def test_states_of_two_networks_are_compared_as_in_python(opened, transferred):
    tab = opened("transfer")
    page = tab.page
    scope = page.locator(".rp-representation").first
    scope.locator(".rp-interval[data-low]").wait_for()
    states = transfer.network_states(transferred)
    a = states.find(network="pre-training", layer="pool3", epoch="2")
    b = states.find(network="true labels", layer="pool3", epoch="2")
    for side, index in (("A", a), ("B", b)):
        box = scope.locator(f"fieldset.rp-state:has(> legend:text-is('State {side}'))")
        for column in states.columns:
            if len(column.levels) > 1:
                choose(box, column.title, str(column.codes[index]))
    grams = [
        similarity.Grams(unfold(states.gram[k]), states.mean[k], int(states.features[k])) for k in (a, b)
    ]
    for name in ("cka-linear", "rsa-cosine"):
        choose(scope, "Measure", name)
        scope.locator(".rp-interval[data-low]").wait_for()
        value = float(scope.locator(".rp-value").get_attribute("data-value"))
        assert value == pytest.approx(similarity.measure(name).from_grams(*grams), abs=1e-6)
    dynamics = page.locator(".rp-dynamics").first
    choose(dynamics, "Change from", "0")
    slider = dynamics.locator("input[type=range]")
    slider.press("Home")
    assert "at 0 epochs" in dynamics.locator("h4").first.inner_text()
    assert "fresh random networks (null)" in dynamics.inner_text()
    assert tab.faults == []
