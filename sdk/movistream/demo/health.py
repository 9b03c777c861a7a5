"""What may be wrong with a watching camera: nine classes, and what happens to the demo's when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

COVERED = "covered"
OUT_OF_FOCUS = "out of focus"
MOVED = "moved"
FROZEN = "frozen"
FLICKER = "flicker"
TOO_DARK = "too dark"
GLARE = "glare"
NOISE = "noise"
SCENE_CUT = "scene cut"

LABELS = (
    COVERED,
    OUT_OF_FOCUS,
    MOVED,
    FROZEN,
    FLICKER,
    TOO_DARK,
    GLARE,
    NOISE,
    SCENE_CUT,
)
"""Several may hold at once, and mostly none does."""

AFTERMATH_S = 1.0
"""A camera counts as moved, and its input as switched, for so long after it was."""

HIDDEN: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        COVERED: (OUT_OF_FOCUS, MOVED, FROZEN, FLICKER, GLARE, SCENE_CUT),
        TOO_DARK: (COVERED, OUT_OF_FOCUS, MOVED, FROZEN, FLICKER, SCENE_CUT),
        GLARE: (COVERED, OUT_OF_FOCUS, MOVED, FROZEN, FLICKER, SCENE_CUT),
        OUT_OF_FOCUS: (COVERED, MOVED),
        NOISE: (COVERED, OUT_OF_FOCUS, MOVED, FLICKER),
        SCENE_CUT: (MOVED, FLICKER, FROZEN),
        MOVED: (SCENE_CUT,),
    }
)
"""What cannot be told, or only sometimes, while something else is wrong: what a model says of it
then is neither right nor false."""


@dataclass(frozen=True)
class Fault:
    """Something that is wrong for a while.

    Attributes:
        label: one of :data:`LABELS`.
        begin_s: when it begins.
        end_s: when it is over: of a camera that was moved and of an input that was switched, the
            aftermath.
        ease_s: how long it takes to come, and to go, within these times; 0: it is sudden.
    """

    label: str
    begin_s: float
    end_s: float
    ease_s: float = 0.0

    def holds(self, time_s: float) -> bool:
        """Whether it is there at a time, however little of it."""
        return self.begin_s <= time_s < self.end_s

    def amount(self, time_s: float) -> float:
        """How much of it is there at a time, 0 to 1."""
        if not self.holds(time_s):
            return 0.0
        if not self.ease_s:
            return 1.0
        return min(1.0, (time_s - self.begin_s) / self.ease_s, (self.end_s - time_s) / self.ease_s)


SCRIPT = (
    Fault(COVERED, 3.0, 6.0, ease_s=0.3),
    Fault(TOO_DARK, 8.0, 11.0, ease_s=0.2),
    Fault(MOVED, 13.0, 14.4),
    Fault(OUT_OF_FOCUS, 16.5, 20.5, ease_s=0.4),
    Fault(FLICKER, 18.5, 22.5),
    Fault(FROZEN, 24.5, 27.5),
    Fault(SCENE_CUT, 29.5, 29.5 + AFTERMATH_S),
    Fault(GLARE, 32.5, 35.5, ease_s=0.2),
    Fault(NOISE, 37.5, 40.5),
)
"""What happens to the demo's camera: each fault once."""

SECONDS = 42.5
"""Of the demo's clip."""


def faults_at(script: Sequence[Fault], time_s: float) -> tuple[str, ...]:
    """The labels of what is wrong at a time, in the order of the script."""
    return tuple(fault.label for fault in script if fault.holds(time_s))
