"""Events held against what was wrong: what was seen, what was missed, what was nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from movistream.demo.health import AFTERMATH_S, HIDDEN, Fault
from movistream.watch.events import Event

_LINGERS_S = AFTERMATH_S + 0.5
"""After a fault, classes that are told from the last second know nothing for that second; and an
answer takes a moment to go."""


class Verdict(Enum):
    """What is to be said of a fault, an event, or both."""

    SEEN = "seen"
    MISSED = "missed"
    FALSE = "false"
    NOT_COUNTED = "not counted"


@dataclass(frozen=True)
class Finding:
    """A fault and an event that tells of it, or one of the two alone.

    Attributes:
        fault: that was seen or missed; what hides the truth of an event that is not counted; None
            for a false event.
        event: None: the fault was missed.
    """

    verdict: Verdict
    fault: Fault | None
    event: Event | None

    @property
    def start_s(self) -> float:
        """When it begins: the event, or the fault that was missed."""
        if self.event is not None:
            return self.event.start_s
        assert self.fault is not None
        return self.fault.begin_s


def findings_of(script: Sequence[Fault], events: Sequence[Event]) -> tuple[Finding, ...]:
    """What became of each fault, and of each event, in the order of their beginnings.

    An event tells of the first fault of its label that it shares a moment with. One that tells of
    none is not counted where a fault hides what it is about, or has until just before.
    """
    found = [_finding_of(script, event) for event in events]
    seen = {finding.fault for finding in found if finding.verdict is Verdict.SEEN}
    found += [Finding(Verdict.MISSED, fault, None) for fault in script if fault not in seen]
    return tuple(sorted(found, key=lambda finding: finding.start_s))


def delays_s(findings: Sequence[Finding]) -> dict[Fault, float]:
    """Of each fault that was seen, how much later than it its first event begins."""
    delays: dict[Fault, float] = {}
    for finding in findings:
        if finding.verdict is Verdict.SEEN and finding.fault is not None:
            delay_s = max(0.0, finding.start_s - finding.fault.begin_s)
            delays.setdefault(finding.fault, delay_s)
    return delays


def hides(fault: Fault, label: str, start_s: float, end_s: float) -> bool:
    """Whether nobody could tell of a class from one time to another, because of a fault."""
    hidden = label in HIDDEN.get(fault.label, ())
    return hidden and fault.begin_s <= start_s and end_s <= fault.end_s + _LINGERS_S


def _finding_of(script: Sequence[Fault], event: Event) -> Finding:
    for fault in script:
        same = fault.label == event.label
        if same and event.start_s < fault.end_s and event.end_s > fault.begin_s:
            return Finding(Verdict.SEEN, fault, event)
    for fault in script:
        if hides(fault, event.label, event.start_s, event.end_s):
            return Finding(Verdict.NOT_COUNTED, fault, event)
    return Finding(Verdict.FALSE, None, event)
