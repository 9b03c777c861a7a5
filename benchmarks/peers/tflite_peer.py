"""This project's runtime, or the published samples' loop, as a peer.

python tflite_peer.py MODEL.tflite [--published-loop]
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from itertools import cycle
from pathlib import Path

import ai_edge_litert.compiled_model
import ai_edge_litert.interpreter  # noqa: F401
import click
from line_protocol import serve

from movistream.file.inspection import inspect_file
from movistream_benchmarks.contender import Contender, moving_blocks, running


@click.command()
@click.argument("model", type=click.Path(exists=True, path_type=Path))
@click.option("--published-loop", is_flag=True)
def main(model: Path, published_loop: bool) -> None:
    """Step MODEL on frames of its own size."""
    image = inspect_file(model).manifest.input
    frames = moving_blocks(8)[:, : image.height, : image.width].copy()
    with ExitStack() as opened:

        def load() -> Callable[[], None]:
            runner = opened.enter_context(running(Contender(model, published_loop=published_loop)))
            turns = cycle(frames)
            return lambda: void(runner.step(next(turns)))

        loop = ", published loop" if published_loop else ", movistream"
        serve(f"{model.stem}{loop}", load)


def void(_value: object) -> None:
    """Drops an answer."""


if __name__ == "__main__":
    main()
