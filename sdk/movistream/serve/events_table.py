"""Events as a table that a spreadsheet opens."""

from __future__ import annotations

import csv
import io

from movistream.serve.schema import SavedEvents, SeenEvent
from movistream.system.text import cell


def events_table(saved: SavedEvents) -> str:
    """Events as CSV, a row each, with the name of their feed in front."""
    table = io.StringIO()
    rows = csv.writer(table)
    columns = SeenEvent.__struct_fields__
    rows.writerow(["feed", *columns])
    for event in saved.events:
        values = (getattr(event, column) for column in columns)
        rows.writerow([cell(saved.name), *(map(_shown, values))])
    return table.getvalue()


def _shown(value: object) -> object:
    return cell(value) if isinstance(value, str) else value
