"""Writes what was seen in a source into a database, each event when it ends.

python examples/events_to_sqlite.py MODEL SOURCE EVENTS.sqlite
"""

import sqlite3
import sys

import movistream

TABLE = """
create table if not exists events
(source text, label text, start_s real, end_s real, peak_score real)
"""

if len(sys.argv) != 4:
    sys.exit(__doc__)
model_path, source, database_path = sys.argv[1:]
database = sqlite3.connect(database_path)
database.execute(TABLE)


def store(event: movistream.Event) -> None:
    """Adds a row that is on the disk when this returns."""
    if event.phase == "begin":
        return
    row = (source, event.label, event.start_s, event.end_s, event.peak_score)
    with database:
        database.execute("insert into events values (?, ?, ?, ?, ?)", row)


with movistream.load(model_path) as model:
    model.watch(source, on_event=store).run()
totals = "select label, count(*), sum(end_s - start_s) from events group by label order by label"
for label, count, seconds in database.execute(totals):
    print(f"{label}: {count} times, {seconds:.1f} s in all")
database.close()
