"""Power and false positives of the rules of study 2, at the rates that they state.

Results are simulated with one deviation a seed. Where there is no effect, 2.5 % of 95 % intervals lie wholly
on either side, and 5 % of 90 % intervals at a margin; of a family under Holm, any is wrong in 5 %. Counts
must stay within what 99.9 % of simulations of this length give. (Study 1: ``test_claims.py`` and
``test_control_claims.py``; study 3: ``test_segmentation_claims.py``.)
"""

import json

import numpy as np
import pytest
import xarray as xr
from scipy import stats

from reprise.claims import judge
from reprise.studies.transfer.rules_freezing import CONTRASTS
from reprise.studies.transfer.states import MEASURES, REFERENCES

POOLS = ["pool1", "pool2", "pool3", "pool4", "logits"]


def transfer(rng, kept, accuracy=0.6, images=1024, noise=0.02, seeds=5):
    """Units of study 2 that keep a chosen similarity of each layer, to every reference, by every measure."""
    own = np.asarray(kept) + rng.normal(0, noise, (seeds, len(POOLS)))
    curve = np.stack([np.ones_like(own), own], -1)[:, None, None]
    hits = accuracy + rng.normal(0, noise / 4, (seeds, 1))
    dims = ("seed", "reference", "measure", "layer", "epoch")
    return xr.Dataset(
        {
            "similarity": (dims, np.tile(curve, (1, len(REFERENCES), len(MEASURES), 1, 1))),
            "test_accuracy": (("seed", "epoch"), np.tile(hits, 2)),
            "tested": ("seed", np.full(seeds, 5000)),
            "train_loss": (("seed", "epoch"), np.tile([2.3, 0.1], (seeds, 1))),
        },
        coords={
            "seed": ("seed", np.arange(seeds)),
            "reference": list(REFERENCES),
            "measure": list(MEASURES),
            "layer": POOLS,
            "images": images,
        },
        attrs={"config": json.dumps({"dataset": "simulated"}), "preset": "none"},
    )


def pools(last, logits=0.3):
    return [0.99, 0.95, 0.9, last, logits]


def targets(last, logits):
    """T1: how similar the last conv layer and the logits stay, on every target."""
    names = ("true labels", "shifted labels", "random labels", "other domain")
    return lambda rng: {name: transfer(rng, pools(last, logits)) for name in names}


def degrees(*logits):
    """T1b: how similar the logits stay at each degree of label noise; the last conv layer keeps 0.6."""
    return lambda rng: {
        f"true labels, degree {d}": transfer(rng, pools(0.6, kept))
        for d, kept in zip((0, 1, 2, 4, 9), logits, strict=True)
    }


def freezing(within, across):
    """T2: accuracy gained by letting all layers move, on both domains, whatever was frozen."""
    gains = {"true labels": within, "other domain": across}

    def make(rng):
        runs = {}
        for domain, gain in gains.items():
            for setting in (f"{domain}, {n} images" for n in (500, 5000)):
                runs[f"{setting}, all"] = transfer(rng, pools(0.8), 0.6 + gain)
                runs |= {name.format(setting): transfer(rng, pools(0.8), 0.6) for name in CONTRASTS.values()}
        return runs

    return make


def labels(true=0.6, shifted=0.6, random=0.3, fresh=0.3, noise=0.02):
    """T3: how similar the last conv layer stays on each kind of labels, and becomes in fresh networks."""
    levels = {"true labels": true, "shifted labels": shifted, "random labels": random}
    levels |= {f"fresh: {name}": fresh for name in levels}
    levels |= {"pre-training: true labels": true, "pre-training: random labels": random}
    return lambda rng: {name: transfer(rng, pools(level), noise=noise) for name, level in levels.items()}


def amounts(slope):
    """T4: similarity to the start lost by each fourfold number of images, in every layer and both designs."""
    return lambda rng: {
        f"{design}: {n} images": transfer(rng, np.full(5, 0.9) - slope * i, images=n)
        for design in ("equal epochs", "equal steps")
        for i, n in enumerate((64, 256, 1024))
    }


def found(claim, make, runs=40):
    rng = np.random.default_rng(5)
    statuses = [judge(claim, make(rng)).status for _ in range(runs)]
    return {status: statuses.count(status) / runs for status in set(statuses)}


def most(level, runs):
    """Largest share of runs that 99.9 % of simulations with this chance stay within."""
    return stats.binom.ppf(0.999, runs, level) / runs


EFFECTS = [
    ("T1", targets(0.8, 0.3), targets(0.3, 0.8)),
    ("T1b", degrees(0.95, 0.75, 0.55, 0.35, 0.1), degrees(0.1, 0.35, 0.55, 0.75, 0.95)),
    ("T2", freezing(0.05, 0.2), freezing(-0.05, -0.2)),
    ("T3a", labels(), labels(true=0.3, random=0.6)),
    ("T3b", labels(noise=0.01), labels(true=0.3, random=0.6, noise=0.01)),
    ("T3c", labels(noise=0.01), labels(true=0.9, shifted=0.3)),
    ("T3d", labels(), labels(true=0.3, random=0.6)),
    ("T3", labels(noise=0.01), labels(true=0.3, shifted=0.9, random=0.6)),
    ("T4", amounts(0.1), amounts(-0.03)),
]


@pytest.mark.parametrize(("claim", "effect", "opposite"), EFFECTS, ids=[claim for claim, *_ in EFFECTS])
def test_an_effect_is_found_and_its_opposite_contradicted(claim, effect, opposite):
    assert found(claim, effect, 10).get("supported", 0) >= 0.8
    assert found(claim, opposite, 10).get("contradicted", 0) >= 0.8


# Claim, results without an effect (or just at the margin), and the chance of each wrong verdict.
NOTHING = [
    ("T1", targets(0.5, 0.5), {"supported": 0.025, "contradicted": 0.05}),
    ("T1b", degrees(*[0.6] * 5), {"supported": 0.025, "contradicted": 0.1}),
    ("T2", freezing(0.0, 0.0), {"supported": 0.025, "contradicted": 0.15, "mixed": 0.05}),
    ("T3a", labels(true=0.3), {"supported": 0.025, "contradicted": 0.025}),
    # At the margin of random labels, and at that of the control.
    ("T3b", labels(random=0.35), {"supported": 0.05, "mixed": 0.05}),
    ("T3b", labels(true=0.35, noise=0.01), {"supported": 0.025, "mixed": 0.025}),
    ("T3c", labels(shifted=0.25, true=0.3, noise=0.01), {"supported": 0.05, "mixed": 0.05}),
    ("T3d", labels(true=0.3), {"supported": 0.025, "contradicted": 0.025}),
    ("T3", labels(true=0.3, shifted=0.3), {"supported": 0.025}),
    ("T4", amounts(0.0), {"supported": 0.025, "contradicted": 0.25}),
]


def too_often(claim, nothing, chances, runs):
    """Wrong verdicts that come more often than their chance allows, with their shares."""
    shares = found(claim, nothing, runs)
    over = {status for status, chance in chances.items() if not shares.get(status, 0) <= most(chance, runs)}
    return {status: shares[status] for status in over}


@pytest.mark.parametrize(("claim", "nothing", "chances"), NOTHING, ids=[claim for claim, *_ in NOTHING])
def test_without_an_effect_wrong_verdicts_are_rare(claim, nothing, chances):
    assert too_often(claim, nothing, chances, 20) == {}


@pytest.mark.slow
@pytest.mark.parametrize(("claim", "nothing", "chances"), NOTHING, ids=[claim for claim, *_ in NOTHING])
def test_without_an_effect_wrong_verdicts_are_as_rare_as_stated(claim, nothing, chances):
    assert too_often(claim, nothing, chances, 400) == {}


def test_every_rule_has_its_rates_tested():
    from reprise.claims import claims

    elsewhere = {claim.id for study in ("maml", "control", "segmentation") for claim in claims(study)}
    tested = {claim for claim, *_ in EFFECTS} & {claim for claim, *_ in NOTHING}
    assert tested | elsewhere == {claim.id for claim in claims()}
