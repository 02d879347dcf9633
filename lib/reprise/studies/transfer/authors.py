"""Study 2: the authors' numbers, ours beside them, and what theirs say of a claim."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...places import UserError
from . import endpoints

if TYPE_CHECKING:
    import xarray as xr

TABLE = "data/reference/authors_transfer_cka.csv"
"""The authors' run table, summarised, below the checkout; its head says where it comes from."""

BOUND = 2.0
"""Joint standard deviations within which a mean counts as the authors'."""

SOURCE = "cifar10"
"""What the authors pre-train on: a target of this domain is within it."""


@dataclass(frozen=True)
class Published:
    """One layer of one of the authors' conditions.

    Attributes:
        model: Network.
        stage: ``"training"`` or ``"fine-tuning"``.
        dataset: What was trained on.
        degree: Degree of label noise.
        images: Training images.
        layer: Layer.
        seeds: Number of seeds.
        mean: Mean CKA over seeds.
        sd: Standard deviation over seeds.
        test_accuracy: Mean accuracy on test images, in [0, 1].
    """

    model: str
    stage: str
    dataset: str
    degree: int
    images: int
    layer: str
    seeds: int
    mean: float
    sd: float
    test_accuracy: float

    @property
    def condition(self) -> str:
        """The condition in words."""
        noise = f", noise {self.degree}" if self.degree else ""
        return f"{self.stage}, {self.dataset}, {self.images} images{noise}"


@dataclass(frozen=True)
class Beside:
    """Ours beside the authors'.

    Attributes:
        published: Theirs.
        mean: Our mean over seeds; NaN if it was not run.
        sd: Our standard deviation; NaN for fewer than two seeds.
        seeds: Number of our seeds.
        test_accuracy: Our mean test accuracy.
    """

    published: Published
    mean: float
    sd: float
    seeds: int
    test_accuracy: float

    @property
    def difference(self) -> float:
        """Ours minus theirs."""
        return self.mean - self.published.mean

    @property
    def joint_deviations(self) -> float:
        """The difference in standard deviations of a seed of ours and one of theirs together."""
        return self.difference / np.hypot(self.sd, self.published.sd)

    @property
    def error(self) -> float:
        """Standard error of the difference of the two means."""
        own, theirs = self.sd / np.sqrt(self.seeds), self.published.sd / np.sqrt(self.published.seeds)
        return float(np.hypot(own, theirs))

    @property
    def standard_errors(self) -> float:
        """The difference in standard errors of the difference of the two means."""
        return self.difference / self.error

    @property
    def matches(self) -> bool | None:
        """Whether it lies within two joint standard deviations; None if that cannot be said."""
        if not np.isfinite(self.joint_deviations):
            return None
        return bool(abs(self.joint_deviations) <= BOUND)


@dataclass(frozen=True)
class Theirs:
    """One number of the authors', made as ours is.

    Attributes:
        name: What it is, and of which condition.
        value: The number, from means over their seeds; their table gives no interval of it.
        seeds: Number of their seeds.
    """

    name: str
    value: float
    seeds: int


def read_table(root: Path) -> list[Published]:
    """Read the authors' numbers.

    Args:
        root: The checkout.

    Raises:
        UserError: The table is not there.
    """
    path = root / TABLE
    if not path.is_file():
        raise UserError(f"no table of the authors' numbers at {path}")
    lines = [line for line in path.read_text("utf-8").splitlines() if not line.startswith("#")]
    return [
        Published(
            row["model"],
            row["stage"],
            row["dataset"],
            int(row["label_noise_degree"]),
            int(row["n_train"]),
            row["layer"],
            int(row["n_seeds"]),
            float(row["cka_mean"]),
            float(row["cka_sd"]),
            float(row["test_accuracy_mean"]) / 100,
        )
        for row in csv.DictReader(lines)
    ]


def authors_numbers(root: Path | None) -> dict[str, list[Theirs]]:
    """The authors' numbers by claim.

    Args:
        root: The checkout with ``data/reference``; None where there is none.

    Returns:
        Id of the claim → its numbers. Claims that no number of theirs is about are left out: the first paper
        shows its results in figures, and of the third neither code nor tables are public.
    """
    if root is None:
        return {}
    conditions: dict[tuple, dict[str, Published]] = {}  # layers in order of depth
    for row in read_table(root):
        conditions.setdefault((row.stage, row.dataset, row.degree, row.images), {})[row.layer] = row
    tuned = {key[1:3]: layers for key, layers in conditions.items() if key[0] == "fine-tuning"}
    sizes = {key[3]: layers for key, layers in conditions.items() if key[0] == "training"}
    labels = {0: "true labels", 9: "random labels"}
    heads = [
        Theirs(
            f"{dataset}, {labels.get(degree, f'label noise {degree}')}: least similar conv layer − logits",
            min(row.mean for name, row in layers.items() if name != "logits") - layers["logits"].mean,
            layers["logits"].seeds,
        )
        for (dataset, degree), layers in tuned.items()
    ]
    true, random = (list(tuned[SOURCE, degree].values())[-2] for degree in (0, 9))
    name = f"{SOURCE}: last conv layer, true − random labels, at the end of training"
    kept = [Theirs(name, true.mean - random.mean, true.seeds)]
    slopes = [
        Theirs(
            f"{layer}: change per tenfold images, at equal epochs",
            float(np.polyfit(np.log10(list(sizes)), [1 - rows[layer].mean for rows in sizes.values()], 1)[0]),
            row.seeds,
        )
        for layer, row in next(iter(sizes.values())).items()
    ]
    return {"T1": heads, "T3a": kept, "T4": slopes}


def beside(published: Sequence[Published], runs: Mapping[str, xr.Dataset]) -> list[Beside]:
    """Put our runs beside the authors' conditions.

    Args:
        published: The authors' numbers.
        runs: Runs of ours; each is found by its settings (JPEG copies count as the data set they are of).

    Returns:
        A row for each of theirs, in their order; those that no run of ours corresponds to have NaN.
    """
    found = {}
    for run in runs.values():
        found.setdefault(_key(run), run)
    rows = []
    for one in published:
        run = found.get((one.model, one.stage, one.dataset, one.degree, one.images))
        if run is None or one.layer not in run["layer"].values:
            rows.append(Beside(one, np.nan, np.nan, 0, np.nan))
            continue
        reference = "start" if one.stage == "training" else "pretrained"
        values = endpoints.similarity(run, reference).sel(layer=one.layer).values.astype(float)
        sd = float(values.std(ddof=1)) if len(values) > 1 else np.nan
        accuracy = float(run["test_accuracy"].isel(epoch=-1).mean())
        rows.append(Beside(one, float(values.mean()), sd, len(values), accuracy))
    return rows


def _key(run: xr.Dataset) -> tuple:
    """A run in the authors' terms; a key that none of theirs has where it is none of their conditions."""
    config = json.loads(run.attrs["config"])
    tuned = config["target"] != "none"
    name = config["target"] if tuned else config["dataset"]
    usual = not config["epoch_steps"] and not config["target_shift"] and config["start"] == "pretrained"
    usual = usual and config["moving"] == "all"
    return (
        config["model"] if usual else "",
        "fine-tuning" if tuned else "training",
        name.removesuffix("-jpeg"),
        config["target_noise"] if tuned else config["noise"],
        config["target_images"] if tuned else config["images"],
    )
