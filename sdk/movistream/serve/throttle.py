"""Failed attempts, by whose they are, in bounded memory."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

FREE_FAILURES = 10
"""So many in a row are answered as usual."""

SECONDS_PER_FAILURE = 6.0
"""After which one of them is forgotten."""

_MOST_ORIGINS = 1024


class Failures:
    """Who has failed how often lately."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Starts with none."""
        self._clock = clock
        self._forgotten_at_s: OrderedDict[str, float] = OrderedDict()

    def note(self, origin: str) -> float:
        """Counts a failure; returns for how many seconds there are too many, 0 for not."""
        now_s = self._clock()
        forgotten_at_s = max(self._forgotten_at_s.pop(origin, now_s), now_s) + SECONDS_PER_FAILURE
        most_s = now_s + (FREE_FAILURES + 1) * SECONDS_PER_FAILURE
        self._forgotten_at_s[origin] = min(forgotten_at_s, most_s)
        if len(self._forgotten_at_s) > _MOST_ORIGINS:
            self._forgotten_at_s.popitem(last=False)
        return max(0.0, self._forgotten_at_s[origin] - now_s - FREE_FAILURES * SECONDS_PER_FAILURE)

    def __len__(self) -> int:
        return len(self._forgotten_at_s)
