"""Steps of peers in other environments beside this project's, in turn.

    python compare.py 'COMMAND …' 'COMMAND …'

Each command is a peer as :mod:`line_protocol` has it; the first is the measure.
"""

from __future__ import annotations

import json
import shlex
import statistics
import subprocess
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click
import numpy as np
from rich.console import Console
from rich.table import Table


class Peer:
    """A process that steps a model when told."""

    def __init__(self, command: list[str], environment: dict[str, str] | None = None) -> None:
        self.process = subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.about = self._answer()
        self.rounds: list[list[float]] = []

    def ask(self, frames: int) -> None:
        """One round."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{frames}\n")
        self.process.stdin.flush()
        self.rounds.append(self._answer())

    def close(self) -> None:
        """Lets it end."""
        self.process.communicate()

    def _answer(self) -> Any:
        assert self.process.stdout is not None
        # Some libraries greet on standard output.
        for line in self.process.stdout:
            if line.startswith(("{", "[")):
                return json.loads(line)
        _, errors = self.process.communicate()
        raise click.ClickException(f"{shlex.join(self.process.args)}: {errors.strip()[-400:]}")


@click.command()
@click.argument("commands", nargs=-1, required=True)
@click.option("--rounds", type=click.IntRange(min=3), default=11, show_default=True)
@click.option("--milliseconds", type=int, default=400, show_default=True, help="Of each turn.")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Write all figures.")
def main(commands: tuple[str, ...], rounds: int, milliseconds: int, json_file: Path | None) -> None:
    """Compare the peers that COMMANDS start."""
    with ExitStack() as opened:
        peers = []
        for command in commands:
            peers.append(Peer(shlex.split(command)))
            opened.callback(peers[-1].close)
        for peer in peers:
            peer.ask(3)
        frames = [max(2, round(milliseconds / statistics.median(p.rounds.pop()))) for p in peers]
        for _ in range(rounds + 1):
            for peer, count in zip(peers, frames, strict=True):
                peer.ask(count)
    results = [_result(peer, peers[0]) for peer in peers]
    table = Table(title="A new frame: ms, beside the first", title_justify="left")
    for heading in ("peer", "p5", "median", "p95", "ratio", "quartiles", "private MB"):
        table.add_column(heading, justify="left" if heading == "peer" else "right")
    for result in results:
        low, median, high = (result[key] for key in ("p5_ms", "median_ms", "p95_ms"))
        lower, middle, upper = result["ratio_quartiles"]
        table.add_row(
            result["name"],
            *(f"{value:.2f}" for value in (low, median, high)),
            f"{middle:.2f}",
            f"{lower:.2f}–{upper:.2f}",
            f"{result['private_dirty_bytes'] / 1e6:.1f}",
        )
    Console(width=120).print(table)
    if json_file is not None:
        json_file.write_text(json.dumps(results, indent=1), encoding="utf-8")


def _result(peer: Peer, first: Peer) -> dict[str, Any]:
    """Figures over all rounds but the first; the ratio is taken within rounds."""
    counted = peer.rounds[1:]
    pairs = zip(counted, first.rounds[1:], strict=True)
    ratios = [statistics.median(own) / statistics.median(other) for own, other in pairs]
    low, median, high = np.percentile([time for turn in counted for time in turn], (5, 50, 95))
    return {
        **peer.about,
        "p5_ms": low,
        "median_ms": median,
        "p95_ms": high,
        "ratio_quartiles": list(np.percentile(ratios, (25, 50, 75))),
    }


if __name__ == "__main__":
    main()
