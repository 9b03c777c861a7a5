"""How far a search is, in the terminal."""

from __future__ import annotations

import time

from rich.progress import TextColumn

from movistream_training.bars import bars, print_line
from movistream_training.search.budget import amount
from movistream_training.search.estimates import share_of
from movistream_training.search.plan import Callbacks, Network, Plan
from movistream_training.search.trial import Rung


class Display:
    """A bar on a terminal for what is being done; a line for each stage, and for each network that
    is better than all before, everywhere.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._best: Rung | None = None
        self._begun_s = time.monotonic()
        self._bars = bars(TextColumn("{task.fields[best]}"))
        self._task = self._bars.add_task("", total=None, best="")

    def __enter__(self) -> Display:
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def callbacks(self) -> Callbacks:
        """What a search tells this."""
        return Callbacks(self._on_stage, self._on_done, self._on_trial)

    def _on_stage(self, name: str, total: int) -> None:
        if total:
            self._bars.reset(self._task, total=total, description=name)
            self._print(f"{name} ({total})")

    def _on_done(self) -> None:
        self._bars.advance(self._task)

    def _on_trial(self, network: Network, seed: int, rung: Rung) -> None:
        if seed != 1 or share_of(network.costs, self._plan.budgets) > 1:
            return
        # Networks that have learnt for longer are not compared with others.
        best = self._best
        if best is None or rung.steps > best.steps or rung.loss < best.loss:
            if best is not None and rung.steps < best.steps:
                return
            self._best = rung
            budget = self._plan.budgets[0]
            text = (
                f"best so far: {network.name} ({network.kind}), right in {rung.accuracy:.1%},"
                f" {amount(network.costs[0])} {budget.unit}"
            )
            self._bars.update(self._task, best=text)
            self._print(f"  {text}, after {rung.steps} steps")

    def _print(self, line: str) -> None:
        minutes, seconds = divmod(int(time.monotonic() - self._begun_s), 60)
        text = f"{minutes:3d}:{seconds:02d}  {line}"
        print_line(self._bars, text)
