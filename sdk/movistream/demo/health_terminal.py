"""The camera-health model's timeline and events, printed within 80 columns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from movistream.demo.health import LABELS, Fault
from movistream.demo.health_findings import Finding, Verdict, delays_s, findings_of
from movistream.demo.health_timeline import HealthTimeline

_SYMBOLS = {
    Verdict.FALSE: "×",
    Verdict.MISSED: "░",
    Verdict.NOT_COUNTED: "~",
    Verdict.SEEN: "█",
    None: "·",
}
"""By what is to be said of a moment, the worst first."""

_STYLES = {
    Verdict.FALSE: "red",
    Verdict.MISSED: "red",
    Verdict.NOT_COUNTED: "yellow",
    Verdict.SEEN: "green",
    None: "dim",
}

_NAME_WIDTH = 14
_LINE_WIDTH = 80
_COLUMNS_PER_MARK = 10
_TENTHS = 10


def print_timeline(timeline: HealthTimeline, seconds: float) -> None:
    """Prints a row per class over time, then a line per event, then how many were seen.

    Args:
        seconds: that watching took.
    """
    console = Console(highlight=False, soft_wrap=True)
    findings = findings_of(timeline.script, timeline.events)
    times_s = [frame.time_s for frame in timeline.frames]
    column_s = _column_s(times_s[-1])
    names = {verdict: verdict.value if verdict else "nothing" for verdict in _SYMBOLS}
    legend = (f"{symbol} {names[said]}" for said, symbol in reversed(_SYMBOLS.items()))
    console.print("  ".join(legend))
    console.print(f"\n{_scale(times_s[-1], column_s)}")
    for label in LABELS:
        line = Text(label.ljust(_NAME_WIDTH))
        for said in _columns(label, timeline.script, findings, times_s, column_s):
            line.append(_SYMBOLS[said], _STYLES[said])
        console.print(line)
    console.print()
    for finding in findings:
        console.print(Text(_line(finding), _STYLES[finding.verdict]))
    console.print(f"\n{summary(timeline.script, findings)}")
    console.print(f"{len(times_s)} frames in {seconds:.1f} s, decoding included")


def summary(script: Sequence[Fault], findings: Sequence[Finding]) -> str:
    """How many faults were seen, how late, and how many events were nothing."""
    delays = [*delays_s(findings).values()]
    text = f"{len(delays)} of {len(script)} faults seen"
    if delays:
        mean_s = sum(delays) / len(delays)
        text += f", {mean_s:.1f} s late on average, {max(delays):.1f} s at most"
    false = sum(finding.verdict is Verdict.FALSE for finding in findings)
    return f"{text}; {false} false event{'' if false == 1 else 's'}"


def _line(finding: Finding) -> str:
    fault, event, verdict = finding.fault, finding.event, finding.verdict
    if event is None:
        assert fault is not None
        return f"missed {fault.label} from {fault.begin_s:.1f} s to {fault.end_s:.1f} s"
    line = f"{event.label} from {event.start_s:.1f} s to {event.end_s:.1f} s"
    line += f", {event.peak_score:.2f}"
    if verdict is Verdict.FALSE or fault is None:
        return f"false {line}"
    if verdict is Verdict.NOT_COUNTED:
        return f"also {line}; not counted beside {fault.label}"
    return f"seen {line}; true from {fault.begin_s:.1f} s to {fault.end_s:.1f} s"


def _column_s(seconds: float) -> float:
    """The time of a column, in whole tenths of a second, so that all fits in a line."""
    columns = _LINE_WIDTH - _NAME_WIDTH
    return (int(seconds * _TENTHS) // columns + 1) / _TENTHS


def _scale(seconds: float, column_s: float) -> str:
    """Times in seconds over the columns."""
    marks = range(0, int(seconds / column_s) + 1, _COLUMNS_PER_MARK)
    texts = (f"{mark * column_s:.0f}".ljust(_COLUMNS_PER_MARK) for mark in marks)
    return ("time, s".ljust(_NAME_WIDTH) + "".join(texts)).rstrip()


def _columns(
    label: str,
    script: Sequence[Fault],
    findings: Sequence[Finding],
    times_s: Sequence[float],
    column_s: float,
) -> list[Verdict | None]:
    """What holds for most of each column's frames, and the worse of two as many."""
    counts: dict[int, Counter[Verdict | None]] = {}
    for time_s in times_s:
        said = _said_at(label, script, findings, time_s)
        counts.setdefault(int(time_s / column_s + 1e-6), Counter())[said] += 1
    return [max(_SYMBOLS, key=counted.__getitem__) for counted in counts.values()]


def _said_at(
    label: str, script: Sequence[Fault], findings: Sequence[Finding], time_s: float
) -> Verdict | None:
    """What is to be said of a class at a time; None: nothing is wrong, and nothing was seen."""
    wrong = any(fault.label == label and fault.holds(time_s) for fault in script)
    for finding in findings:
        event = finding.event
        if event is None or event.label != label or not event.start_s <= time_s < event.end_s:
            continue
        if wrong or finding.verdict is Verdict.NOT_COUNTED:
            return finding.verdict
        return Verdict.FALSE
    return Verdict.MISSED if wrong else None
