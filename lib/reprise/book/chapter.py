"""What a chapter's cells call: open a run, show figures and verdicts, say where the numbers come from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..claims import judge
from ..engine import labels as spelling
from ..engine import runner
from ..engine.config import StudyConfig
from ..engine.provenance import summary
from ..engine.store import Store
from ..engine.study import Study
from ..engine.study import study as look_up
from ..engine.words import parse_seeds, spell_seeds
from ..places import Places
from .display import show
from .parameters import given
from .records import family_provenance, joint_provenance, of_seed, units_shown
from .verdicts import verdict_list

if TYPE_CHECKING:
    import xarray as xr

    from ..plots import Plate


@dataclass(frozen=True)
class Chapter:
    """One run of one study, as a chapter shows it.

    Attributes:
        study: The study.
        config: The condition.
        seeds: Its seeds.
        preset: Preset that it came from.
        places: Where data, results and runs lie.
        run: Its units along ``seed``.
    """

    study: Study
    config: StudyConfig
    seeds: tuple[int, ...]
    preset: str
    places: Places
    run: xr.Dataset

    @classmethod
    def open(cls, name: str, variables: Mapping[str, Any], *own: str) -> Chapter:
        """Open the run that a notebook's parameters ask for, as its first cell does.

        Args:
            name: Name of the study.
            variables: The notebook's ``globals()``: ``preset``, ``compute``, ``seeds``, and any setting of
                the study by its name, whether the notebook declares it or papermill injects it; None means
                *from the preset*.
            own: Parameters of the notebook that are no settings, such as the measure that it shows.

        Raises:
            UserError: A parameter does not exist, with the nearest that does; or the request cannot be met.
        """
        import xarray as xr

        xr.set_options(display_expand_attrs=False)  # a run carries the records of all its units
        fields = look_up(name).config.model_fields
        values = given(variables, ("preset", "compute", "seeds", *own, *fields), f"study {name}")
        preset, compute = values.get("preset", "laptop"), values.get("compute", "missing")
        settings = {field: values[field] for field in fields if field in values}
        return cls.load(name, Places.from_environment(), preset, compute, values.get("seeds"), **settings)

    @classmethod
    def load(
        cls, name: str, places: Places, preset: str, compute: str, seeds: Any = None, **overrides: Any
    ) -> Chapter:
        """Gather the units of a condition; train those that are missing if allowed.

        Args:
            name: Name of the study.
            places: Where data, results and runs lie.
            preset: Name of a preset.
            compute: ``"missing"`` or ``"never"``.
            seeds: As people write them, such as ``"0..4"``; the preset's if None.
            overrides: Settings; None means *from the preset*.

        Raises:
            UserError: The request cannot be met; the message says why.
        """
        study = look_up(name)
        config = study.configure(preset, overrides)
        numbers = parse_seeds(seeds) or study.preset(preset).seeds
        run = runner.run(study, config, numbers, places, compute, preset)  # type: ignore[arg-type]
        label = spelling.label(study, config, preset)
        return cls(study, config, numbers, preset, places, run.assign_attrs(preset=label))

    @property
    def command(self) -> str:
        """The command line that computes this run."""
        return spelling.command(self.study, self.config, self.seeds, self.preset)

    def unit(self, seed: int | None = None) -> xr.Dataset:
        """One unit with all that it keeps, such as Grams; the first one if no seed is named.

        Raises:
            ValueError: The seed is not among those of the run.
        """
        seed = self.seeds[0] if seed is None else seed
        if seed not in self.seeds:
            raise ValueError(f"seed {seed} is not in this run; it has {spell_seeds(self.seeds)}")
        unit = Store(self.places.published, self.places.local).load(runner.units(self.config, [seed])[0])
        assert unit is not None  # opening the chapter has seen to that
        return unit

    def kept(self) -> xr.Dataset | None:
        """The first unit that keeps Gram matrices; None, and a sentence on the page, if none does."""
        units = (self.unit(seed) for seed in self.seeds)
        unit = next((unit for unit in units if "gram" in unit), None)
        if unit is None:
            self.say("None of these seeds keeps Gram matrices: run one of `explorer_seeds` too.")
        return unit

    def provenance(self, seed: int | None = None) -> str:
        """One line for a figure: units, seeds, data, preset, commit, device, date, seconds.

        Args:
            seed: The one seed shown; all of the run if None.
        """
        records = self.run.attrs["records"]
        seeds = self.seeds if seed is None else (seed,)
        chosen = [records[self.seeds.index(number)] for number in seeds]
        data = self.config.model_dump().get("dataset", "")
        return summary(
            chosen, {"seeds": spell_seeds(seeds), "data": data, "preset": self.run.attrs["preset"]}
        )

    def beside(self, preset: str, compute: str, own: Sequence[str] = ("dataset",)) -> Chapter | None:
        """The same study under another preset, to stand beside this run: same seeds, same settings replaced.

        Args:
            preset: Name of the other preset.
            compute: ``"missing"`` or ``"never"``.
            own: Settings in which the other run follows its own preset.

        Returns:
            The other run; None if units are missing and may not be computed.
        """
        replaced = spelling.changes(self.study, self.config, self.preset)
        shared = {name: value for name, value in replaced.items() if name not in own}
        try:
            return Chapter.load(self.study.name, self.places, preset, compute, list(self.seeds), **shared)
        except runner.UnitsMissing:
            return None

    def of_study(self, name: str, compute: str) -> Chapter | None:
        """Another study in its preset of the same name; None if it has none, or units may not be computed."""
        if self.preset not in look_up(name).presets:
            return None
        try:
            return Chapter.load(name, self.places, self.preset, compute)
        except runner.UnitsMissing:
            return None

    def other(self, compute: str, seeds: Any = None, preset: str | None = None, **settings: Any) -> Chapter:
        """Another condition of the same study: this one's settings with some replaced.

        Args:
            compute: ``"missing"`` or ``"never"``.
            seeds: As people write them; if None, this run's, or those of another preset that is named.
            preset: Another preset to start from, without what was replaced in this one; its own if None.
            settings: What is replaced.

        Raises:
            UnitsMissing: Units are missing and may not be computed.
        """
        if preset in (None, self.preset):
            preset, own = self.preset, spelling.changes(self.study, self.config, self.preset)
            seeds = list(self.seeds) if seeds is None else seeds
        else:
            own = {}
        return Chapter.load(self.study.name, self.places, preset, compute, seeds, **{**own, **settings})

    def family(self, name: str, compute: str, seeds: Sequence[int] | None = None) -> dict[str, xr.Dataset]:
        """Runs of the conditions of a family that is made from this one.

        Args:
            name: Name of the family.
            compute: ``"missing"`` computes what is not in the store; with ``"never"`` conditions without any
                stored unit are left out, and others have the seeds that are stored.
            seeds: Its seeds; this run's if None.

        Returns:
            Condition → units along ``seed``, labelled as this run.
        """
        numbers = tuple(self.seeds if seeds is None else seeds)
        store, labelled = Store(self.places.published, self.places.local), self.run.attrs["preset"]
        found = {}
        for title, config in self.study.family(name, self.config).items():
            if compute == "missing":
                found[title] = runner.run(self.study, config, numbers, self.places, preset=labelled)
            elif there := runner.stored(config, numbers, store):
                found[title] = runner.gather(there, labelled)
        return found

    def show(
        self,
        plate: Plate,
        seed: int | None = None,
        beside: Chapter | Sequence[Chapter] | None = None,
        runs: Mapping[str, xr.Dataset] | None = None,
    ) -> None:
        """Display a figure with caption, alternative text and provenance.

        Args:
            plate: The figure.
            seed: The one seed that it shows, of this run or of each of ``runs``; all if None.
            beside: A second run that the figure shows too; or all others, which are summed up in one line.
            runs: Runs that it shows instead of this one, as :meth:`family` gives them.
        """
        if runs and seed is not None:
            runs = of_seed(runs, seed)
        if runs:
            provenance = family_provenance(runs)
        elif isinstance(beside, Chapter):
            provenance = f"{self.provenance(seed)} — beside {beside.provenance()}"
        elif beside:
            provenance = joint_provenance([self, *beside])
        else:
            provenance = self.provenance(seed)
        show(
            plate.figure,
            caption=plate.caption,
            alt=plate.alt,
            name=plate.name,
            provenance=provenance,
            units=units_shown(self, seed, beside, runs),
        )

    def verdicts(self, *ids: str, runs: Mapping[str, xr.Dataset]) -> None:
        """Display the verdicts of some claims on runs by the names that their rules know."""
        from IPython.display import HTML, display

        display(HTML(verdict_list([judge(claim, runs) for claim in ids])))

    def say(self, text: str) -> None:
        """Display a sentence whose numbers come from data: Markdown."""
        from IPython.display import Markdown, display

        display(Markdown(text))
