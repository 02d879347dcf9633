"""Study 1: its settings and presets. Every constant of the paper stands here once."""

from typing import ClassVar, Literal

from pydantic import model_validator

from ...data import dataset_entry
from ..base import Preset, StudyConfig, setting

FewShotDataset = Literal["omniglot", "omniglot-minimal", "glyphs"]


class MamlConfig(StudyConfig):
    """Settings of one condition of study 1.

    The frozen defaults are the paper's description of Omniglot 20-way 1-shot (Goerttler and Obermayer 2021,
    after Finn et al. 2017), with the analysis of its Figure 1.
    """

    study: ClassVar[str] = "maml"
    protocol: ClassVar[int] = 1

    dataset: FewShotDataset = setting("omniglot", "Images to learn from; a synthetic set needs no files.")
    algorithm: Literal["maml", "fomaml", "anil", "boil"] = setting(
        "maml", "What the inner loop moves, and whether the outer gradient looks through it."
    )
    ways: int = setting(20, "Classes of a task.", unit="classes", ge=2)
    shots: int = setting(1, "Support images of each class.", unit="images", ge=1)
    queries: int = setting(1, "Query images of each class while training.", unit="images", ge=1)
    meta_batch: int = setting(16, "Tasks of a meta-iteration.", unit="tasks", ge=1)
    iterations: int = setting(60_000, "Meta-iterations; a multiple of 60.", unit="meta-iterations", ge=60)
    inner_rate: float = setting(0.1, "Step size of the inner loop.", gt=0)
    inner_steps: int = setting(5, "Inner steps while training.", unit="steps", ge=1)
    inner_loss: Literal["mean", "sum"] = setting(
        "mean", "Inner loss: mean over the support images, or their sum divided by the shots (as released)."
    )
    outer_rate: float = setting(1e-3, "Learning rate of Adam in the outer loop.", gt=0)
    clip: float = setting(0.0, "Bound on each entry of the meta-gradient; 0 for none.", ge=0)
    filters: int = setting(64, "Channels of each convolutional block.", unit="channels", ge=1)
    head_init: Literal["normal", "xavier"] = setting(
        "normal", "Initial head: N(0, 1), as for Omniglot, or Xavier, as for mini-ImageNet."
    )
    analysis_steps: int = setting(10, "Inner steps of the analysis.", unit="steps", stage="analysis", ge=1)
    analysis_tasks: int = setting(
        50, "Tasks adapted to at each checkpoint.", unit="tasks", stage="analysis", ge=2
    )
    analysis_queries: int = setting(
        10, "Query images of each class when accuracy is measured.", unit="images", stage="analysis", ge=1
    )
    evaluation_tasks: int = setting(
        600,
        "Tasks by which the first and the last checkpoint are judged.",
        unit="tasks",
        stage="analysis",
        ge=2,
    )
    probe_classes: int = setting(
        5, "Unseen classes of the constant probe.", unit="classes", stage="analysis", ge=2
    )
    probe_drawings: int = setting(10, "Images of each probe class.", unit="images", stage="analysis", ge=1)
    explorer_seeds: tuple[int, ...] = setting(
        (0,), "Seeds whose Grams are kept for the explorers and the second-order matrix.", stage="analysis"
    )

    @model_validator(mode="after")
    def _fits_the_data(self) -> "MamlConfig":
        """Refuse what the data cannot give, before anything is loaded."""
        entry = dataset_entry(self.dataset)
        train, test = 4 * entry.classes["train"], entry.classes["test"]
        if self.ways > train:
            raise ValueError(
                f"ways={self.ways}: {self.dataset} has {train} classes to meta-train on (with rotations)"
            )
        if self.ways > test - self.probe_classes:
            raise ValueError(
                f"ways={self.ways}: {self.dataset} has {test} unseen classes, of which {self.probe_classes} "
                f"are the probe's, so at most {test - self.probe_classes} ways can be tested"
            )
        for name, queries in (("queries", self.queries), ("analysis_queries", self.analysis_queries)):
            if self.shots + queries > entry.drawings:
                raise ValueError(
                    f"shots={self.shots} and {name}={queries}: "
                    f"{self.dataset} has {entry.drawings} images a class"
                )
        if self.probe_drawings > entry.drawings:
            raise ValueError(
                f"probe_drawings={self.probe_drawings}: {self.dataset} has {entry.drawings} images a class"
            )
        if self.probe_classes * self.probe_drawings < 4:
            raise ValueError("a probe of fewer than 4 images has no similarity structure to compare")
        if self.iterations % 60:
            raise ValueError(
                f"iterations={self.iterations}: must be a multiple of 60, the number of checkpoints"
            )
        return self

    @property
    def spacing(self) -> int:
        """Meta-iterations between equally spaced checkpoints: 1/60 of training."""
        return self.iterations // 60

    @property
    def checkpoints(self) -> list[int]:
        """Meta-iterations looked at: every 1/60 of training, and a few before the first of these."""
        dense = [i for i in (1, 2, 5, 10, 20, 50, 100, 200, 500) if i < self.spacing]
        return sorted({*dense, *range(0, self.iterations + 1, self.spacing)})

    @property
    def kept_steps(self) -> list[int]:
        """Inner steps whose representations are compared with those before adaptation."""
        steps = {1, 5, self.inner_steps, self.analysis_steps}
        return sorted(step for step in steps if step <= max(self.inner_steps, self.analysis_steps))


_OMNIGLOT_5_WAY = {"ways": 5, "inner_rate": 0.4, "inner_steps": 1}

PRESETS = {
    "smoke": Preset(
        values={
            "dataset": "glyphs",
            **_OMNIGLOT_5_WAY,
            "meta_batch": 4,
            "iterations": 60,
            "filters": 16,
            "head_init": "xavier",
            "analysis_steps": 5,
            "analysis_tasks": 4,
            "analysis_queries": 5,
            "evaluation_tasks": 16,
            "probe_drawings": 4,
        },
        seeds=(0, 1),
        about="Synthetic glyphs, a few seconds: shows that everything runs, not what the paper asks.",
    ),
    "laptop": Preset(
        values={
            "dataset": "omniglot-minimal",
            **_OMNIGLOT_5_WAY,
            "iterations": 1500,
            "head_init": "xavier",
            "analysis_tasks": 10,
            "analysis_queries": 5,
            "evaluation_tasks": 200,
        },
        seeds=(0, 1, 2, 3, 4),
        about="Omniglot's minimal splits, 5-way 1-shot, 1500 meta-iterations: minutes a seed on two cores.",
        expects="About 82 % on unseen classes (untrained 36 %, chance 20 %); six minutes on two idle cores.",
    ),
    "as_described": Preset(
        values={},
        seeds=(0, 1, 2, 3, 4),
        about="Omniglot 20-way 1-shot as the paper describes it, 60 000 meta-iterations: for a GPU.",
    ),
    "as_released": Preset(
        values={"inner_loss": "sum"},
        seeds=(0, 1, 2, 3, 4),
        about="As described, with the inner loss of the released code (a sum): an inner rate 20 times as "
        "large.",
    ),
}
