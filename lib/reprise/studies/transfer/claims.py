"""Claims of study 2; what they rest on stands in :mod:`reprise.studies.transfer.rules`."""

from __future__ import annotations

from functools import partial

from ...claims.claim import Claim, Selection
from ...claims.conjunction import together
from . import claims_former as former
from . import endpoints, rules
from .presets import DEGREES
from .rules import TARGETS
from .rules_freezing import early_change_is_beneficial

_claim = partial(
    Claim, study="transfer", source="abstract", measure=endpoints.PRIMARY, figure="transfer-excess"
)
_LABELS = ("true labels", "random labels")
_BOTH = "Linear and debiased CKA must agree, else it is mixed, and the verdict says which says what."
_EXCESS = (
    "Excess = CKA to the pre-trained state of the fine-tuned network minus that of a fresh network trained "
    "on the same labels, all of them read where they have the same training loss."
)
_FRESH = (Selection("fresh", _LABELS, "fresh: "),)

T1 = _claim(
    id="T1",
    title="Fine-tuning changes the head most",
    statement="Even with every weight free, fine-tuning changes the head most.",
    words="CKA to the pre-trained state, the least similar convolutional layer minus the logits, after "
    "fine-tuning on each target (true, shifted and random labels of the source's domain, and another "
    "domain): above 0 by t intervals over seeds, corrected after Holm over targets. A target counts only if "
    "linear and debiased CKA agree.",
    endpoint="CKA to the pre-trained state, least similar conv layer − logits",
    decide=rules.head_changes_most,
    runs=(Selection("targets"),),
    figure="transfer-layers",
    positive="Random labels and another domain, where the old head is of little use: supported on the "
    "published units. Simulated units whose logits change most.",
    negative="True labels, which the old head serves already: contradicted. Simulated units whose last "
    "convolutional layer changes most.",
)
T1B = _claim(
    id="T1b",
    source="ours",
    title="Label noise turns it round",
    statement="On the source's own labels the last convolutional layer changes most; the noisier the labels, "
    "the more it is the head.",
    words="CKA to the pre-trained state, the least similar convolutional layer minus the logits, after "
    "fine-tuning on the source's domain with labels of degree 0, 1, 2, 4 and 9: below 0 at degree 0, above 0 "
    f"at degree 9, and larger at each degree than at the one before (Holm over steps). {_BOTH}",
    endpoint="CKA to the pre-trained state, least similar conv layer − logits, by degree of label noise",
    decide=rules.noise_turns_it_round,
    runs=(Selection("target-degrees", tuple(f"true labels, degree {d}" for d in DEGREES)),),
    figure="transfer-layers",
    positive="Simulated units whose logits keep less with every degree.",
    negative="Simulated units that keep the same at every degree, or whose logits keep more with noise.",
)
T2 = _claim(
    id="T2",
    source="question",
    title="Change in early layers is beneficial, above all across domains",
    statement="Letting early layers move improves accuracy, and more so on another domain than on the "
    "source's.",
    words="Test accuracy in log-odds, all layers free minus each of: the first two blocks frozen with their "
    "batch-norm statistics; their weights alone frozen, statistics free; all but the head frozen. At each "
    "number of fine-tuning images that was run: above 0 on both domains (Holm over all of a contrast), and "
    "the difference between the other domain and the source's above 0 (Holm over numbers of images), by t "
    "intervals over seeds.",
    endpoint="test accuracy in log-odds, all free − part frozen; across domains − within",
    measure="test accuracy, log-odds",
    decide=early_change_is_beneficial,
    runs=(
        Selection("freezing", ("*, all", "*, after-2", "*, head")),
        Selection("statistics", prefix="weights alone: "),
    ),
    figure="transfer-freezing",
    positive="Simulated units in which all three contrasts gain, and more across domains.",
    negative="Simulated units in which freedom costs, in which it gains more within the domain, or in which "
    "it gains over frozen statistics alone and not over frozen weights.",
    version=2,
    former=(former.T2_1,),
)
T3A = _claim(
    id="T3a",
    title="Random labels keep less than true ones",
    statement="Of what only the past explains, fine-tuning on random labels keeps less than on true labels.",
    words=f"{_EXCESS} Last convolutional layer, true minus random labels of the source's domain: 95 % t "
    f"interval over seeds above 0. {_BOTH}",
    endpoint="excess CKA of the last conv layer, true − random labels",
    decide=rules.random_labels_keep_less,
    runs=(Selection("targets", _LABELS), *_FRESH),
    positive="Simulated units whose true labels keep more than a fresh network learns and random ones not.",
    negative="Simulated units that are as similar under true labels as a fresh network comes to be: version "
    "1 supported these. Simulated units that keep more under random labels.",
    version=2,
    former=(former.T3A_1,),
)
T3B = _claim(
    id="T3b",
    title="Under random labels nothing is left that a fresh network would not have",
    statement="After fine-tuning on random labels, as much is left of the pre-trained structure as a fresh "
    "network trained on the same labels has of it; after true labels, more.",
    words=f"{_EXCESS} Last convolutional layer: random labels within ±{endpoints.EQUAL} by the 90 % t "
    f"interval over seeds; and, so that the criterion is specific, true labels above {endpoints.EQUAL} by "
    f"the 95 % t interval. {_BOTH}",
    endpoint="excess CKA of the last conv layer, random labels; true labels as the control",
    margin=f"±{endpoints.EQUAL}",
    decide=rules.nothing_is_left,
    runs=(Selection("targets", _LABELS), *_FRESH),
    positive="Simulated units with an excess under true labels and none under random ones.",
    negative="True labels, which must be outside of the margin: part of the rule. Simulated units without "
    "any excess, which version 1 supported, and with as much under random labels.",
    version=2,
    former=(former.T3B_1,),
)
T3C = _claim(
    id="T3c",
    source="ours",
    title="What can be used is kept, whatever it is called",
    statement="Shifted labels, which need the same structure under other names, keep as much of it as true "
    "labels do.",
    words=f"{_EXCESS} Shifted minus true labels, at the last convolutional layer and averaged over the "
    f"convolutional layers: both within ±{endpoints.EQUAL} by the 90 % t interval over seeds. {_BOTH}",
    endpoint="excess CKA, shifted − true labels, last conv layer and mean of conv layers",
    margin=f"±{endpoints.EQUAL}",
    decide=rules.usable_structure_is_kept,
    runs=(Selection("targets", TARGETS[:2]), Selection("fresh", TARGETS[:2], "fresh: ")),
    positive="Simulated units whose shifted labels keep what true ones keep.",
    negative="Simulated units whose shifted labels keep no more than a fresh network has.",
    version=2,
    former=(former.T3C_1,),
)
T3D = _claim(
    id="T3d",
    source="ours",
    title="At 4096 images random labels also change more during pre-training",
    statement="On 4096 images, training from the start on random labels takes the last convolutional layer "
    "further from its initial state than training on true labels does.",
    words="CKA of the last convolutional layer to the initial state, where both have the same training loss: "
    "true minus fully random labels, 95 % t interval over seeds above 0. It is a statement about the number "
    "of images that was trained on, which the verdict names.",
    endpoint="CKA of the last conv layer to the initial state, true − random labels",
    decide=rules.random_labels_change_more_at_this_size,
    runs=(Selection("noise", ("true labels", "random labels"), "pre-training: "),),
    figure="transfer-levels",
    positive="Simulated units whose random labels change the last convolutional layer more.",
    negative="The same with true and random labels exchanged: contradicted.",
    version=2,
    former=(former.T3D_1,),
)
T3 = together(
    "T3",
    (T3A, T3B, T3C),
    title="Fine-tuning erases structure that the labels cannot use",
    statement="Fine-tuning erases pre-trained structure that the new labels cannot use.",
    figure="transfer-excess",
    former=(former.T3_1,),
)
T4 = _claim(
    id="T4",
    source="run table",
    title="More training data, more change",
    statement="The more images a network is trained on, the further its layers get from their initial state.",
    words="Slope of 1 − CKA(initial state) over the logarithm of the number of training images, in every "
    "layer, at equal epochs and at equal steps: 95 % t intervals over seeds above 0. The verdict names the "
    "numbers of images at which a layer is no more similar to its own initial state than to fresh random "
    "networks: there change has reached its end.",
    endpoint="slope of 1 − CKA(initial state) over the logarithm of the number of images",
    decide=rules.more_data_more_change_and_its_end,
    runs=(Selection("sizes", prefix="equal epochs: "), Selection("equal-steps", prefix="equal steps: ")),
    positive="Simulated units that change more with every larger number of images, in both designs.",
    negative="The same with change that falls in one design (mixed), and with one design alone (undecided).",
    version=2,
    former=(former.T4_1,),
)

CLAIMS = (T1, T1B, T2, T3A, T3B, T3C, T3D, T3, T4)
