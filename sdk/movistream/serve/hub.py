"""Those who watch a feed over the network: each with bounded memory, none able to hold it up."""

from __future__ import annotations

import asyncio
import time
from collections import deque

MOST_WAITING_MESSAGES = 256
"""About half a minute at ten steps per second; who is further behind is dropped."""

LEVELS = ((240, 40), (360, 55), (480, 65), (720, 75))
"""Width in pixels and JPEG quality of pictures, the smallest first."""

_FIRST_LEVEL = 2
_SLOW_S = 0.35
_FAST_S = 0.12
_FAST_IN_A_ROW = 10


class Subscriber:
    """One who watches; lives on the event loop's thread.

    Pictures go one at a time: the next is sent when the last was acknowledged, at once small if
    that takes long, slowly larger again if it does not.

    Attributes:
        changed: set when there is something to send.
        over: set when it is too slow, and is to be disconnected.
        level: index into :data:`LEVELS`.
    """

    def __init__(self, *, pictures: bool = True, most_unshown_s: float = 20.0) -> None:
        """Starts without anything to send.

        Args:
            pictures: whether it wants any.
            most_unshown_s: see :attr:`is_silent`.
        """
        self._pictures = pictures
        self._most_unshown_s = most_unshown_s
        self.changed = asyncio.Event()
        self.over = asyncio.Event()
        self.level = _FIRST_LEVEL
        self._messages: deque[str] = deque()
        self._sent_s: float | None = None
        self._fast = 0

    def put(self, message: str) -> None:
        """Queues a message."""
        if len(self._messages) >= MOST_WAITING_MESSAGES:
            self.over.set()
        else:
            self._messages.append(message)
        self.changed.set()

    def take(self) -> str | None:
        """The next message; None if there is none."""
        return self._messages.popleft() if self._messages else None

    @property
    def wants_picture(self) -> bool:
        """Whether the last picture was shown."""
        return self._pictures and self._sent_s is None

    @property
    def is_silent(self) -> bool:
        """Whether a picture was sent too long ago, and not acknowledged."""
        sent_s = self._sent_s
        return sent_s is not None and time.monotonic() - sent_s > self._most_unshown_s

    def picture_sent(self) -> None:
        """A picture is on its way."""
        self._sent_s = time.monotonic()

    def picture_shown(self) -> None:
        """The last picture has arrived."""
        if self._sent_s is None:
            return
        taken_s, self._sent_s = time.monotonic() - self._sent_s, None
        if taken_s > _SLOW_S:
            self.level, self._fast = max(0, self.level - 1), 0
        elif taken_s < _FAST_S:
            self._fast += 1
            if self._fast >= _FAST_IN_A_ROW:
                self.level, self._fast = min(len(LEVELS) - 1, self.level + 1), 0
        self.changed.set()


class Hub:
    """The subscribers of one feed."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Starts with none.

        Args:
            loop: on whose thread subscribers live.
        """
        self._loop = loop
        self._subscribers: set[Subscriber] = set()

    def publish(self, message: str | None) -> None:
        """Gives a message to all, from any thread; None says that there is a new picture."""
        if self._subscribers and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._deliver, message)

    def add(self, subscriber: Subscriber) -> None:
        """From the loop's thread."""
        self._subscribers.add(subscriber)

    def remove(self, subscriber: Subscriber) -> None:
        """From the loop's thread."""
        self._subscribers.discard(subscriber)

    def __len__(self) -> int:
        return len(self._subscribers)

    def _deliver(self, message: str | None) -> None:
        for subscriber in self._subscribers:
            if message is None:
                subscriber.changed.set()
            else:
                subscriber.put(message)
