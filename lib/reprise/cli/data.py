"""Commands about data sets: list, fetch, path."""

from __future__ import annotations

from typing import Annotated

import typer

from .requests import find_places

data_app = typer.Typer(help="Data sets: what there is, where it lies, how to fetch it.", no_args_is_help=True)


@data_app.command("list")
def data_list() -> None:
    """Data sets, whether they are at hand, and what they hold."""
    from ..data import datasets
    from ..data.fetch import locate

    root = find_places().data
    for name, entry in datasets().items():
        state = "synthetic" if entry.synthetic else "at hand" if locate(entry, root) else "missing"
        total = sum(file.bytes for file in entry.files)  # 0 for sets that are made by hand from lists
        size = f", {total / 1e6:.1f} MB" if total else ""
        typer.echo(f"{name:24}{state:11}{entry.images} ({entry.licence}{size})")


@data_app.command("fetch")
def data_fetch(name: Annotated[str, typer.Argument(help="Name of a data set.")]) -> None:
    """Download a data set from its official source and check it."""
    from ..data import dataset_entry
    from ..data.fetch import require
    from ..places import UserError

    try:
        entry = dataset_entry(name)
    except ValueError as error:
        raise UserError(str(error)) from None
    paths = require(entry, find_places().data, download=True)
    typer.echo(
        "\n".join(map(str, paths)) if paths else f"{name} is drawn by the library; there is nothing to fetch"
    )


@data_app.command("path")
def data_path(
    name: Annotated[str | None, typer.Argument(help="A data set; the data root if left out.")] = None,
) -> None:
    """Where data are looked up, or the files of one data set."""
    from ..data import dataset_entry
    from ..data.fetch import DataMissing, locate, missing_message
    from ..places import UserError

    root = find_places().data
    if name is None:
        typer.echo(root)
        return
    try:
        entry = dataset_entry(name)
    except ValueError as error:
        raise UserError(str(error)) from None
    paths = locate(entry, root)
    if paths is None:
        raise DataMissing(missing_message(entry, root))
    typer.echo("\n".join(map(str, paths)))
