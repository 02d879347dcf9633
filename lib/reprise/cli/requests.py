"""Reading a request: study, preset, settings and seeds, refused before anything is computed."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from ..engine.config import StudyConfig
    from ..engine.runner import Compute
    from ..engine.store import Store
    from ..engine.study import Study
    from ..places import Places


def find_places() -> Places:
    """The folders that the environment names."""
    from ..places import Places

    return Places.from_environment()


def open_store(places: Places) -> Store:
    """The store, with the layers that the places name."""
    from ..engine.store import Store

    return Store.of(places)


def only(layer: str, places: Places) -> Places:
    """The same places, where units are looked for in one layer, ``"published"`` or ``"local"``."""
    import dataclasses

    return dataclasses.replace(places, layers=(layer,))


def join(settings: list[str] | None, more: list[str] | None) -> list[str]:
    """Settings given by ``--set`` and those that follow it bare."""
    return [*(settings or []), *(more or [])]


def read_settings(settings: list[str] | None) -> dict[str, str]:
    """Settings as people write them, ``KEY=VALUE`` each.

    Raises:
        UserError: One is written in another way.
    """
    from ..places import UserError

    overrides = {}
    for word in settings or []:
        key, equals, value = word.partition("=")
        if not equals:
            raise UserError(f"--set {word}: write KEY=VALUE")
        overrides[key.strip()] = value.strip()
    return overrides


def read_compute(text: str) -> Compute:
    """What to do about missing units, refused before anything else if it is neither.

    Raises:
        UserError: It is neither ``missing`` nor ``never``.
    """
    from ..places import UserError

    if text not in ("missing", "never"):
        raise UserError(f"--compute {text}: choose missing or never")
    return cast("Compute", text)


def read_request(
    study: str, preset: str, settings: list[str] | None, seeds: str | None
) -> tuple[Places, Study, StudyConfig, tuple[int, ...]]:
    """Read a request, refusing what cannot be met before anything is computed.

    Returns:
        Places, study, configuration and seeds.

    Raises:
        UserError: Something in the request does not exist or is not allowed.
    """
    from ..engine.study import study as look_up
    from ..engine.words import parse_seeds

    chosen = look_up(study)
    config = chosen.configure(preset, read_settings(settings))
    return find_places(), chosen, config, parse_seeds(seeds) or chosen.preset(preset).seeds


def conditions(study: Study, config: StudyConfig, families: list[str] | None) -> dict[str, StudyConfig]:
    """The conditions that a request is about, by name: those of the families, or the one without a name.

    Raises:
        UserError: The study has no such family.
    """
    named = {
        f"{family} · {name}": one
        for family in families or []
        for name, one in study.family(family, config).items()
    }
    return named if families else {"": config}
