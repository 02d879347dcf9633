"""Claims of the supervised control: is the gradient of change over depth a property of learning?

The runs are those of the family *tasks*, by name; beside them adaptation in study 1.
"""

from __future__ import annotations

from dataclasses import replace

from ...claims.claim import Claim, Gate, Selection
from ...claims.conjunction import together
from .claims_former import M2_V1
from .rules import (
    LEARNED,
    ORDINARY,
    OTHER,
    not_steeper_in_maml,
    rises_with_depth,
    steeper_than_chance,
    untrained,
)  # fmt: skip

SEEDS = tuple(range(10, 20))
"""Fresh seeds: version 1 was judged on 0 to 9."""

GATE = Gate(
    f"Nothing is decided where a control that learns true labels recognises less than "
    f"{100 * LEARNED:.0f} % of its test images.",
    untrained,
)
AGREE = (
    "Change from the initial to the trained state; least-squares slope of its natural logarithm over the "
    "five layers; by RSA with correlation distances and by debiased CKA alike, else mixed (measure)."
)
LAPTOP = (("laptop",),)

M2A = Claim(
    id="M2a",
    study="control",
    source="abstract",
    title="Later layers change more in ordinary learning too",
    statement="In the ordinary supervised control, later layers change more than earlier ones.",
    words="In the ordinary supervised control, on digits and on characters, the slope of log change over "
    f"depth is above 0: 95 % t intervals over seeds above 0. {AGREE}",
    endpoint="slope of log change over depth, ordinary training",
    decide=rises_with_depth(ORDINARY),
    runs=(Selection(family="tasks", names=ORDINARY),),
    figure="control-slopes",
    gate=GATE,
    seeds=SEEDS,
    positive="Simulated change that rises with depth is supported.",
    negative="Simulated change that is equal in all layers is hardly ever supported, and falling change is "
    "contradicted. Random perturbations do have a slope above 0: this part alone says nothing of learning.",
    deciding=LAPTOP,
    beside=(),
)
M2B = Claim(
    id="M2b",
    study="control",
    source="ours",
    title="Its gradient is steeper than that of random changes of equal size",
    statement="Learning changes later layers more than random moves of the weights do that change the "
    "network as much.",
    words="Slope by training minus that by random perturbations, mean of 20 a seed: every layer is moved in "
    "a random direction by the same relative length, chosen for each perturbation so that its mean change "
    "over the layers, by the measure at hand, equals training's. On digits and on characters, paired 95 % t "
    f"intervals over seeds above 0. {AGREE}",
    endpoint="slope of log change over depth, training − matched random perturbations",
    decide=steeper_than_chance,
    runs=(Selection(family="tasks", names=ORDINARY),),
    figure="control-slopes",
    gate=GATE,
    seeds=SEEDS,
    positive="Simulated training with a steeper gradient than perturbations of the same mean change is "
    "supported.",
    negative="Simulated training that changes the layers as perturbations do is hardly ever supported, also "
    "where both rise steeply with depth: version 1 could not tell.",
    deciding=LAPTOP,
    beside=(),
)
M2C = Claim(
    id="M2c",
    study="control",
    source="abstract",
    title="MAML's gradient is not the steeper one",
    statement="On the same characters, the gradient of change by MAML's adaptation does not exceed that by "
    "ordinary training.",
    words="Slope by MAML's adaptation (before it and after the trained number of inner steps, at the end of "
    "meta-training, tasks averaged) minus that by ordinary training on the classes that it meta-trains on: "
    "95 % t interval below 0, over MAML's seeds, each beside a seed of the control's in their order. Equal "
    f"slopes are undecided. {AGREE}",
    endpoint="slope of log change over depth, adaptation in MAML − ordinary training",
    decide=not_steeper_in_maml,
    runs=(
        Selection(family="tasks", names=("characters",)),
        Selection(study="maml", names=("adaptation",), settings={"analysis": "similarity"}),
    ),
    figure="control-slopes",
    gate=GATE,
    seeds=SEEDS,
    positive="Simulated adaptation with a flatter gradient than training is supported.",
    negative="Simulated adaptation with a steeper gradient is contradicted; with an equal one it is hardly "
    "ever supported. The verdict is for this control only: a pilot's, trained faster on all 114 characters, "
    "had a flatter gradient than MAML, and this setting was chosen after that was seen.",
    deciding=LAPTOP,
    beside=(),
)
M2D = Claim(
    id="M2d",
    study="control",
    source="ours",
    title="On other tasks, too",
    statement="The same network has the gradient whatever it learns: digits, gratings, labels drawn at "
    "random.",
    words="Slope of log change over depth by training on digits, on gratings, and on digits whose labels are "
    f"drawn at random: 95 % t intervals over seeds above 0 on each. {AGREE}",
    endpoint="slope of log change over depth, training on other tasks",
    decide=rises_with_depth(OTHER),
    runs=(Selection(family="tasks", names=OTHER),),
    figure="control-slopes",
    gate=GATE,
    seeds=SEEDS,
    positive="Simulated change that rises with depth on every task is supported.",
    negative="One simulated task whose change falls with depth makes it mixed; one without a slope keeps it "
    "from being supported.",
    deciding=LAPTOP,
    beside=(),
)
M2 = replace(
    together(
        "M2",
        (M2A, M2B, M2C, M2D),
        title="A property of learning, not of MAML",
        statement="The gradient of change over depth is a property of learning, not of MAML.",
        figure="control-slopes",
        former=(M2_V1,),
    ),
    negative="It fails where one of them fails. It depends on the setting of M2c's control, see there.",
)

CLAIMS = (M2A, M2B, M2C, M2D, M2)
