"""Rules of study 2 as earlier versions had them, with their words unchanged: their verdicts stay readable."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from ...claims.claim import Claim, Outcome, Runs, Selection
from ...claims.conjunction import together
from ...claims.verdict import above, above_holm, all_of, equivalent
from . import endpoints
from .rules import TARGETS, as_far_as_run, more_data_more_change, random_labels_change_more_from_the_start

if TYPE_CHECKING:
    import xarray as xr


def early_change_is_beneficial(runs: Runs, measure: str) -> Outcome:
    """T2: gain by letting the first two blocks move, on both domains, and their difference."""
    free = (name.removesuffix(", all") for name in runs if name.endswith(", all"))
    gains = {
        (domain, count): endpoints.gain(runs[f"{domain}, {count}, all"], runs[f"{domain}, {count}, after-2"])
        for domain, _, count in (name.partition(", ") for name in free)
        if f"{domain}, {count}, after-2" in runs
    }
    if not gains:
        return "not run", (), ""
    counts = dict.fromkeys(count for _, count in gains)
    wanted = [(domain, count) for count in counts for domain in ("true labels", "other domain")]
    absent = [", ".join(pair) for pair in wanted if pair not in gains]
    benefits = above_holm({f"{domain}, {count}: all − after-2": v for (domain, count), v in gains.items()})
    differences = above_holm(
        {
            f"{count}: other domain − own domain": gains["other domain", count] - value
            for (domain, count), value in gains.items()
            if domain == "true labels" and ("other domain", count) in gains
        }
    )
    parts = (*benefits, *differences)
    return as_far_as_run(all_of(parts), parts, "Log-odds of test accuracy.", absent)


def random_labels_change_more(runs: Runs, measure: str) -> Outcome:
    """T3a: at equal training loss."""
    true, other = endpoints.at_equal_loss(runs["true labels"], runs["random labels"], "pretrained", measure)
    part = above("CKA to the pre-trained state, last conv layer: true − random labels", true - other)
    return part.status, (part,), ""


def nothing_is_left(runs: Runs, measure: str) -> Outcome:
    """T3b: at equal training loss."""
    pair = runs["random labels"], runs["fresh: random labels"]
    tuned, fresh = endpoints.at_equal_loss(*pair, "pretrained", measure)
    part = equivalent(
        "CKA to the pre-trained state, last conv layer: fine-tuned − fresh", tuned - fresh, endpoints.EQUAL
    )
    note = f"Fine-tuned {np.mean(tuned):.2f}, fresh {np.mean(fresh):.2f}, random labels both."
    return part.status, (part,), note


def usable_structure_is_kept(runs: Runs, measure: str) -> Outcome:
    """T3c: shifted labels against random and true ones."""
    body = endpoints.body(runs["true labels"])

    def kept(name: str) -> xr.DataArray:
        return endpoints.similarity(runs[f"{name} labels"], "pretrained", measure).sel(layer=body)

    last = kept("shifted").isel(layer=-1) - kept("random").isel(layer=-1)
    mean = kept("true").mean("layer") - kept("shifted").mean("layer")
    parts = (
        above("CKA to the pre-trained state, last conv layer: shifted − random labels", last.values),
        equivalent(
            "CKA to the pre-trained state, mean of conv layers: true − shifted labels",
            mean.values,
            endpoints.EQUAL,
        ),
    )
    return all_of(parts), parts, ""


_claim = partial(
    Claim, study="transfer", source="abstract", measure=endpoints.PRIMARY, figure="transfer-levels"
)

T2_1 = _claim(
    id="T2",
    source="question",
    title="Change in early layers is beneficial, above all across domains",
    statement="Letting early layers move improves accuracy, and more so on another domain than on the "
    "source's.",
    words="Test accuracy in log-odds, all layers free minus the first two blocks frozen, at each number of "
    "fine-tuning images: above 0 on both domains (Holm over all), and the difference between the other "
    "domain and the source's above 0 (Holm over numbers of images), by t intervals over seeds.",
    endpoint="test accuracy in log-odds, all free − first two blocks frozen; across domains − within",
    measure="test accuracy, log-odds",
    decide=early_change_is_beneficial,
    runs=(Selection("freezing", ("*, all", "*, after-2")),),
    figure="transfer-gain",
)
T3A_1 = _claim(
    id="T3a",
    title="Labels without use change the last conv layer more",
    statement="Fine-tuning on random labels keeps less of the pre-trained structure than on true labels.",
    words="CKA of the last convolutional layer to the pre-trained state, where both have the same training "
    "loss (the larger of their last ones): true minus random labels of the source's domain, 95 % t interval "
    "over seeds above 0.",
    endpoint="CKA of the last conv layer to the pre-trained state, true − random labels",
    decide=random_labels_change_more,
    runs=(Selection("targets", ("true labels", "random labels")),),
)
T3B_1 = _claim(
    id="T3b",
    title="Nothing is left that a fresh network would not have",
    statement="After fine-tuning on random labels, as much is left of the pre-trained structure as a fresh "
    "network trained on the same labels has of it.",
    words="CKA of the last convolutional layer to the pre-trained state, at equal training loss: fine-tuned "
    f"network minus fresh network, both on the same random labels, within ±{endpoints.EQUAL} by the 90 % t "
    "interval over seeds.",
    endpoint="CKA of the last conv layer to the pre-trained state, fine-tuned − fresh",
    margin=f"±{endpoints.EQUAL}",
    decide=nothing_is_left,
    runs=(Selection("targets", ("random labels",)), Selection("fresh", ("random labels",), "fresh: ")),
)
T3C_1 = _claim(
    id="T3c",
    source="ours",
    title="What can be used is kept, whatever it is called",
    statement="Shifted labels, which need the same structure under other names, keep the convolutional "
    "layers.",
    words="CKA to the pre-trained state: shifted minus random labels at the last convolutional layer, 95 % t "
    "interval over seeds above 0; and true minus shifted, convolutional layers averaged, within "
    f"±{endpoints.EQUAL} by the 90 % interval.",
    endpoint="CKA to the pre-trained state, shifted − random and true − shifted labels",
    margin=f"±{endpoints.EQUAL} (true − shifted)",
    decide=usable_structure_is_kept,
    runs=(Selection("targets", TARGETS[:3]),),
)
T3D_1 = _claim(
    id="T3d",
    source="ours",
    title="Random labels also change more during pre-training",
    statement="Training from the start on random labels takes the last convolutional layer further from its "
    "initial state than training on true labels does.",
    words="CKA of the last convolutional layer to the initial state, where both have the same training loss: "
    "true minus fully random labels, 95 % t interval over seeds above 0.",
    endpoint="CKA of the last conv layer to the initial state, true − random labels",
    decide=random_labels_change_more_from_the_start,
    runs=(Selection("noise", ("true labels", "random labels"), "pre-training: "),),
)
T3_1 = together(
    "T3",
    (T3A_1, T3B_1, T3C_1),
    title="Fine-tuning erases structure that the labels cannot use",
    statement="Fine-tuning erases pre-trained structure that the new labels cannot use.",
    figure="transfer-levels",
)
T4_1 = _claim(
    id="T4",
    source="run table",
    title="More training data, more change",
    statement="The more images a network is trained on, the further its layers get from their initial state.",
    words="Slope of 1 − CKA(initial state) over the logarithm of the number of training images, in every "
    "layer, at equal epochs and at equal steps: 95 % t intervals over seeds above 0.",
    endpoint="slope of 1 − CKA(initial state) over the logarithm of the number of images",
    decide=more_data_more_change,
    runs=(Selection("sizes", prefix="equal epochs: "), Selection("equal-steps", prefix="equal steps: ")),
)
