"""What every study has in common: presets, how its units are computed, and what they come to."""

from __future__ import annotations

import functools
import importlib
import importlib.util
import pkgutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, ClassVar, Generic

from ..places import UserError
from .config import StudyConfig
from .preset import Preset
from .unit import C, Unit

if TYPE_CHECKING:
    import xarray as xr

    from .store import Store


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


class Study(Generic[C]):
    """A study as the command line, the store and the book see it: a folder below ``reprise/studies``.

    A study is a subclass with an instance ``STUDY`` in the folder's ``__init__``. What takes long to import
    stands in modules of the folder, which are imported when they are needed: ``compute`` with ``compute(unit,
    context)``, ``endpoints`` with ``changes(run)`` and ``endpoints(run)``, and ``claims`` with ``CLAIMS``.

    Attributes:
        name: Name, also of its folder, its chapter and its folder of results.
        title: Title for people.
        learned_again: What its networks learn again, as the landing page calls it.
        paper: Key of its paper in the bibliography.
        order: Its place in the book.
        config: Its configuration class.
        presets: Its presets by name.
        families: Groups of conditions by name: each makes named conditions from one, such as a preset's.
        deciding: Presets by which its claims are decided, the first that has enough seeds; several that are
            judged together are one entry.
        beside: Presets on which its claims are judged too.
        chapter: Its notebook below the checkout; ``chapters/<name>/<name>.ipynb`` if empty.
        together: Trains weights of several units of one condition in one program, for a GPU; ``compute`` then
            finds them. None if the study trains them one by one.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    learned_again: ClassVar[str] = ""
    paper: ClassVar[str]
    order: ClassVar[int]
    config: type[C]
    presets: ClassVar[Mapping[str, Preset]]
    families: ClassVar[Mapping[str, Callable[[Any], Mapping[str, StudyConfig]]]] = {}
    deciding: ClassVar[tuple[tuple[str, ...], ...]] = ()
    beside: ClassVar[tuple[tuple[str, ...], ...]] = ()
    chapter: ClassVar[str] = ""
    together: Callable[[Sequence[Unit[C]], Context], None] | None = None

    def work(self, config: C) -> float:
        """Cost of a unit in units of the study's own, proportional to time on one machine."""
        raise NotImplementedError

    def datasets(self, config: C) -> list[str]:
        """Names of the data sets that a condition needs."""
        raise NotImplementedError

    def landing(self, config: C) -> Mapping[str, C]:
        """What the landing page's picture shows: words → condition, made from a preset's; none if empty."""
        return {}

    def landing_nulls(self, config: C) -> Mapping[str, C]:
        """Nulls of single lines of that picture: the same words → condition that shares no history.

        Its similarity to the same reference is drawn beside the line: what learning the same alone gives.
        """
        return {}

    def unshown(self, config: C) -> str:
        """Why the chapter cannot show a condition, in words; empty if it can."""
        return ""

    def compute(self, unit: Unit[C], context: Context) -> xr.Dataset:
        """Train and measure one unit: its dataset, complete with coordinates and provenance."""
        return self.part("compute").compute(unit, context)

    def changes(self, run: xr.Dataset) -> xr.DataArray:
        """Change of every layer, (reference, seed, measure, layer, at): see :mod:`reprise.engine.changes`."""
        return self.part("endpoints").changes(run)

    def endpoints(self, run: xr.Dataset) -> xr.Dataset:
        """Named quantities by which two runs are compared, one value a unit each."""
        return self.part("endpoints").endpoints(run)

    def family_seeds(self, family: str, seeds: tuple[int, ...]) -> tuple[int, ...]:
        """Seeds that a family takes, given those of the preset."""
        return seeds

    @property
    def claims(self) -> tuple[Any, ...]:
        """Its claims (:class:`reprise.claims.Claim`), each behind its parts; none without such a module."""
        there = importlib.util.find_spec(".claims", type(self).__module__)
        return self.part("claims").CLAIMS if there else ()

    def part(self, name: str) -> ModuleType:
        """A module of the study's folder, imported when it is asked for."""
        return importlib.import_module(f".{name}", type(self).__module__)

    @property
    def notebook(self) -> str:
        """Path of the study's chapter below the checkout, with slashes."""
        return self.chapter or f"chapters/{self.name}/{self.name}.ipynb"

    def configure(self, preset: str, overrides: Mapping[str, Any]) -> C:
        """A preset with some values replaced.

        Args:
            preset: Name of a preset.
            overrides: Field → value; None means *from the preset*.

        Raises:
            UserError: Unknown preset or parameter, wrong type, or a value that is not allowed.
        """
        given = {name: value for name, value in overrides.items() if value is not None}
        return self.config.parse({**self.preset(preset).values, **given})

    def family(self, name: str, base: C) -> Mapping[str, StudyConfig]:
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


_FOLDER = "reprise.studies"


@functools.cache
def studies() -> tuple[str, ...]:
    """Names of the studies, in the order of the book: the folders of ``reprise/studies`` with a ``STUDY``."""
    # By name: the engine knows no study, and the layers below it must not either.
    folder = importlib.import_module(_FOLDER)
    modules = (importlib.import_module(f"{_FOLDER}.{m.name}") for m in pkgutil.iter_modules(folder.__path__))
    there = [module.STUDY for module in modules if hasattr(module, "STUDY")]
    return tuple(study.name for study in sorted(there, key=lambda study: study.order))


def study(name: str) -> Study[Any]:
    """Look a study up.

    Args:
        name: Its name.

    Raises:
        UserError: There is none of that name; the message lists those that exist.
    """
    if name not in studies():
        raise UserError(f"unknown study {name!r}; there are: {', '.join(studies())}")
    return importlib.import_module(f"{_FOLDER}.{name}").STUDY
