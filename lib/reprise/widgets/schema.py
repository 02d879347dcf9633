"""A configuration's fields as a form needs them, and how the work of a unit depends on each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..engine.config import choices, field_stage

if TYPE_CHECKING:
    from ..engine.config import StudyConfig
    from ..engine.study import Study

__all__ = ["fields", "work_ratios"]

_FACTORS = (1 / 40, 1 / 10, 1 / 4, 1 / 2, 2, 4, 10, 40)


def fields(config: type[StudyConfig]) -> list[dict[str, Any]]:
    """Fields of a configuration in its order, as JSON values.

    Args:
        config: The configuration class.

    Returns:
        For each field: name, help, unit, stage, default; kind (``"choice"``, ``"flag"``, ``"integer"``,
            ``"number"``, ``"list"`` or ``"text"``); choices; and limits ``minimum``, ``exclusiveMinimum``,
            ``maximum``, ``exclusiveMaximum`` where there are any.
    """
    schema = config.model_json_schema()
    definitions = schema.get("$defs", {})
    defaults = config.model_construct().model_dump(mode="json")
    found = []
    for name, described in schema["properties"].items():
        if "$ref" in described:
            described = {**definitions[described["$ref"].rsplit("/", 1)[-1]], **described}
        allowed = choices(config.model_fields[name].annotation)
        kinds = {"integer": "integer", "number": "number", "boolean": "flag", "array": "list"}
        kind = kinds.get(described.get("type", ""), "text")
        if allowed and "anyOf" not in described:
            kind = "choice"
        limits = ("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum")
        found.append(
            {
                "name": name,
                "kind": kind,
                "choices": allowed,
                "default": defaults[name],
                "help": described.get("description", ""),
                "unit": described.get("seed", ""),
                "stage": field_stage(config, name),
                **{limit: described[limit] for limit in limits if limit in described},
            }
        )
    return found


def work_ratios(study: Study, config: StudyConfig) -> Mapping[str, list[list[Any]]]:
    """How the work of a unit changes with each field alone.

    Args:
        study: The study.
        config: The condition to start from.

    Returns:
        Field → [value, work ÷ work of ``config``], ascending, for fields on which the work depends. A form
        interpolates and multiplies them: exact for one changed field at one of these values, an order of
        magnitude otherwise.
    """
    base = study.work(config)
    ratios = {}
    for name in type(config).model_fields:
        value = getattr(config, name)
        allowed = choices(type(config).model_fields[name].annotation)
        if isinstance(value, bool):
            values: list[Any] = [False, True]
        elif allowed:
            values = [choice for choice in allowed if type(choice) is type(value)]
        elif isinstance(value, int | float) and value > 0:
            kind = type(value)
            values = sorted({max(kind(value * factor), kind(1)) for factor in _FACTORS} | {value})
        else:
            continue
        table = []
        for other in values:
            try:
                # Without validation: what matters is how the work grows, not whether data allow it.
                table.append([other, study.work(config.model_copy(update={name: other})) / base])
            except (ArithmeticError, KeyError, LookupError, TypeError, ValueError):
                continue
        if len({round(ratio, 6) for _, ratio in table}) > 1:
            ratios[name] = table
    return ratios
