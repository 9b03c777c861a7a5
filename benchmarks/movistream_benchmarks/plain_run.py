"""``movistream run``, but every frame is decoded, by a thread per core, and becomes RGB as a whole.

python -m movistream_benchmarks.plain_run MODEL SOURCE... [OPTIONS]
"""

from __future__ import annotations

import sys
from typing import Any

from movistream.cli import main
from movistream.sources import container
from movistream.sources.frame import Source, VideoFrame
from movistream.sources.video_file import VideoFile


def without_thought() -> None:
    """Takes from this process what spares decoding and converting."""
    changed: Any = VideoFile
    changed.picked = Source.picked
    changed = VideoFrame
    changed.shown = VideoFrame.image
    opened = container.Container.__init__

    def with_all_threads(self: Any, *arguments: Any, **options: Any) -> None:
        opened(self, *arguments, **options)
        self._stream.codec_context.thread_count = 0

    changed = container.Container
    changed.__init__ = with_all_threads


if __name__ == "__main__":
    without_thought()
    main(["run", *sys.argv[1:]])
