"""Claims of study 2, with their rules in words; the rules themselves are in ``transfer.py``."""

from ...claims.claim import Claim
from . import endpoints

TARGETS = ("true labels", "shifted labels", "random labels", "other domain")
"""Fine-tunings that the claims are about."""

T1 = Claim(
    id="T1",
    study="transfer",
    source="abstract",
    title="Fine-tuning changes the head most",
    statement="Even with every weight free, fine-tuning changes the head most.",
    rule="CKA to the pre-trained state, the least similar convolutional layer minus the logits, after "
    "fine-tuning on each target (true, shifted and random labels of the source's domain, and "
    "another domain): above 0 by t intervals over seeds, corrected after Holm over targets. A "
    "target counts only if linear and debiased CKA agree.",
    version=1,
    endpoint="CKA to the pre-trained state, least similar conv layer − logits",
    measure=endpoints.PRIMARY,
)
T2 = Claim(
    id="T2",
    study="transfer",
    source="question",
    title="Change in early layers is beneficial, above all across domains",
    statement="Letting early layers move improves accuracy, and more so on another domain than on the "
    "source's.",
    rule="Test accuracy in log-odds, all layers free minus the first two blocks frozen, at each number"
    " of fine-tuning images: above 0 on both domains (Holm over all), and the difference between "
    "the other domain and the source's above 0 (Holm over numbers of images), by t intervals over"
    " seeds.",
    version=1,
    endpoint="test accuracy in log-odds, all free − first two blocks frozen; across domains − within",
    measure="test accuracy, log-odds",
)
T3A = Claim(
    id="T3a",
    study="transfer",
    source="abstract",
    title="Labels without use change the last conv layer more",
    statement="Fine-tuning on random labels keeps less of the pre-trained structure than on true labels.",
    rule="CKA of the last convolutional layer to the pre-trained state, where both have the same "
    "training loss (the larger of their last ones): true minus random labels of the source's "
    "domain, 95 % t interval over seeds above 0.",
    version=1,
    endpoint="CKA of the last conv layer to the pre-trained state, true − random labels",
    measure=endpoints.PRIMARY,
)
T3B = Claim(
    id="T3b",
    study="transfer",
    source="abstract",
    title="Nothing is left that a fresh network would not have",
    statement="After fine-tuning on random labels, as much is left of the pre-trained structure as a fresh "
    "network trained on the same labels has of it.",
    rule="CKA of the last convolutional layer to the pre-trained state, at equal training loss: fine-"
    f"tuned network minus fresh network, both on the same random labels, within ±{endpoints.EQUAL} by the "
    "90 % t interval over seeds.",
    version=1,
    endpoint="CKA of the last conv layer to the pre-trained state, fine-tuned − fresh",
    margin=f"±{endpoints.EQUAL}",
    measure=endpoints.PRIMARY,
)
T3C = Claim(
    id="T3c",
    study="transfer",
    source="ours",
    title="What can be used is kept, whatever it is called",
    statement="Shifted labels, which need the same structure under other names, keep the convolutional "
    "layers.",
    rule="CKA to the pre-trained state: shifted minus random labels at the last convolutional layer, "
    "95 % t interval over seeds above 0; and true minus shifted, convolutional layers averaged, "
    f"within ±{endpoints.EQUAL} by the 90 % interval.",
    version=1,
    endpoint="CKA to the pre-trained state, shifted − random and true − shifted labels",
    margin=f"±{endpoints.EQUAL} (true − shifted)",
    measure=endpoints.PRIMARY,
)
T3D = Claim(
    id="T3d",
    study="transfer",
    source="ours",
    title="Random labels also change more during pre-training",
    statement="Training from the start on random labels takes the last convolutional layer further from its"
    " initial state than training on true labels does.",
    rule="CKA of the last convolutional layer to the initial state, where both have the same training "
    "loss: true minus fully random labels, 95 % t interval over seeds above 0.",
    version=1,
    endpoint="CKA of the last conv layer to the initial state, true − random labels",
    measure=endpoints.PRIMARY,
)
T3 = Claim(
    id="T3",
    study="transfer",
    source="abstract",
    title="Fine-tuning erases structure that the labels cannot use",
    statement="Fine-tuning erases pre-trained structure that the new labels cannot use.",
    rule="T3a, T3b and T3c together.",
    version=1,
    endpoint="T3a, T3b and T3c",
    measure=endpoints.PRIMARY,
)
T4 = Claim(
    id="T4",
    study="transfer",
    source="run table",
    title="More training data, more change",
    statement="The more images a network is trained on, the further its layers get from their initial state.",
    rule="Slope of 1 − CKA(initial state) over the logarithm of the number of training images, in "
    "every layer, at equal epochs and at equal steps: 95 % t intervals over seeds above 0.",
    version=1,
    endpoint="slope of 1 − CKA(initial state) over the logarithm of the number of images",
    measure=endpoints.PRIMARY,
)
