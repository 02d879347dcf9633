"""Study 1: its presets. Constants of the paper that are no frozen default stand here once."""

from ...engine.preset import Expected, Preset

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
        expects=Expected(
            values={
                "accuracy on unseen classes, trained": (0.816, 0.803, 0.830),
                "accuracy on unseen classes, untrained": (0.360, 0.342, 0.377),
                "M1a: logits minus the block that changes most": (0.617, 0.563, 0.672),
                "M3a: log ratio of adaptation to 1/60 of training": (1.662, 1.543, 1.781),
                "M3b: effective layers, adaptation minus training": (0.393, 0.312, 0.473),
            },
            n=5,
            measured="Intel(R) Xeon(R) Processor @ 2.80GHz, 2 threads, 2026-11-21",
        ),
    ),
    "sweep": Preset(
        values={
            "dataset": "omniglot-minimal",
            **_OMNIGLOT_5_WAY,
            "meta_batch": 8,
            "iterations": 180,
            "head_init": "xavier",
            "analysis_steps": 5,
            "analysis_tasks": 5,
            "analysis_queries": 5,
            "evaluation_tasks": 200,
            "explorer_seeds": (),
        },
        seeds=(0, 1, 2),
        about="As laptop, an eighth as long with half the tasks, in less detail: for sweeps and switches.",
        expects=Expected(
            values={
                "accuracy on unseen classes, trained": (0.555, 0.497, 0.613),
                "M1a: logits minus the block that changes most": (0.721, 0.675, 0.766),
            },
            n=3,
            measured="AMD EPYC, 1 thread, 2026-11-21",
        ),
    ),
    "twenty_way": Preset(
        values={
            "dataset": "omniglot-background",
            "meta_batch": 4,
            "iterations": 3000,
            "head_init": "xavier",
            "analysis_tasks": 10,
            "analysis_queries": 5,
            "evaluation_tasks": 200,
        },
        seeds=(0, 1, 2, 3, 4),
        about="The paper's inner loop, 20-way 1-shot with five steps of 0.1, on Omniglot's background set: "
        "an eightieth of its tasks, about half an hour a seed on one core.",
    ),
    "as_described": Preset(
        values={"probe": "query"},
        seeds=(0, 1, 2, 3, 4),
        about="Omniglot 20-way 1-shot as the paper describes it, 60 000 meta-iterations: for a GPU.",
    ),
    "as_released": Preset(
        values={"inner_loss": "sum", "probe": "query", "mds": "rows"},
        seeds=(0, 1, 2, 3, 4),
        about="As described, with the inner loss of the released code (a sum): an inner rate 20 times as "
        "large.",
    ),
    "mini_imagenet": Preset(
        values={
            "dataset": "mini-imagenet",
            "ways": 5,
            "queries": 15,
            "meta_batch": 4,
            "inner_rate": 0.01,
            "clip": 10.0,
            "filters": 32,
            "downsampling": "pool",
            "head_init": "xavier",
            "analysis_queries": 15,
            "probe": "query",
        },
        seeds=(0, 1, 2, 3, 4),
        about="mini-ImageNet 5-way 1-shot as the paper describes it (its Figure 6): for a GPU.",
    ),
}
