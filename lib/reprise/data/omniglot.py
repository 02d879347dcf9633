"""Omniglot from its official zips (the whole; the minimal splits without what they share) or from parquet."""

import hashlib
import io
import zipfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image

from .fewshot import ClassPool, FewShotSplits

VALIDATION_ALPHABET = "Early_Aramaic"
"""Alphabet of the first minimal split that is held out for validation (the smallest of the five)."""

MINIMAL_TEST_ALPHABETS = ("Japanese_(katakana)", "Sanskrit", "Tagalog")
"""Alphabets of the second minimal split that the first has not: Greek and Latin stand in both."""

FULL_SPLIT = (1100, 100, 423)
"""Characters for meta-training, validation and meta-test of the full set, as in Finn et al. (2017)."""


def load_minimal(paths: list[Path]) -> FewShotSplits:
    """The minimal splits: train on the first, test on the alphabets that only the second has.

    Args:
        paths: The two official zips, first and second.

    Returns:
        114 characters of four alphabets to meta-train on, 22 of one to validate, 106 of three to test.

    Raises:
        ValueError: An image of the test alphabets also stands in the first zip.
    """
    first, second = read_characters(paths[:1]), read_characters(paths[1:])
    held, test = (VALIDATION_ALPHABET,), MINIMAL_TEST_ALPHABETS
    train = {name: drawings for name, drawings in first.items() if _alphabet(name) not in held}
    validation = {name: drawings for name, drawings in first.items() if _alphabet(name) in held}
    unseen = {name: drawings for name, drawings in second.items() if _alphabet(name) in test}
    shared = _hashes(first.values()) & _hashes(unseen.values())
    if shared:
        raise ValueError(
            f"{len(shared)} drawings stand in both minimal splits: the zips are not the official ones"
        )
    return FewShotSplits(_pool(train), _pool(validation), _pool(unseen))


def load_full(paths: list[Path]) -> FewShotSplits:
    """The full set of 1623 characters in one fixed random split.

    Args:
        paths: ``images_background.zip`` and ``images_evaluation.zip``.

    Returns:
        1100, 100 and 423 characters. The split is the same for every seed of a study.

    Raises:
        ValueError: The zips do not hold 1623 characters.
    """
    characters = read_characters(paths)
    if len(characters) != sum(FULL_SPLIT):
        raise ValueError(f"{len(characters)} characters found in the zips, not {sum(FULL_SPLIT)}")
    names = [list(characters)[i] for i in np.random.default_rng(0).permutation(len(characters))]
    ends = np.cumsum(FULL_SPLIT)
    parts = names[: ends[0]], names[ends[0] : ends[1]], names[ends[1] :]
    return FewShotSplits(*(_pool({name: characters[name] for name in part}) for part in parts))


BACKGROUND_VALIDATION = 100
"""Characters of the background set that :func:`load_background` holds out for validation."""


def load_background(paths: list[Path]) -> FewShotSplits:
    """The official division: meta-train on the background set, test on the alphabets of the evaluation set.

    Args:
        paths: Parquet copies of the background and the evaluation set: ``image`` (bytes, path), ``alphabet``,
            ``character``, rows in order of the files' names.

    Returns:
        864 characters to meta-train on and 100 to validate, a fixed random part of the background set; 659 to
        test.

    Raises:
        ValueError: A character has another number of drawings than the others.
    """
    import pyarrow.parquet as pq

    sets = []
    for path in paths:
        characters: dict[str, list[bytes]] = {}
        for row in pq.read_table(path, columns=["image", "alphabet", "character"]).to_pylist():
            name = f"{row['alphabet']}/{row['character']}"
            characters.setdefault(name, []).append(row["image"]["bytes"])
        sets.append(_equal(characters, [path]))
    background, evaluation = sets
    names = [list(background)[i] for i in np.random.default_rng(0).permutation(len(background))]
    held, trained = names[:BACKGROUND_VALIDATION], names[BACKGROUND_VALIDATION:]
    train, validation = (_pool({name: background[name] for name in part}) for part in (trained, held))
    return FewShotSplits(train, validation, _pool(evaluation))


def read_characters(paths: Iterable[Path]) -> dict[str, list[bytes]]:
    """All characters of some zips, without repetitions.

    Args:
        paths: Zips in Omniglot's layout, ``set/alphabet/character/drawing.png``.

    Returns:
        ``"alphabet/character"`` → PNG bytes of its drawings, in order of file name. A drawing that stands in
        more than one zip byte for byte is kept once; two equal drawings in one zip stay (the background set's
        Braille/character01 has such).

    Raises:
        ValueError: A character has another number of drawings than the others.
    """
    characters: dict[str, list[bytes]] = {}
    seen: set[bytes] = set()
    for path in paths:
        own: set[bytes] = set()
        with zipfile.ZipFile(path) as archive:
            for member in sorted(name for name in archive.namelist() if name.endswith(".png")):
                content = archive.read(member)
                digest = hashlib.sha256(content).digest()
                if digest not in seen:
                    own.add(digest)
                    characters.setdefault("/".join(member.split("/")[1:3]), []).append(content)
        seen |= own
    return _equal(characters, paths)


def _equal(characters: dict[str, list[bytes]], paths: Iterable[Path]) -> dict[str, list[bytes]]:
    """The same characters, if all have as many drawings."""
    counts = {len(drawings) for drawings in characters.values()}
    if len(counts) != 1:
        raise ValueError(
            f"characters with unequal numbers of drawings in {[str(p) for p in paths]}: {counts}"
        )
    return characters


def decode(content: bytes) -> np.ndarray:
    """One drawing: resized to 28 × 28 (Lanczos), inverted so that ink is 255; uint8 (28, 28)."""
    with Image.open(io.BytesIO(content)) as image:
        return 255 - np.asarray(image.convert("L").resize((28, 28), Image.Resampling.LANCZOS))


def _pool(characters: dict[str, list[bytes]]) -> ClassPool:
    images = np.stack([[decode(drawing) for drawing in drawings] for drawings in characters.values()])
    return ClassPool(images, tuple(characters))


def _alphabet(name: str) -> str:
    return name.split("/")[0]


def _hashes(groups: Iterable[list[bytes]]) -> set[bytes]:
    return {hashlib.sha256(drawing).digest() for drawings in groups for drawing in drawings}
