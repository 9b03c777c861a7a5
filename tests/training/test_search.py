"""The course of a search: who takes part, who goes on, who is chosen; trainings are made up."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest

from movistream_converters.formats.movinet_table import read_table
from movistream_converters.networks.movinet import Architecture
from movistream_training.errors import SearchError
from movistream_training.recipe import Recipe
from movistream_training.search import candidates, counts, estimates, search, trials
from movistream_training.search.budget import parse_budget
from movistream_training.search.candidates import (
    LEAST_SHARE,
    Draw,
    candidate,
    digest,
    scaled,
)
from movistream_training.search.cost import price
from movistream_training.search.estimates import Estimates, share_of
from movistream_training.search.features import STEP
from movistream_training.search.found_folder import FoundFolder, Question, open_found
from movistream_training.search.members import Task, misfit, sample
from movistream_training.search.outputs import front_of, rows_of, write_outputs, write_summary
from movistream_training.search.plan import (
    CONTROL,
    GUIDED,
    RANDOM,
    Callbacks,
    Judged,
    Network,
    Outcome,
    Plan,
    bracket_steps,
    planned_steps,
)
from movistream_training.search.search import Search
from movistream_training.search.trial import Rung, Trial
from tests.training.search_stand_ins import LABELS, SPACE, Drifting, ThisProcess

TASK = Task(len(LABELS))
RECIPE = Recipe(epochs=3, steps_per_epoch=10, learning_rate=1e-3)
BUDGET = parse_budget("600 k multiply-adds")
BASE = replace(sample(SPACE, np.random.default_rng(8)), image_size=64)
"""Outside of the space, by its size."""


@dataclass
class MadeUp:
    """Trainings whose loss falls with steps, and depends on the member alone."""

    asked: list[tuple[str, int, int]] = field(default_factory=list)
    seconds: float = 0.001

    def __call__(self, trial: Trial) -> tuple[Rung, ...]:
        name = digest(trial.member)
        self.asked.append((name, trial.seed, trial.rung))
        own = int(name, 16) % 1000 / 1000 + trial.seed % 10 / 1000
        return tuple(
            Rung(10 * rung, own + 1 / rung, 1 - own / 2, self.seconds)
            for rung in range(1, trial.rung + 1)
        )


@pytest.fixture
def made_up(monkeypatch: pytest.MonkeyPatch) -> MadeUp:
    stand_in = MadeUp()
    monkeypatch.setattr(trials, "run_trial", stand_in)
    monkeypatch.setattr(search, "screen", lambda member, _task, _batch: -member.image_size)
    return stand_in


def a_plan(**changes: object) -> Plan:
    plan = Plan(
        space=SPACE,
        task=TASK,
        budgets=(BUDGET,),
        base=None,
        recipe=RECIPE,
        material=Drifting(),
        width=2,
        minutes=None,
        seed=1,
    )
    return replace(plan, **changes)


def question(plan: Plan) -> Question:
    return Question("s", tuple(map(str, plan.budgets)), "", LABELS, "m", RECIPE, 2, None, plan.seed)


def run(plan: Plan, path: Path) -> Outcome:
    return Search(plan, open_found(path, question(plan)), ThisProcess(), Callbacks()).run()


def test_candidates_are_what_the_budget_allows() -> None:
    allowed = Estimates(TASK, (parse_budget("300 k multiply-adds"), parse_budget("60 kB peak")), {})
    found = [candidate(SPACE, allowed, Draw(None, (1, n))) for n in range(8)]
    members = [member for member in found if member is not None]
    assert len(members) >= 6
    for member in members:
        assert misfit(SPACE, member) is None
        cost = price(member, TASK)
        assert cost.multiply_adds <= 300_000
        assert cost.peak_bytes <= 60_000
        assert max(cost.multiply_adds / 3e5, cost.peak_bytes / 6e4) >= LEAST_SHARE
    assert candidate(SPACE, allowed, Draw(None, (1, 0))) == found[0]
    start = members[0]
    changed = [candidate(SPACE, allowed, Draw(start, (2, n))) for n in range(6)]
    assert start not in changed
    assert len({digest(m) for m in changed if m is not None}) > 2
    nothing = Estimates(TASK, (parse_budget("10 multiply-adds"),), {})
    assert candidate(SPACE, nothing, Draw(None, (1, 0))) is None


def test_scaled_forms_are_the_largest_that_fit() -> None:
    allowed = Estimates(TASK, (BUDGET,), {})
    assert allowed.share(BASE) > 1
    forms = dict(scaled(BASE, allowed))
    assert len(forms) == 2
    by_size = next(form for name, form in forms.items() if name.endswith("pixels"))
    assert (
        allowed.share(by_size)
        <= 1
        < allowed.share(replace(by_size, image_size=by_size.image_size + 8))
    )
    assert replace(by_size, image_size=64) == BASE
    narrow = next(form for name, form in forms.items() if name.endswith("width"))
    assert allowed.share(narrow) <= 1
    assert narrow.stem_filters <= BASE.stem_filters


def test_a_search_is_fair_and_chooses_the_best(made_up: MadeUp, tmp_path: Path) -> None:
    plan = a_plan(base=BASE)
    outcome = run(plan, tmp_path / "found")
    assert outcome.finished
    assert outcome.steps[RANDOM] == 2 * bracket_steps(2, RECIPE) == outcome.steps[GUIDED]
    firsts = [(n, r) for n, seed, r in outcome.trials if seed == 1]
    kinds = Counter(network.kind for network, _ in firsts)
    assert kinds == {RANDOM: 4, GUIDED: 4, CONTROL: 3}
    assert len({network.name for network, _ in firsts}) == 11
    for network, _ in firsts:
        assert network.costs == (price(network.member, TASK).multiply_adds,)
        assert network.name == "as it is" or share_of(network.costs, plan.budgets) <= 1
    # In each bracket those with the lowest loss went on.
    for kind in (RANDOM, GUIDED):
        reached = [(int(digest(n.member), 16) % 1000, r.steps) for n, r in firsts if n.kind == kind]
        ends = sorted(own for own, steps in reached if steps == 30)
        assert len(ends) == 2
        assert min(own for own, _ in reached) == ends[0]
    finals = [one for one in outcome.judged if len(one.rungs) == 3]
    assert Counter(one.network.kind for one in finals) == {RANDOM: 2, GUIDED: 2, CONTROL: 2}
    allowed = [one for one in finals if one.network.name != "as it is"]
    assert outcome.chosen == min(allowed, key=lambda one: one.loss)
    assert outcome.predictions is None
    # Trained once each: nothing is asked for below the rung that is there.
    assert len(made_up.asked) == len(set(made_up.asked))
    assert planned_steps(2, 3, RECIPE) == 4 * bracket_steps(2, RECIPE) + 6 * 2 * 30 + 3 * 20
    assert [bracket_steps(width, RECIPE) for width in (2, 8)] == [40, 140]


def test_the_same_question_gives_the_same_files(made_up: MadeUp, tmp_path: Path) -> None:
    plan = a_plan(base=replace(BASE, image_size=32))
    texts = []
    for name in ("one", "two"):
        path = tmp_path / name
        outcome = run(plan, path)
        rows = write_outputs(FoundFolder(path), plan, outcome)
        write_summary(FoundFolder(path), plan, outcome, {outcome.chosen.network.name: 0.5})
        texts.append({p.name: p.read_bytes() for p in sorted(path.glob("*.*"))})
        assert read_table(path / "arch.txt") == outcome.chosen.network.member
        assert all(row.within_budget for row in rows if row.on_front)
    assert texts[0] == texts[1]
    # Going on with a finished one asks for nothing new, and changes nothing.
    outcome = run(plan, tmp_path / "one")
    write_outputs(FoundFolder(tmp_path / "one"), plan, outcome)
    again = {p.name: p.read_bytes() for p in sorted((tmp_path / "one").glob("*.*"))}
    assert again == texts[0]


def test_counts_decide_and_predictions_learn(
    made_up: MadeUp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A core on which every third candidate takes a tenth more than its operators tell."""

    def count(members: list[Architecture], task: Task, *_: object, **__: object) -> list[float]:
        found = []
        for member in members:
            features = price(member, task).features["cortex-a76"]
            own = 1000 * features[STEP] + sum(features.values())
            found.append(own * (1.1 if int(digest(member), 16) % 3 == 0 else 1.0))
        return found

    monkeypatch.setattr(counts, "count", count)
    plan = a_plan(budgets=(parse_budget("7 k instructions on cortex-a76"),))
    outcome = run(plan, tmp_path / "found")
    for network, _, _ in outcome.trials:
        assert network.costs[0] == count([network.member], TASK)[0]
        assert network.costs[0] <= 7_000
        assert network.predicted != network.costs
    assert outcome.predictions is not None
    assert 0 < outcome.predictions.mean_error <= outcome.predictions.worst_error < 0.2
    write_outputs(FoundFolder(tmp_path / "found"), plan, outcome)
    header = (tmp_path / "found" / "costs.csv").read_text().splitlines()[0]
    assert "predicted instructions on cortex-a76,counted instructions on cortex-a76" in header


def test_nothing_within_the_budget(
    made_up: MadeUp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(candidates, "_MOST_STEPS", 5)
    plan = a_plan(budgets=(parse_budget("10 multiply-adds"),))
    with pytest.raises(
        SearchError, match="no member of the space tiny was found that takes at most"
    ):
        run(plan, tmp_path / "found")


def test_time_that_is_short(made_up: MadeUp, tmp_path: Path) -> None:
    """It is known after the controls how long steps take; the bracket is as wide as that allows."""
    made_up.seconds = 60.0
    wide = planned_steps(3, 3, RECIPE)
    outcome = run(
        a_plan(base=BASE, width=None, minutes=(wide * 6.0 + 100) / 60 / 0.9), tmp_path / "some"
    )
    assert outcome.width == 3
    # The controls only: then the time is over.
    outcome = run(a_plan(base=BASE, width=None, minutes=1), tmp_path / "none")
    assert not outcome.finished
    assert {network.kind for network, _, _ in outcome.trials} == {CONTROL}
    assert outcome.chosen.network.kind == CONTROL
    assert outcome.steps_of_each == 10


def test_folders_that_hold_something_else(made_up: MadeUp, tmp_path: Path) -> None:
    plan = a_plan()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "a.txt").touch()
    with pytest.raises(SearchError, match="holds no search; name another folder"):
        run(plan, tmp_path / "full")
    run(plan, tmp_path / "found")
    with pytest.raises(SearchError, match=r"other settings \(seed\)"):
        run(a_plan(seed=2), tmp_path / "found")
    damaged = tmp_path / "found" / "work" / "random-pool.json"
    damaged.write_text('{"members": [1]}')
    with pytest.raises(SearchError, match=r"random-pool.json is damaged .*delete it, and go on"):
        run(plan, tmp_path / "found")
    damaged.unlink()
    assert run(plan, tmp_path / "found").finished


def test_a_front_by_hand() -> None:
    def judged(name: str, cost: float, share: float, seeds: int = 2) -> Judged:
        network = Network(name, RANDOM, BASE, price(BASE, TASK), (cost,), (cost,))
        return Judged(network, (Rung(1, 1.0, share, 0.0),) * seeds)

    given = [judged("a", 3, 0.5), judged("b", 1, 0.4), judged("c", 2, 0.3), judged("d", 3, 0.6)]
    assert [one.network.name for one in front_of(given)] == ["b", "d"]
    lucky = judged("e", 1, 0.9, seeds=1)
    outcome = Outcome(given[3], (*given, lucky), (), 1, {}, None, 2, True)
    plan = a_plan(budgets=(parse_budget("2 multiply-adds"),))
    rows = {row.name: row for row in rows_of(outcome, plan)}
    assert [name for name, row in rows.items() if row.within_budget] == ["b", "e", "c"]
    assert [name for name, row in rows.items() if row.on_front] == ["b"]


def test_milliseconds_come_from_the_benchmark(monkeypatch: pytest.MonkeyPatch) -> None:
    members = [sample(SPACE, np.random.default_rng(n)) for n in range(2)]
    budget = parse_budget("5 ms on this machine")
    found = estimates.count(members, TASK, budget, lambda: None)
    assert all(0 < value < 50 for value in found)
    monkeypatch.setattr(estimates.sys, "executable", "/bin/false")
    with pytest.raises(SearchError, match="measuring milliseconds failed"):
        estimates.count(members, TASK, budget, lambda: None)
