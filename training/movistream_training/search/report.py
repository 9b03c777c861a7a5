"""The report of a search: one page that needs nothing else."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from matplotlib import rc_context

from movistream.system.output import replaced_when_done
from movistream_converters.formats.movinet_table import table_text
from movistream_training.search.budget import amount
from movistream_training.search.outputs import Row
from movistream_training.search.picture import front_figure
from movistream_training.search.plan import CONTROL, GUIDED, RANDOM, Outcome, Plan


def write_report(
    plan: Plan,
    outcome: Outcome,
    rows: Sequence[Row],
    test_accuracies: Mapping[str, float],
    path: Path,
) -> None:
    """Writes the page.

    Raises:
        OutputError: if it cannot be written.
    """
    environment = Environment(
        loader=PackageLoader("movistream_training.search", "data"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    drawing = io.StringIO()
    # The names of its parts are drawn at random otherwise.
    with rc_context({"svg.hashsalt": "front"}):
        front_figure(rows, plan.budgets[0]).savefig(drawing, format="svg", metadata={"Date": None})
    text = environment.get_template("report.html.j2").render(
        plan=plan,
        outcome=outcome,
        rows=rows,
        kinds=[
            (kind, _best(kind, rows), outcome.steps[kind]) for kind in (GUIDED, RANDOM, CONTROL)
        ],
        table=table_text(outcome.chosen.network.member),
        tests=test_accuracies,
        picture=drawing.getvalue().partition("<svg")[2],
        amount=amount,
    )
    with replaced_when_done(path) as part:
        part.write_text(text, encoding="utf-8")


def _best(kind: str, rows: Sequence[Row]) -> Row | None:
    """That the budget allows: of those with the most seeds, the one of the least loss."""
    own = [row for row in rows if row.kind == kind and row.within_budget]
    return min(own, key=lambda row: (-row.seeds, row.loss), default=None)
