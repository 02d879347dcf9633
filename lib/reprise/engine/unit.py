"""Units: one seed of one condition, with a stable name, and the dataset that it becomes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from .config import StudyConfig, field_stage
from .provenance import dumps, record

if TYPE_CHECKING:
    import xarray as xr

C = TypeVar("C", bound=StudyConfig)


@dataclass(frozen=True)
class Unit(Generic[C]):
    """One seed of one condition: the smallest thing that is trained, stored and published.

    Attributes:
        config: The condition.
        seed: The seed.
    """

    config: C
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

    def dataset(self, variables: Mapping[Any, Any], coords: Mapping[Any, Any]) -> xr.Dataset:
        """What was measured as one dataset, with seed and every scalar setting as coordinates.

        Args:
            variables: As ``xarray.Dataset`` takes them; real numbers are kept in single precision.
            coords: Further coordinates.
        """
        import numpy as np
        import xarray as xr

        # Units that differ in nothing but a display setting share a name, and must fit together.
        fields = (n for n in type(self.config).model_fields if field_stage(type(self.config), n) != "display")
        settings = {name: getattr(self.config, name) for name in fields}
        scalars = {name: value for name, value in settings.items() if not isinstance(value, tuple)}
        dataset = xr.Dataset(variables, {**coords, "seed": self.seed, **scalars})
        # Not by `map`, which would drop the coordinates of stimuli: no variable but the Grams is along them.
        real = {n: v.astype(np.float32) for n, v in dataset.data_vars.items() if v.dtype.kind == "f"}
        return dataset.assign(real)

    def finished(
        self, dataset: xr.Dataset, device: str, seconds: dict[str, float], fingerprint: str, **more: Any
    ) -> xr.Dataset:
        """A measurement with what it is of and how it was made: see :func:`~.provenance.record`."""
        made = record(device, seconds, fingerprint, unit=self.id, **more)
        return dataset.assign_attrs(config=self.config.model_dump_json(), provenance=dumps(made))

    def _hash(self, settings: Mapping[str, Any]) -> str:
        name = {
            "study": self.study,
            "protocol": self.config.protocol,
            "settings": settings,
            "seed": self.seed,
        }
        return hashlib.sha256(dumps(name).encode()).hexdigest()[:16]
