"""The explorers of the built book itself: what its pages compute from published units is what Python says."""

from pathlib import Path

import numpy as np
import pytest

from reprise import similarity
from reprise.book import explore
from reprise.book.chapter import Chapter
from reprise.engine.grams import unfold
from reprise.places import Places
from reprise.studies.maml import explorers as maml
from reprise.studies.segmentation import endpoints
from reprise.studies.segmentation.presets import FRACTIONS

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")]

ROOT = Path(__file__).parents[2]


def chapter_of(study):
    """The chapter as `make book` opens it."""
    places = Places(ROOT / "data", ROOT / "results", ROOT / "_runs", ROOT)
    return Chapter.load(study, places, "laptop", "never")


def states_of_study_1():
    return maml.representation(chapter_of("maml").unit(0))


def states_of_study_2():
    chapter = chapter_of("transfer")
    return explore.transfer_states(
        chapter, {"pre-training": chapter.run} | chapter.family("targets", "never")
    )


def states_of_study_3():
    chapter = chapter_of("segmentation")
    return explore.networks(chapter, list(chapter.family("modes", "never")))


PAGES = {
    "maml/maml": states_of_study_1,
    "transfer/transfer": states_of_study_2,
    "segmentation/segmentation": states_of_study_3,
}


@pytest.fixture
def opened(book, open_tab, serve):
    def start(name):
        tab = open_tab()
        tab.page.set_default_timeout(90_000)  # for machines that are busy with other things
        tab.open(f"{serve(book)}/chapters/{name}.html")
        return tab

    return start


def choose(scope, label, value):
    scope.locator(f"label.rp-field:has(> span:text-is('{label}')) select").select_option(value)


@pytest.mark.parametrize("name", PAGES)
def test_random_pairs_are_pythons(name, opened):
    widget = PAGES[name]()
    assert widget is not None
    about, n = widget.about, widget.about["n"]
    grams = np.frombuffer(widget.gram, np.float32).reshape(-1, n * (n + 1) // 2)
    means = np.frombuffer(widget.mean, np.float32).reshape(-1, n)
    tab = opened(name)
    scope = tab.page.locator(".rp-representation").last
    rng = np.random.default_rng(len(name))
    for entry in about["measures"]:
        measure = entry["id"]
        a = int(rng.integers(len(grams)))
        b = int(rng.choice(np.flatnonzero(np.array(about["sets"]) == about["sets"][a])))
        for side, index in (("A", a), ("B", b)):
            box = scope.locator(f"fieldset.rp-state:has(> legend:text-is('State {side}'))")
            for _ in range(2):  # a level can move others on the way; the second round settles them
                for column in about["columns"]:
                    if len(column["levels"]) > 1:
                        choose(box, column["title"], str(column["codes"][index]))
        choose(scope, "Measure", measure)
        method = str(rng.choice(["spearman", "pearson", "kendall-tau-a", "cosine"]))
        if entry["form"] == "rdm":
            choose(scope, "RDMs compared by", method)
        scope.locator(".rp-interval[data-low]").wait_for()
        value = float(scope.locator(".rp-value").get_attribute("data-value"))
        # In single precision, as they are stored: distances below its rounding count as 0.
        x, y = (
            similarity.Grams(unfold(grams[k]).astype(np.float32), means[k], int(about["features"][k]))
            for k in (a, b)
        )
        if entry["form"] == "rdm":
            first, second = (
                similarity.rdm_from_gram(g.gram, entry["distance"], g.mean, g.n_features) for g in (x, y)
            )
            expected = similarity.compare(first, second, method=method)
        else:
            expected = similarity.measure(measure).from_grams(x, y)
        assert value == pytest.approx(expected, abs=1e-6), (measure, method, a, b)
    assert tab.faults == []


def test_gains_of_segmentation_are_pythons(opened):
    """At every share of the labels, and from one share to another."""
    chapter = chapter_of("segmentation")
    base = {**chapter.family("encoders", "never"), **chapter.family("modes", "never", range(10))}
    runs = chapter.family("fractions", "never", range(3))
    runs |= {f"{name}, {chapter.config.model_dump()['fraction']:g}": run for name, run in base.items()}
    tab = opened("segmentation/segmentation")
    scope = tab.page.locator(".rp-segmentation")
    shown = scope.locator(".rp-value").first
    pairs = [
        (f"{a}, {share:g}", f"{b}, {share:g}")
        for share in FRACTIONS
        for a, b in (("none", "segmentation"), ("classification", "segmentation"), ("none", "classification"))
    ]
    for a, b in [*pairs, ("none, 0.02", "none, 1")]:
        for side, one in (("A", a), ("B", b)):
            start, share = one.split(", ")
            box = scope.locator(f"fieldset:has(> legend:text-is('Networks {side}'))")
            title = {"none": "no transfer"}.get(start, start)
            percent = f"{float(share):.0%}".replace("%", " %")
            for label, value in (("started from", title), ("share of the labels", percent)):
                box.locator(f"label.rp-field:has(> span:text-is('{label}')) select").select_option(
                    label=value
                )
        expected = 100 * endpoints.gain(runs[b], runs[a])
        assert float(shown.get_attribute("data-value")) == pytest.approx(expected.mean(), abs=1e-4), (a, b)
    assert tab.faults == []
