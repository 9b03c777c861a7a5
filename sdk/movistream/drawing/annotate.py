"""Draws what a model says onto the frames that it says it about."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from movistream.errors import MissingExtraError
from movistream.sources.frame import Picture
from movistream.stream.preprocess import Region
from movistream.stream.result import Prediction
from movistream.watch.events import Event, seeing

_SMALLEST_SIDE = 360
_LINES_PER_WIDTH = 30
_SMALLEST_TEXT = 15
_BACKGROUND = (24, 26, 30)
_TEXT = (236, 238, 240)
_FAINT = (150, 156, 164)
_BAR = (66, 148, 255)
_EVENT = (94, 208, 120)
_LABEL_SHARE = 0.55


def annotate(
    image: Picture,
    best: Sequence[Prediction],
    rows: int,
    status: str,
    events: Sequence[Event] | None = None,
    region: Region | None = None,
) -> Picture:
    """A picture with a panel under it: a line of status, classes with bars, what is going on.

    Small pictures are enlarged by a whole number, so that text has room.

    Args:
        image: uint8 RGB (height, width, 3).
        best: classes to show, in the order of their lines.
        rows: lines kept for classes, so that pictures of one video get one size.
        status: one line of text.
        events: that are going on; None to keep no line for them.
        region: of the image that was looked at, to be framed; None for all of it.

    Returns:
        uint8 RGB, higher than the image, of even width and height.
    """
    times = _enlargement(image)
    image = image.repeat(times, axis=0).repeat(times, axis=1)
    height, width = image.shape[:2]
    size = max(_SMALLEST_TEXT, width // _LINES_PER_WIDTH)
    line, margin = round(size * 1.5), size // 2
    lines = 1 + rows + (events is not None)
    canvas = np.empty(
        ((height + lines * line + 2 * margin + 1) // 2 * 2, (width + 1) // 2 * 2, 3), np.uint8
    )
    canvas[:] = _BACKGROUND
    canvas[:height, :width] = image
    font, small = _font(size), _font(round(size * 0.8))
    drawn = pillow_image().fromarray(canvas)
    draw = _pillow_draw().Draw(drawn)
    y = height + margin
    if region is not None:
        left, top = region.x * times, region.y * times
        right, bottom = left + region.width * times - 1, top + region.height * times - 1
        draw.rectangle((left, top, right, bottom), outline=_BAR, width=max(1, size // 8))
    draw.text((margin, y), _fitted(status, small, width - 2 * margin), _FAINT, small)
    number_width = round(font.getlength("0.000 "))
    label_width = round(width * _LABEL_SHARE) - margin
    bar_start = margin + label_width + number_width
    for entry in best[:rows]:
        y += line
        draw.text((margin, y), _fitted(entry.label, font, label_width - margin), _TEXT, font)
        draw.text((margin + label_width, y), f"{entry.score:.3f}", _TEXT, font)
        length = round((width - margin - bar_start) * entry.score)
        if length > 0:
            top = y + line // 6
            draw.rectangle((bar_start, top, bar_start + length, top + round(size * 0.9)), _BAR)
    if events:
        y = height + margin + (1 + rows) * line
        draw.text((margin, y), _fitted(seeing(events), font, width - 2 * margin), _EVENT, font)
    return np.asarray(drawn)


def _enlargement(image: Picture) -> int:
    return -(-_SMALLEST_SIDE // int(min(image.shape[:2])))


def _fitted(text: str, font: Any, width: int) -> str:
    """The text, or as much of it as there is room for, with an ellipsis."""
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(text + "…") > width:
        text = text[:-1]
    return text + "…"


@lru_cache
def _font(size: int) -> Any:
    """DejaVu Sans where it is installed, which knows most scripts; else Pillow's own, of Latin."""
    fonts = _pillow_font()
    try:
        return fonts.truetype("DejaVuSans.ttf", size)
    except OSError:
        return fonts.load_default(size)


def pillow_image() -> Any:
    """Pillow's images.

    Raises:
        MissingExtraError: if it is not installed.
    """
    try:
        from PIL import Image
    except ImportError:
        raise MissingExtraError("drawing on frames", "video") from None
    return Image


def pillow_filters() -> Any:
    """Pillow's filters, where its images are."""
    from PIL import ImageFilter

    return ImageFilter


def _pillow_draw() -> Any:
    from PIL import ImageDraw

    return ImageDraw


def _pillow_font() -> Any:
    from PIL import ImageFont

    return ImageFont
