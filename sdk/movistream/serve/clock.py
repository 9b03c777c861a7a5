"""What time it is on the wall."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from movistream.watch.events import utc_text
from movistream.watch.watcher import Step


def wall_time(ago_s: float = 0.0) -> str:
    """The moment so many seconds ago, in UTC, as ISO 8601 with milliseconds."""
    return utc_text(datetime.now(timezone.utc) - timedelta(seconds=ago_s))


def seen_at(step: Step) -> str:
    """When the frame that a step is about was captured, or, of a recording, was played."""
    if step.at is not None:
        return utc_text(step.at)
    return wall_time(step.frame.time_s - step.time_s)
