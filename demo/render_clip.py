"""Renders a short clip: a disc that crosses a drifting pattern, then turns back.

python demo/render_clip.py OUTPUT.mp4
"""

from __future__ import annotations

import math
from pathlib import Path

import click
import cv2
import numpy as np
import numpy.typing as npt

WIDTH, HEIGHT, FRAMES_PER_SECOND, SECONDS = 320, 240, 25, 4


def render_frame(time_s: float) -> npt.NDArray[np.uint8]:
    """The BGR picture at a time."""
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    drift = 40 * time_s
    picture = np.stack(
        [
            96 + 48 * np.sin((columns + drift) / 17),
            96 + 48 * np.sin((rows - drift) / 23),
            96 + 48 * np.sin((rows + columns + drift) / 31),
        ],
        axis=-1,
    ).astype(np.uint8)
    there_and_back = 1 - abs(1 - 2 * time_s / SECONDS)
    center = (int(40 + (WIDTH - 80) * there_and_back), int(HEIGHT / 2 + 50 * math.sin(3 * time_s)))
    cv2.circle(picture, center, 32, (40, 80, 240), thickness=-1, lineType=cv2.LINE_AA)
    return picture


@click.command()
@click.argument("output", type=click.Path(path_type=Path))
def main(output: Path) -> None:
    """Write the clip to OUTPUT, an .mp4 file."""
    output.parent.mkdir(parents=True, exist_ok=True)
    codec = cv2.VideoWriter.fourcc(*"mp4v")
    writer = cv2.VideoWriter(str(output), codec, FRAMES_PER_SECOND, (WIDTH, HEIGHT))
    if not writer.isOpened():
        raise click.ClickException(f"cannot write {output}")
    for index in range(FRAMES_PER_SECOND * SECONDS):
        writer.write(render_frame(index / FRAMES_PER_SECOND))
    writer.release()
    click.echo(f"wrote {output}: {SECONDS} s at {FRAMES_PER_SECOND} frames/s")


if __name__ == "__main__":
    main()
