"""Configurations of studies: fields with units, help and limits, checked before anything is computed."""

from __future__ import annotations

import difflib
import types
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, Literal, Self, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator

from ..places import UserError

Stage = Literal["training", "analysis", "display"]

LARGEST = 2**63 - 1
"""Largest whole number that settings and seeds may have: what a file's 64 bits hold."""


def setting(default: Any, help: str, *, unit: str = "", stage: Stage = "training", **limits: Any) -> Any:
    """Declare a field of a configuration.

    Args:
        default: Frozen default. Never change it: published units are named by what differs from it.
        help: What the field means, one sentence, shown in forms and by the command line.
        unit: Unit of the value, such as ``"tasks"``.
        stage: ``"training"`` if weights depend on it, ``"analysis"`` if only what is measured on them does,
            ``"display"`` if only pictures do: such a field names no unit.
        limits: pydantic's ``ge``, ``gt``, ``le``, ``lt``.
    """
    return Field(default, description=help, json_schema_extra={"unit": unit, "stage": stage}, **limits)


class StudyConfig(BaseModel):
    """Settings of one condition of a study; seeds are chosen beside it.

    Equality, units and hashes depend on values alone, never on the preset that they came from.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
    study: ClassVar[str]
    protocol: ClassVar[int] = 1

    @field_validator("*", mode="before")
    @classmethod
    def _read_list(cls, value: Any, info: ValidationInfo) -> Any:
        """Lists as they are written on a command line: ``[0,1]``, ``0,1`` or ``[]``."""
        field = cls.model_fields[info.field_name or ""]
        if not isinstance(value, str) or get_origin(field.annotation) is not tuple:
            return value
        return [part.strip() for part in value.strip().strip("[]()").split(",") if part.strip()]

    @field_validator("*", mode="after")
    @classmethod
    def _fits(cls, value: Any) -> Any:
        """Refuse whole numbers that no file can hold."""
        for number in value if isinstance(value, tuple) else (value,):
            if isinstance(number, int) and not -LARGEST <= number <= LARGEST:
                raise ValueError("input should be a whole number of 64 bits")
        return value

    def settings(self, stage: Stage | None = None) -> dict[str, Any]:
        """Fields that differ from the frozen defaults, as JSON values.

        Args:
            stage: Only fields of this stage; all on which stored units depend if None.
        """
        values = self.model_dump(mode="json", exclude_defaults=True)
        stages = ("training", "analysis") if stage is None else (stage,)
        return {name: value for name, value in values.items() if field_stage(type(self), name) in stages}

    @classmethod
    def parse(cls, values: Mapping[str, Any]) -> Self:
        """Check values that a person gave.

        Args:
            values: Field → value; strings are read as the field's type.

        Raises:
            UserError: A field does not exist, a value has the wrong type or is not allowed; the message names
                the value and the valid choices.
        """
        refuse_unknown(values, list(cls.model_fields), f"study {cls.study}")
        try:
            return cls(**values)
        except ValidationError as error:
            raise UserError("\n".join(_explain(problem) for problem in error.errors())) from None


def refuse_unknown(names: Iterable[str], known: Sequence[str], what: str) -> None:
    """Refuse parameters that do not exist.

    Args:
        names: What was given.
        known: What exists.
        what: Whose parameters they are, such as ``"study maml"``.

    Raises:
        UserError: One does not exist; the message names the nearest that does, if one is near, and all.
    """
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            meant = f"; did you mean {near[0]}?" if near else ""
            raise UserError(f"unknown parameter {name!r}{meant}; {what} has: {', '.join(known)}")


def field_stage(config: type[StudyConfig], name: str) -> Stage:
    """What depends on a field: weights, only measurements, or only pictures; see :func:`setting`."""
    extra = config.model_fields[name].json_schema_extra
    assert isinstance(extra, dict)
    return extra["stage"]  # type: ignore[return-value]


def choices(annotation: Any) -> list[str]:
    """Values that a field's annotation allows, where they can be listed; for forms and messages."""
    if get_origin(annotation) is Literal:
        return [str(choice) for choice in get_args(annotation)]
    if get_origin(annotation) in (Union, types.UnionType):
        return [choice for part in get_args(annotation) for choice in choices(part)]
    return []


def _explain(problem: Any) -> str:
    """One pydantic problem in one line."""
    if not problem["loc"]:  # from a validator of the whole configuration, which says it all
        return str(problem["msg"]).removeprefix("Value error, ")
    message = str(problem["msg"]).removeprefix("Value error, ")
    given = repr(problem["input"])
    given = given if len(given) <= 100 else f"{given[:100]}…"
    return f"{'.'.join(map(str, problem['loc']))}={given}: {message[0].lower()}{message[1:]}"
