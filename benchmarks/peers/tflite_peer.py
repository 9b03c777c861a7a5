"""This project's runtime, or the published samples' loop, as a peer.

python tflite_peer.py MODEL.tflite [--published-loop]
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from itertools import cycle
from pathlib import Path

import click
from line_protocol import serve

from movistream_benchmarks.contender import Contender, moving_blocks, running


@click.command()
@click.argument("model", type=click.Path(exists=True, path_type=Path))
@click.option("--published-loop", is_flag=True)
def main(model: Path, published_loop: bool) -> None:
    """Step MODEL."""
    with ExitStack() as opened:

        def load() -> Callable[[], None]:
            runner = opened.enter_context(running(Contender(model, published_loop=published_loop)))
            frames = cycle(runner.fitted(moving_blocks(8)))
            return lambda: void(runner.step(next(frames)))

        loop = ", published loop" if published_loop else ", movistream"
        serve(f"{model.stem}{loop}", load)


def void(_value: object) -> None:
    """Drops an answer."""


if __name__ == "__main__":
    main()
