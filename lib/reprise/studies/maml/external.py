"""Study 1, an external check: Omniglot's official one-shot classification within an alphabet."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...engine.study import Context, Unit
from .config import MamlConfig
from .measure import evaluate
from .tasks import conditions
from .train import build_model, label

if TYPE_CHECKING:
    import xarray as xr

    from ...data.fewshot import FewShotSplits
    from ...training.checkpoints import CheckpointFolder


def measure_unit(unit: Unit, splits: FewShotSplits, folder: CheckpointFolder, context: Context) -> xr.Dataset:
    """Accuracy on the twenty official runs, each 20-way 1-shot with characters of one alphabet.

    Args:
        unit: The unit.
        splits: Data that it was trained on; the runs' alphabets are not among them.
        folder: Its checkpoints.
        context: Data root and device.

    Returns:
        The dataset without provenance: accuracy of each run after the trained number of inner steps, before
        and after meta-training.
    """
    import xarray as xr

    from ...data import load_within_alphabet

    config, device = unit.config, context.device
    assert isinstance(config, MamlConfig)
    runs = load_within_alphabet(context.data, device=device)
    model = build_model(config, unit.seed).to(device)
    accuracies = []
    for iteration in (0, config.iterations):
        parameters = {name: value.to(device) for name, value in folder.load(label(iteration)).items()}
        accuracies.append(evaluate(model, parameters, runs, config))
    return xr.Dataset(
        {"external_accuracy": (("moment", "run"), np.stack(accuracies).astype(np.float32))},
        coords={
            "moment": ["untrained", "trained"],
            "run": np.arange(len(accuracies[0]), dtype=np.int16),
            **conditions(unit),
        },
    )
