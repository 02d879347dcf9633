"""Study 1: its settings. The frozen defaults are constants of the paper, and stand here once."""

from typing import ClassVar, Literal, Self

from pydantic import model_validator

from ...data import dataset_entry
from ...engine.config import StudyConfig, setting
from .states import layer_names

FewShotDataset = Literal["omniglot", "omniglot-background", "omniglot-minimal", "mini-imagenet", "glyphs"]


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
    adapt_offset: bool = setting(False, "Let the inner loop move batch norm's offsets too.")
    outer_rate: float = setting(1e-3, "Learning rate of Adam in the outer loop.", gt=0)
    clip: float = setting(0.0, "Bound on each entry of the meta-gradient; 0 for none.", ge=0)
    filters: int = setting(64, "Channels of each convolutional block.", unit="channels", ge=1)
    blocks: int = setting(4, "Convolutional blocks: the network's depth.", unit="blocks", ge=1)
    downsampling: Literal["stride", "pool"] = setting(
        "stride", "How a block halves its input: by its stride, as for Omniglot, or by max-pooling."
    )
    head_init: Literal["normal", "xavier"] = setting(
        "normal", "Initial head: N(0, 1), as for Omniglot, or Xavier, as for mini-ImageNet."
    )
    analysis: Literal["similarity", "function", "within-alphabet"] = setting(
        "similarity",
        "What is measured: representations; accuracy with layers frozen, reset and swapped, and nulls; or "
        "Omniglot's official one-shot task within an alphabet (20-way).",
        stage="analysis",
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
    probe: Literal["apart", "query"] = setting(
        "apart",
        "Constant probe: classes that no analysed task has, or the first analysed task's query set, as the "
        "paper has it.",
        stage="analysis",
    )
    probe_classes: int = setting(
        5, "Unseen classes of the constant probe.", unit="classes", stage="analysis", ge=2
    )
    probe_drawings: int = setting(10, "Images of each probe class.", unit="images", stage="analysis", ge=1)
    prototypes: bool = setting(
        False,
        "With what is measured of function: how well nearest prototypes of the last block's features do, "
        "before and after adaptation, and the head alone once it has converged.",
        stage="analysis",
    )
    explorer_seeds: tuple[int, ...] = setting(
        (0,), "Seeds whose Grams are kept for the explorers and the second-order matrix.", stage="analysis"
    )

    mds: Literal["dissimilarities", "rows"] = setting(
        "dissimilarities",
        "Map of states: from the dissimilarities themselves, or from the rows of their scaled matrix as "
        "features, as the released code has it.",
        stage="display",
    )

    @model_validator(mode="after")
    def _fits_the_data(self) -> Self:
        """Refuse what the data cannot give, before anything is loaded."""
        entry = dataset_entry(self.dataset)
        turns = 4 if self.rotates else 1
        train, test = turns * entry.classes["train"], entry.classes["test"]
        if self.ways > train:
            raise ValueError(
                f"ways={self.ways}: {self.dataset} has {train} classes to meta-train on"
                + (", rotations counted" if self.rotates else "")
            )
        if self.probe == "apart" and self.ways > test - self.probe_classes:
            raise ValueError(
                f"ways={self.ways}: {self.dataset} has {test} unseen classes, of which {self.probe_classes} "
                f"are the probe's, so at most {test - self.probe_classes} ways can be tested"
            )
        if self.ways > test:
            raise ValueError(f"ways={self.ways}: {self.dataset} has {test} unseen classes")
        for name, queries in (("queries", self.queries), ("analysis_queries", self.analysis_queries)):
            if self.shots + queries > entry.drawings:
                raise ValueError(
                    f"shots={self.shots} and {name}={queries}: "
                    f"{self.dataset} has {entry.drawings} images a class"
                )
        if self.probe == "apart" and self.probe_drawings > entry.drawings:
            raise ValueError(
                f"probe_drawings={self.probe_drawings}: {self.dataset} has {entry.drawings} images a class"
            )
        if self.stimuli < 4:
            raise ValueError("a probe of fewer than 4 images has no similarity structure to compare")
        if self.iterations % 60:
            raise ValueError(
                f"iterations={self.iterations}: must be a multiple of 60, the number of checkpoints"
            )
        # The runs' characters are of the evaluation set, from which the full set's classes are drawn too.
        fit = (self.ways, self.shots, self.dataset) == (20, 1, "omniglot-minimal")
        if self.analysis == "within-alphabet" and not fit:
            raise ValueError(
                f"ways={self.ways}, shots={self.shots}, dataset={self.dataset}: the task within an alphabet "
                "is 20-way 1-shot, and unseen only by networks trained on omniglot-minimal"
            )
        return self

    @property
    def rotates(self) -> bool:
        """Whether turned images make further classes in meta-training: drawings do, photographs do not."""
        return dataset_entry(self.dataset).channels == 1

    @property
    def layers(self) -> tuple[str, ...]:
        """Layers in order of depth; all but the last are convolutional blocks."""
        return layer_names(self.blocks)

    @property
    def stimuli_by_class(self) -> tuple[int, int]:
        """Classes of the probe, and images of each."""
        if self.probe == "query":
            return self.ways, self.analysis_queries
        return self.probe_classes, self.probe_drawings

    @property
    def stimuli(self) -> int:
        """Images of the probe."""
        classes, images = self.stimuli_by_class
        return classes * images

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
