"""The control of study 1: the same network, trained in the ordinary supervised way."""

from ...engine.study import Study
from .config import BESIDE, PRESETS, ControlConfig
from .families import FAMILIES

__all__ = ["BESIDE", "PRESETS", "STUDY", "ControlConfig"]


class Control(Study[ControlConfig]):
    """Change over depth in ordinary training, beside changes of equal size that are not learning."""

    name = "control"
    title = "The same network, trained in the ordinary way"
    paper = "goerttler2021"
    order = 2
    config = ControlConfig
    presets = PRESETS
    families = FAMILIES
    # On two data sets together.
    deciding = (("as_described", "omniglot-classes"), ("laptop", "omniglot-classes"))
    beside = (("as_described",), ("laptop",), ("omniglot-classes",))
    chapter = "chapters/maml/control.ipynb"

    def work(self, config: ControlConfig) -> float:
        """Images passed forward, a backward pass counted as two; Grams of the probe weigh as much again."""
        looks = len(config.probed) + 2 * config.draws
        measuring = 2 * looks * config.probe_images + len(config.probed) * config.test_images
        return (3 * config.steps * config.batch + measuring) * (config.filters / 64) ** 2

    def datasets(self, config: ControlConfig) -> list[str]:
        """The one set learned from."""
        return [config.dataset]


STUDY = Control()
