"""Study 1: what happens to representations in model-agnostic meta-learning."""

from ...engine.study import Study
from .config import MamlConfig
from .families import FAMILIES
from .presets import PRESETS

__all__ = ["PRESETS", "STUDY", "MamlConfig"]


class Maml(Study[MamlConfig]):
    """Representations before, during and after adaptation, over meta-training."""

    name = "maml"
    title = "Representations in model-agnostic meta-learning"
    learned_again = "Adapting to a task after meta-training"
    paper = "goerttler2021"
    order = 1
    config = MamlConfig
    presets = PRESETS
    families = FAMILIES
    deciding = (("as_described",), ("laptop",))
    beside = (("as_released",), ("mini_imagenet",))

    def work(self, config: MamlConfig) -> float:
        """Images passed forward, a backward pass counted as two and a second-order one as four."""
        tasks = config.ways * (config.shots * (1 + 6 * config.inner_steps) + 3 * config.queries)
        training = config.iterations * config.meta_batch * tasks
        probe = config.stimuli * len(config.kept_steps)
        steps = max(config.analysis_steps, config.inner_steps)
        adapting = steps * config.ways * (3 * config.shots + config.analysis_queries)
        measuring = len(config.checkpoints) * config.analysis_tasks * (adapting + probe)
        return (training + measuring) * (config.filters / 64) ** 2

    def datasets(self, config: MamlConfig) -> list[str]:
        """The set learned from, and the one of the external check where that is what is measured."""
        external = ["omniglot-one-shot-runs"] if config.analysis == "within-alphabet" else []
        return [config.dataset, *external]

    def unshown(self, config: MamlConfig) -> str:
        """Pages of their own show what is not similarity, for the conditions that are published."""
        return "" if config.analysis == "similarity" else f"the chapter shows no analysis={config.analysis}"

    def landing(self, config: MamlConfig) -> dict[str, MamlConfig]:
        """The preset itself."""
        return {"adapted to one task": config}


STUDY = Maml()
