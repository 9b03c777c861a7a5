"""What there is to show: camera motion and camera health."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from movistream.demo import (
    health,
    health_clip,
    health_plot,
    health_terminal,
    health_timeline,
    motion,
    motion_clip,
    motion_timeline,
)
from movistream.demo.exhibit import Exhibit
from movistream.demo.health_timeline import HealthTimeline
from movistream.demo.motion_timeline import MotionFrame
from movistream.watch.events import EventOptions
from movistream.watch.watcher import WatchOptions


def exhibits() -> tuple[Exhibit[Any], ...]:
    """All of them."""
    return camera_motion(), camera_health()


def camera_motion() -> Exhibit[tuple[MotionFrame, ...]]:
    """A camera that moves over a photograph: nine classes, one at a time."""
    path = motion_clip.demo_path()
    return Exhibit(
        subject="camera motion",
        labels=motion.LABELS,
        folder=Path("movistream-demo"),
        seconds=path.ends_s[-1],
        frames=lambda: motion_clip.frames(path),
        watch=lambda model, clip: motion_timeline.watch_clip(model, clip, path),
        report=motion_timeline.print_timeline,
        rows=motion_timeline.table_rows,
        captioned=motion_timeline.captioned,
        plot=motion_timeline.plot,
        live=WatchOptions(top=motion_timeline.CLASSES_SHOWN),
    )


def camera_health() -> Exhibit[HealthTimeline]:
    """A camera that watches a photograph while things go wrong with it: nine, by themselves."""
    return Exhibit(
        subject="camera health",
        labels=health.LABELS,
        folder=Path("movistream-demo-health"),
        seconds=health.SECONDS,
        frames=lambda: health_clip.frames(health.SCRIPT, health.SECONDS),
        watch=lambda model, clip: health_timeline.watch_clip(model, clip, health.SCRIPT),
        report=health_terminal.print_timeline,
        rows=health_timeline.table_rows,
        captioned=health_timeline.captioned,
        plot=health_plot.plot,
        live=WatchOptions(events=EventOptions(), top=len(health.LABELS)),
    )
