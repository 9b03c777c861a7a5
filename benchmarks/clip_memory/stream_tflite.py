"""Prints the memory that a stream takes for so many frames, in bytes, weights included.

python stream_tflite.py MODEL.tflite FRAMES
"""

from __future__ import annotations

import sys
from pathlib import Path

from process_peak import peak_bytes_of

from movistream_benchmarks.contender import Contender, moving_blocks, running


def main() -> None:
    """Load the model and step it."""
    path, count = Path(sys.argv[1]), int(sys.argv[2])
    frames = moving_blocks(8)

    def clip() -> None:
        with running(Contender(path)) as runner:
            for index in range(count):
                runner.step(frames[index % 8])

    import ai_edge_litert.compiled_model  # noqa: F401

    print(peak_bytes_of(clip))


if __name__ == "__main__":
    main()
