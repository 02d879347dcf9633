"""Parameter panel: any setting of a study as a form, whether it is published, and the command for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import anywidget
import traitlets

from . import joining
from .schema import fields, work_ratios

if TYPE_CHECKING:
    from ..engine.study import Study

__all__ = ["Parameters"]


class Parameters(anywidget.AnyWidget):
    """A form from a study's configuration.

    Args:
        study: The study.
        preset: Preset to begin with.
        published: Settings that the book shows: ``settings`` (all fields as JSON values), ``seeds``,
            ``label`` and ``link`` (address relative to the page, or empty).
        rates: Seconds per unit of the study's work, by name of device.
        title: Heading of the panel.
        twin: Id of the static table whose place it takes on the screen, if any.

    Raises:
        UserError: There is no such preset.
    """

    _esm = joining.module("parameters")
    _css = joining.style()

    about = traitlets.Dict().tag(sync=True)

    def __init__(
        self,
        study: Study,
        preset: str,
        published: Sequence[Mapping[str, Any]] = (),
        rates: Mapping[str, float] | None = None,
        title: str = "Other settings",
        twin: str = "",
    ) -> None:
        study.preset(preset)
        presets = []
        for name, entry in study.presets.items():
            config = study.configure(name, {})
            presets.append(
                {
                    "name": name,
                    "about": entry.about,
                    "seeds": list(entry.seeds),
                    "values": config.model_dump(mode="json"),
                    "work": study.work(config),
                    "ratios": dict(work_ratios(study, config)),
                }
            )
        super().__init__(
            about={
                "study": study.name,
                "fields": fields(study.config),
                "presets": presets,
                "preset": preset,
                "published": [dict(entry) for entry in published],
                "rates": dict(rates or {}),
                "title": title,
                "twin": twin,
            }
        )
