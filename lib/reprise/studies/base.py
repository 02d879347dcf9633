"""What every study has in common: units with stable names, presets, and how they are computed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from ..places import UserError
from ..provenance import dumps
from .settings import StudyConfig

if TYPE_CHECKING:
    import xarray as xr

    from ..store import Store


@dataclass(frozen=True)
class Unit:
    """One seed of one condition: the smallest thing that is trained, stored and published.

    Attributes:
        config: The condition.
        seed: The seed.
    """

    config: StudyConfig
    seed: int

    @property
    def study(self) -> str:
        """Name of the study."""
        return self.config.study

    @property
    def id(self) -> str:
        """Name of the measurement: a hash of study, protocol, settings that are not defaults, and seed."""
        return self._hash(self.config.settings())

    @property
    def weights_id(self) -> str:
        """Name of the weights: as :attr:`id`, of the settings alone on which training depends."""
        return f"{self.study}-{self._hash(self.config.settings('training'))}"

    def _hash(self, settings: Mapping[str, Any]) -> str:
        name = {
            "study": self.study,
            "protocol": self.config.protocol,
            "settings": settings,
            "seed": self.seed,
        }
        return hashlib.sha256(dumps(name).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Preset:
    """A named set of values with what to expect of it.

    Attributes:
        values: Field → value, where it differs from the configuration's defaults.
        seeds: Seeds that are run unless others are asked for.
        about: What it is for, one sentence.
        expects: What it should give and on what it was measured.
    """

    values: Mapping[str, Any]
    seeds: tuple[int, ...]
    about: str
    expects: str = ""


@dataclass(frozen=True)
class Context:
    """Where and how a unit is computed; nothing of it enters a unit's name.

    Attributes:
        data: Data root.
        weights: Folder for weights and training checkpoints.
        device: Torch device string.
        progress: Show progress bars.
        chunk: Tasks, images or seeds to run at once where memory is short; None for the study's choice.
        store: Finished units, by which the time of a missing parent is estimated; None for no estimate.
    """

    data: Path
    weights: Path
    device: str = "cpu"
    progress: bool = True
    chunk: int | None = None
    store: Store | None = None


@dataclass(frozen=True)
class Study:
    """A study as the command line, the store and the book see it.

    Attributes:
        name: Name, also of its chapter and its folder of results.
        title: Title for people.
        config: Its configuration class.
        presets: Its presets by name.
        compute: Trains and measures one unit.
        work: Cost of a unit in units of its own, proportional to time on one machine.
        datasets: Names of the data sets that a configuration needs.
        endpoints: Named quantities by which two runs are compared, one value a unit each.
        chapter: Its notebook below the checkout; ``chapters/<name>/<name>.ipynb`` if empty.
        families: Groups of conditions by name: each makes named conditions from one, such as a preset's.
        unshown: Why the chapter cannot show a condition, in words; empty if it can.
        together: Trains weights of several units of one condition in one program, for a GPU; ``compute`` then
            finds them. None if the study trains them one by one.
    """

    name: str
    title: str
    config: type[StudyConfig]
    presets: Mapping[str, Preset]
    compute: ComputeUnit
    work: Callable[[Any], float]
    datasets: Callable[[Any], list[str]]
    endpoints: Callable[[xr.Dataset], xr.Dataset]
    chapter: str = ""
    families: Mapping[str, Callable[[Any], Mapping[str, StudyConfig]]] = field(default_factory=dict)
    unshown: Callable[[Any], str] = lambda _: ""
    together: Callable[[Sequence[Unit], Context], None] | None = None

    @property
    def notebook(self) -> str:
        """Path of the study's chapter below the checkout, with slashes."""
        return self.chapter or f"chapters/{self.name}/{self.name}.ipynb"

    def configure(self, preset: str, overrides: Mapping[str, Any]) -> StudyConfig:
        """A preset with some values replaced.

        Args:
            preset: Name of a preset.
            overrides: Field → value; None means *from the preset*.

        Raises:
            UserError: Unknown preset or parameter, wrong type, or a value that is not allowed.
        """
        given = {name: value for name, value in overrides.items() if value is not None}
        return self.config.parse({**self.preset(preset).values, **given})

    def family(self, name: str, base: StudyConfig) -> Mapping[str, StudyConfig]:
        """Conditions of a family.

        Args:
            name: Name of a family, or ``"all"``.
            base: The condition that they are made from.

        Returns:
            Name → condition, in the order in which they are best run.

        Raises:
            UserError: There is none of that name; the message lists those that exist.
        """
        if name == "all":
            groups = ((key, make(base)) for key, make in self.families.items())
            return {f"{key}: {title}": one for key, group in groups for title, one in group.items()}
        if name not in self.families:
            known = ", ".join([*self.families, "all"]) if self.families else "none"
            raise UserError(f"unknown family {name!r}; study {self.name} has: {known}")
        return self.families[name](base)

    def preset(self, name: str) -> Preset:
        """Look a preset up.

        Raises:
            UserError: There is none of that name; the message lists those that exist.
        """
        if name not in self.presets:
            raise UserError(f"unknown preset {name!r}; study {self.name} has: {', '.join(self.presets)}")
        return self.presets[name]


class ComputeUnit(Protocol):
    """Trains and measures one unit."""

    def __call__(self, unit: Unit, context: Context) -> xr.Dataset:
        """Returns the unit's measurement, complete with coordinates and provenance."""
        ...
