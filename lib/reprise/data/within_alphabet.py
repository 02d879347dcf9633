"""Omniglot's official one-shot classification: 20-way 1-shot within one alphabet (Lake et al. 2015).

There are twenty fixed runs, each with 20 characters of one of Omniglot's evaluation alphabets: one drawing of
each is given, another of each is to be classified. The runs are an external test for networks trained on
background alphabets, the minimal splits among them. They are **not** unseen by a network that was trained on
the random split of all 1623 characters, where these alphabets stand among the training classes.
"""

import zipfile
from pathlib import Path, PurePosixPath

import numpy as np
import torch
from torch import Tensor

from .fewshot import Episodes
from .omniglot import decode

LABELS = "class_labels.txt"
"""File of a run whose lines pair a test drawing with the training drawing of the same character."""


def read_runs(path: Path, device: torch.device | str = "cpu") -> Episodes:
    """All runs as one batch of tasks, drawings processed as everywhere in Omniglot.

    Args:
        path: Zip with ``run01/training/class01.png``, ``run01/test/item01.png``, ``run01/class_labels.txt``
            and so on.
        device: Where the images come out.

    Returns:
        Tasks in order of run. Support and query images have shape (runs, ways, 1, 28, 28), both in order of
        file name: training drawing ``i`` has label ``i``, a test drawing has that of its partner. ``classes``
        numbers the characters through, ``ways · run + label``; a character that stands in two runs has two
        numbers.

    Raises:
        ValueError: There is no run, runs differ in size, a drawing is missing, or the pairs of a run are not
            one to one.
    """
    support, query, labels = [], [], []
    with zipfile.ZipFile(path) as archive:
        members = set(archive.namelist())
        for member in sorted(name for name in members if PurePosixPath(name).name == LABELS):
            run = PurePosixPath(member).parent
            lines = archive.read(member).decode().splitlines()
            # The pairs name their files from the folder that holds the runs.
            pairs = sorted(
                tuple(str(run.parent / word) for word in line.split()) for line in lines if line.strip()
            )
            if any(len(pair) != 2 for pair in pairs):
                raise ValueError(
                    f"{path}: a line of {member} does not pair a test drawing with a training drawing"
                )
            tests, partners = (list(names) for names in zip(*pairs, strict=True))
            training = sorted(partners)
            if len({*tests, *training}) != 2 * len(pairs):
                raise ValueError(f"{path}: the pairs of {member} are not one to one")
            if absent := sorted({*tests, *training} - members):
                raise ValueError(f"{path}: {member} names {absent[0]}, which is not in the zip")
            support.append([decode(archive.read(name)) for name in training])
            query.append([decode(archive.read(name)) for name in tests])
            labels.append([training.index(partner) for partner in partners])
    if len({len(run) for run in labels}) != 1:
        raise ValueError(f"{path}: expected runs of equal size, found {[len(run) for run in labels]}")
    runs, ways = len(labels), len(labels[0])
    return Episodes(
        _images(support, device),
        torch.arange(ways, device=device).expand(runs, -1),
        _images(query, device),
        torch.tensor(labels, device=device),
        torch.arange(runs * ways).view(runs, ways),
    )


def _images(drawings: list[list[np.ndarray]], device: torch.device | str) -> Tensor:
    return torch.from_numpy(np.array(drawings)).unsqueeze(2).to(device).float().div_(255)
