"""The files that a search leaves: tables, and what programs read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from movistream.system.output import make_output_folder
from movistream_converters.formats.movinet_table import table_text
from movistream_training.run_folder import write_table
from movistream_training.search.candidates import digest
from movistream_training.search.estimates import is_counted, share_of
from movistream_training.search.found_folder import FoundFolder, write_json, write_text
from movistream_training.search.plan import Judged, Network, Outcome, Plan

_COUNTS_FROM = 1000.0
"""Costs above this are counts of something, not times."""


class Row(msgspec.Struct, frozen=True):
    """A network that was trained to the end, a line of ``front.csv``.

    Attributes:
        arch: what names its table's file in ``trials/``.
        cost: under the first budget, counted.
        accuracy: mean over seeds of the share of validation frames that were right; ``lowest`` and
            ``highest`` are those of single seeds.
        loss: mean over seeds, in nats.
        within_budget: whether every budget allows it.
        on_front: whether the budget allows it, it was trained with the most seeds, and none like it
            is at once cheaper and better: a single seed may be luck.
    """

    name: str
    kind: str
    arch: str
    cost: float
    accuracy: float
    lowest: float
    highest: float
    seeds: int
    loss: float
    within_budget: bool
    on_front: bool


def rows_of(outcome: Outcome, plan: Plan) -> list[Row]:
    """All networks that were trained to the end, the cheapest first."""
    most = len(outcome.chosen.rungs)
    front = front_of(
        [j for j in outcome.judged if _is_allowed(j.network, plan) and len(j.rungs) == most]
    )
    rows = [
        Row(
            name=one.network.name,
            kind=one.network.kind,
            arch=digest(one.network.member),
            cost=one.network.costs[0],
            accuracy=one.accuracy,
            lowest=min(rung.accuracy for rung in one.rungs),
            highest=max(rung.accuracy for rung in one.rungs),
            seeds=len(one.rungs),
            loss=one.loss,
            within_budget=_is_allowed(one.network, plan),
            on_front=one in front,
        )
        for one in outcome.judged
    ]
    return sorted(rows, key=lambda row: (row.cost, row.name))


def front_of(judged: Sequence[Judged]) -> list[Judged]:
    """Those that none is better than at no higher cost."""
    front: list[Judged] = []
    for one in sorted(judged, key=lambda one: (one.network.costs[0], -one.accuracy)):
        if not front or one.accuracy > front[-1].accuracy:
            front.append(one)
    return front


def write_outputs(folder: FoundFolder, plan: Plan, outcome: Outcome) -> list[Row]:
    """Writes the chosen network's table and all others, and every table of figures.

    Raises:
        OutputError: if something cannot be written.
    """
    rows = rows_of(outcome, plan)
    make_output_folder(folder.trial_tables)
    for network, _, _ in outcome.trials:
        path = folder.trial_tables / f"{digest(network.member)}.txt"
        write_text(path, table_text(network.member))
    write_text(folder.table, table_text(outcome.chosen.network.member))
    write_table(folder.front, [_line(row) for row in rows])
    write_table(folder.costs, [_costs(network, plan) for network in _networks(outcome)])
    write_table(
        folder.trials,
        [
            {
                "name": network.name,
                "kind": network.kind,
                "arch": digest(network.member),
                "seed": seed,
                "steps": rung.steps,
                "loss": rung.loss,
                "accuracy": rung.accuracy,
            }
            for network, seed, rung in outcome.trials
        ],
    )
    return rows


def write_summary(
    folder: FoundFolder, plan: Plan, outcome: Outcome, test_accuracies: Mapping[str, float]
) -> None:
    """Writes ``search.json``.

    Args:
        test_accuracies: of networks by name, on examples that decided nothing.
    """
    chosen = outcome.chosen
    predictions = outcome.predictions
    write_json(
        folder.summary,
        {
            "version": 1,
            "space": plan.space.name,
            "budgets": [str(budget) for budget in plan.budgets],
            "seed": plan.seed,
            "finished": outcome.finished,
            "steps_of_each": outcome.steps_of_each,
            "steps": outcome.steps,
            "chosen": {
                "name": chosen.network.name,
                "kind": chosen.network.kind,
                "costs": {
                    budget.unit: _plain(cost)
                    for budget, cost in zip(plan.budgets, chosen.network.costs, strict=True)
                },
                "accuracy": chosen.accuracy,
                "seeds": len(chosen.rungs),
                "test_accuracy": test_accuracies.get(chosen.network.name),
            },
            "test_accuracies": dict(test_accuracies),
            "predictions": predictions
            and {
                "r_squared": predictions.r_squared,
                "mean_error": predictions.mean_error,
                "worst_error": predictions.worst_error,
            },
        },
    )


def _line(row: Row) -> dict[str, object]:
    return {name: _plain(value) for name, value in msgspec.structs.asdict(row).items()}


def _rounded(value: float) -> float:
    """Predictions of counts are no finer than counts."""
    return float(round(value)) if value >= _COUNTS_FROM else value


def _plain(value: object) -> object:
    """As a table has it: counts without a fraction, truths in small letters."""
    if isinstance(value, bool):
        return str(value).lower()
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _is_allowed(network: Network, plan: Plan) -> bool:
    return share_of(network.costs, plan.budgets) <= 1


def _networks(outcome: Outcome) -> list[Network]:
    return list({network.name: network for network, _, _ in outcome.trials}.values())


def _costs(network: Network, plan: Plan) -> dict[str, object]:
    counted: dict[str, object] = {}
    for index, budget in enumerate(plan.budgets):
        if is_counted(budget):
            counted[f"predicted {budget.unit}"] = _plain(_rounded(network.predicted[index]))
            counted[f"counted {budget.unit}"] = _plain(network.costs[index])
    return {
        "name": network.name,
        "kind": network.kind,
        "arch": digest(network.member),
        **counted,
        "multiply_adds": network.price.multiply_adds,
        "peak_bytes": network.price.peak_bytes,
        "file_bytes": network.price.file_bytes,
    }
