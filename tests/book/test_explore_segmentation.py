"""The explorers of study 3 in a chapter: every condition that is there, and a word for those that are not."""

import dataclasses

import numpy as np
import pytest

from reprise.book import explore
from reprise.book.chapter import Chapter
from reprise.book.explore.stimuli import THUMBNAIL, small
from reprise.engine import runner
from reprise.engine.study import study
from reprise.places import Places
from reprise.studies.segmentation.pictures import held_out

SEGMENTATION = study("segmentation")


@pytest.fixture(scope="module")
def chapter(tmp_path_factory):
    folder = tmp_path_factory.mktemp("segmentation")
    places = Places(folder / "data", folder / "results", folder / "runs")
    base = SEGMENTATION.configure("smoke", {})
    for config, seeds in (
        (base, (0, 1)),
        (SEGMENTATION.family("encoders", base)["none"], (0,)),
        (SEGMENTATION.family("fractions", base)["none, 1"], (0,)),
    ):
        runner.run(SEGMENTATION, config, seeds, places, preset="smoke", progress=False)
    return Chapter.load("segmentation", places, "smoke", "never", (0, 1))


def test_what_is_there_is_shown_and_the_rest_has_its_command(chapter):
    pictures = held_out(chapter.config, chapter.run, chapter.places.data)
    assert pictures is not None
    images, masks = pictures
    widget = explore.segmentation(chapter, images, masks)
    about = widget.about
    assert [start["title"] for start in about["starts"]] == ["no transfer", "segmentation"]
    assert [share["label"] for share in about["shares"]] == ["10 %", "100 %"]
    there = [tuple(unit[:3]) for unit in about["units"]]
    assert sorted(there) == [(0, 0, 0), (0, 1, 0), (1, 0, 0), (1, 0, 1)]
    # Grams of the share that the chapter is about; seed 1 keeps none.
    kept = {tuple(unit[:3]) for unit in about["units"] if unit[3] >= 0}
    assert kept == {(0, 0, 0), (1, 0, 0)}
    assert about["pair"]["a"] == [0, 0] and about["pair"]["b"] == [1, 0]
    assert widget.truth == masks.tobytes() and widget.pictures == images.tobytes()
    missing = dict(about["missing"])
    assert missing["no transfer, 10 % of the labels, 1 of 2 seeds"].endswith("--seeds 1")
    command = missing["reconstruction, 10 % of the labels"]
    assert (
        command.startswith("reprise run segmentation --preset smoke") and "pretext=reconstruction" in command
    )
    assert "contrast + reconstructions, without mask, 10 % of the labels" in missing
    assert not any(name.startswith("segmentation, 10 %") for name in missing)


def test_a_condition_of_no_family_is_shown_too(chapter):
    config = SEGMENTATION.configure("smoke", {"frozen": "encoder"})
    runner.run(SEGMENTATION, config, (0,), chapter.places, preset="smoke", progress=False)
    run = runner.run(SEGMENTATION, config, (0,), chapter.places, "never", "smoke")
    other = dataclasses.replace(chapter, config=config, seeds=(0,), run=run.assign_attrs(preset="smoke"))
    about = explore.segmentation(other).about
    assert [start["name"] for start in about["starts"]] == ["segmentation"]
    assert [unit[2] for unit in about["units"]] == [0]


def test_states_of_networks_with_their_crops(chapter):
    widget = explore.networks(chapter, ["none", "segmentation"])
    assert widget is not None
    columns = {column["name"]: column for column in widget.about["columns"]}
    assert columns["network"]["levels"] == ["no transfer", "segmentation"]
    assert columns["name"]["levels"][0] == "before fine-tuning"
    assert set(widget.about["sets"]) == {0}  # one seed, so the same crops
    chosen = [columns["name"]["levels"][columns["name"]["codes"][widget.selection[side]]] for side in "ab"]
    assert chosen == ["before fine-tuning", "after fine-tuning"]
    assert widget.about["picture"] == [THUMBNAIL, THUMBNAIL, 3]
    assert explore.networks(chapter, ["reconstruction"]) is None


def test_small_pictures_are_means_of_blocks():
    images = np.random.default_rng(0).integers(0, 255, (2, 70, 65, 3), np.uint8)
    found = small(images)
    assert found.shape == (2, 23, 21, 3)  # blocks of three pixels; what is left over at the edges is cut
    for row, column in ((0, 0), (22, 20)):
        block = images[1, 3 * row : 3 * row + 3, 3 * column : 3 * column + 3]
        np.testing.assert_allclose(found[1, row, column], block.mean((0, 1)), atol=0.5)
    np.testing.assert_array_equal(small(images[:, :32, :32]), images[:, :32, :32])
