"""All published results as one tidy table, to download: a row a unit and quantity."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

from ..engine.runner import gather
from ..engine.store import read
from ..engine.study import study as look_up
from ..engine.words import markdown_table
from .units import Record, published_records

FOLDER = "downloads"
"""Folder below the built book's ``_static`` that holds the tables."""

RESULTS, DICTIONARY = "reprise-results.csv", "reprise-columns.csv"

COLUMNS = {
    "study": "name of the study",
    "unit": "id of the unit: one seed of one condition; also the name of its file in results/",
    "seed": "its seed, the replicate",
    "condition": "the preset that it differs from least, with what differs",
    "dataset": "what was learned from",
    "quantity": "what was measured, in words; changes are 1 − similarity",
    "value": "the value; accuracies and IoU in [0, 1], points as named in the quantity; empty if undefined",
    "seconds": "wall-clock seconds that the unit took",
    "device": "machine that it was computed on",
    "commit": "commit of the library that computed it",
    "finished": "when it was finished, UTC",
}
"""Column → what stands in it."""


def result_rows(records: Sequence[Record]) -> Iterator[dict[str, object]]:
    """The table's rows: every quantity by which two runs of a study are compared, of every unit.

    Args:
        records: Units; those of one condition must stand together.

    Yields:
        Rows with the keys of :data:`COLUMNS`.
    """
    for (name, config), group in groupby(records, key=lambda record: (record.study, record.config)):
        together = list(group)
        endpoints = look_up(name).endpoints(gather([read(record.path) for record in together]))
        for i, record in enumerate(together):
            for quantity, values in endpoints.data_vars.items():
                value = float(values.values[i])
                yield {
                    "study": name,
                    "unit": record.id,
                    "seed": record.seed,
                    "condition": record.preset,
                    "dataset": config.model_dump()["dataset"],
                    "quantity": quantity,
                    "value": "" if value != value else f"{value:.6g}",
                    "seconds": record.provenance["seconds"],
                    "device": record.provenance["device_name"],
                    "commit": record.provenance["commit"],
                    "finished": record.provenance["finished"],
                }


def write_tables(published: Path, static: Path) -> list[Path]:
    """Write the table of all published results and its dictionary of columns into a built book.

    Args:
        published: The published layer, ``results/``.
        static: The book's ``_static`` folder.

    Returns:
        The two files.
    """
    folder = static / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    tables = {
        folder / RESULTS: (list(COLUMNS), result_rows(published_records(published))),
        folder / DICTIONARY: (
            ["column", "meaning"],
            [{"column": k, "meaning": v} for k, v in COLUMNS.items()],
        ),
    }
    for path, (columns, rows) in tables.items():
        text = io.StringIO()
        writer = csv.DictWriter(text, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        path.write_text(text.getvalue(), encoding="utf-8")
    return list(tables)


def dictionary_table() -> str:
    """The columns and what stands in them, as a Markdown table."""
    return markdown_table(["column", "meaning"], [[f"`{name}`", text] for name, text in COLUMNS.items()])
