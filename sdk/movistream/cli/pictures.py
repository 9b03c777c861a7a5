"""Frames with what was said to them drawn on: as a video, in a window."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from movistream.cli.sinks import Sink, timing
from movistream.drawing.annotate import annotate
from movistream.drawing.video_writer import VideoWriter, open_video_writer
from movistream.errors import OutputError
from movistream.sources import Picture, VideoFrame
from movistream.stream.preprocess import View
from movistream.watch.lane import Ended, Item, Started
from movistream.watch.watcher import Passed, Step

_MOST_DRAWN_CLASSES = 5


@contextmanager
def annotated_video(path: Path, rows: int, view: View, *, events: bool) -> Iterator[Sink]:
    """Writes a video of a source: of a recording all frames, else those that were looked at."""
    painter = _Painter(rows, view, events=events)
    opened: list[VideoWriter] = []
    with ExitStack() as stack:

        def write(item: Item) -> None:
            for picture, time_s in painter.take(item):
                if not opened:
                    opened.append(stack.enter_context(open_video_writer(path)))
                opened[0].write(picture, time_s)

        yield write


@contextmanager
def window(
    title: str, rows: int, view: View, *, events: bool, on_close: Callable[[], None]
) -> Iterator[Sink]:
    """Shows a source in a window; recordings at their own pace.

    Args:
        on_close: called when the window is closed.

    Raises:
        OutputError: if there is no display.
    """
    try:
        import tkinter

        from PIL import Image, ImageTk
    except ImportError:
        raise OutputError(
            "a window needs tkinter and Pillow: sudo apt install python3-tk, and pip install"
            " 'movistream[video]'"
        ) from None
    try:
        root = tkinter.Tk()
    except tkinter.TclError as error:
        raise OutputError(f"there is no display for a window: {error}") from None
    root.title(title)
    label = tkinter.Label(root, borderwidth=0)
    label.pack()
    is_open = True

    def end() -> None:
        nonlocal is_open
        is_open = False
        on_close()

    root.protocol("WM_DELETE_WINDOW", end)
    painter = _Painter(rows, view, events=events)
    began_s: float | None = None

    def show(item: Item) -> None:
        nonlocal began_s
        for picture, time_s in painter.take(item) if is_open else ():
            now_s = time.monotonic()
            began_s = now_s - time_s if began_s is None else began_s
            if not painter.live:
                time.sleep(max(0.0, began_s + time_s - now_s))
            image = ImageTk.PhotoImage(Image.fromarray(picture), master=root)
            label.configure(image=image)
            label.image = image  # type: ignore[attr-defined]  # tkinter itself keeps none
            root.update()

    try:
        yield show
    finally:
        root.destroy()


class _Painter:
    """Draws each frame with what was said last before it."""

    def __init__(self, rows: int, view: View, *, events: bool) -> None:
        self.live = False
        self._rows = min(rows, _MOST_DRAWN_CLASSES)
        self._view = view
        self._events = events
        self._step: Step | None = None
        self._held: VideoFrame | None = None

    def take(self, item: Item) -> Iterator[tuple[Picture, float]]:
        """Pictures that are ready, with their times."""
        if isinstance(item, Started):
            self.live = item.live
        elif isinstance(item, Step):
            self._step = item
            if self.live:
                self._held = item.frame
        # A frame is drawn when no step for it can come any more.
        if self._held is not None and (self.live or isinstance(item, (Passed, Ended))):
            yield self._drawn(self._held)
            self._held = None
        if isinstance(item, Passed):
            self._held = item.frame

    def _drawn(self, frame: VideoFrame) -> tuple[Picture, float]:
        step = self._step
        status, going_on = f"{frame.time_s:.2f} s", () if step is None else step.going_on
        if step is not None:
            status += f": {timing(step)}"
        picture = annotate(
            frame.image,
            () if step is None else step.top,
            self._rows,
            status,
            going_on if self._events else None,
            self._view.region,
        )
        return picture, frame.time_s
