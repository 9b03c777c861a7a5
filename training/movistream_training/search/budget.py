"""What a network may cost: a limit on one measure, as people write it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from movistream.system.text import printable
from movistream_training.errors import SearchError
from movistream_training.search.features import CPUS

_NUMBER = r"(?P<number>\d+(?:\.\d+)?)\s*"
_SCALES = {"": 1.0, "k": 1e3, "M": 1e6, "G": 1e9}
_FIGURES = 4


class Measure(str, Enum):
    """What is limited; each value names its unit."""

    INSTRUCTIONS = "instructions"
    MILLISECONDS = "ms"
    MULTIPLY_ADDS = "multiply-adds"
    PEAK_BYTES = "bytes at the peak"
    FILE_BYTES = "bytes in the file"


@dataclass(frozen=True)
class Budget:
    """The most that a network may take.

    Attributes:
        limit: in the measure's own unit.
        cpu: the core that instructions are of; None for other measures.
    """

    measure: Measure
    limit: float
    cpu: str | None = None

    def __str__(self) -> str:
        return f"{amount(self.limit)} {self.unit}"

    @property
    def unit(self) -> str:
        """What the limit is a number of, in words."""
        if self.measure is Measure.INSTRUCTIONS:
            return f"instructions on {self.cpu}"
        if self.measure is Measure.MILLISECONDS:
            return "ms on this machine"
        return str(self.measure.value)


_FORMS = (
    (r"(?P<scale>[kMG]?)\s*instructions on (?P<cpu>\S+)", Measure.INSTRUCTIONS),
    (r"(?P<scale>)ms on this machine", Measure.MILLISECONDS),
    (r"(?P<scale>[kMG]?)\s*multiply-adds", Measure.MULTIPLY_ADDS),
    (r"(?:peak (?P<scale>[kM]?)B)", Measure.PEAK_BYTES),
    (r"(?:(?P<scale>[kM]?)B peak)", Measure.PEAK_BYTES),
    (r"(?:file (?P<scale>[kM]?)B)", Measure.FILE_BYTES),
    (r"(?:(?P<scale>[kM]?)B file)", Measure.FILE_BYTES),
)


def parse_budget(text: str) -> Budget:
    """Reads a budget.

    Args:
        text: such as ``1.4 M instructions on cortex-a76``, ``0.5 ms on this machine``,
            ``4 M multiply-adds``, ``200 kB peak`` or ``150 kB file``.

    Raises:
        SearchError: if it is none.
    """
    for form, measure in _FORMS:
        if (found := re.fullmatch(_NUMBER + form, text.strip())) is None:
            continue
        limit = float(found["number"]) * _SCALES[found["scale"]]
        cpu = found.groupdict().get("cpu")
        if cpu is not None and cpu not in CPUS:
            raise SearchError(f"there is no core {printable(cpu)}; there are {', '.join(CPUS)}")
        if not 0 < limit < 1e15:
            raise SearchError(f"a budget of {printable(text)} leaves nothing to search")
        return Budget(measure, limit, cpu)
    raise SearchError(
        f"{printable(text)!r} is no budget; write '1.4 M instructions on cortex-a76', '0.5 ms on"
        " this machine', '4 M multiply-adds', '200 kB peak' or '150 kB file'"
    )


def check_budgets(budgets: Sequence[Budget]) -> None:
    """Refuses none at all, and two of one kind.

    Raises:
        SearchError: if so.
    """
    if not budgets:
        raise SearchError("a search needs a budget")
    kinds = [(budget.measure, budget.cpu) for budget in budgets]
    for index, kind in enumerate(kinds):
        if kind in kinds[:index]:
            raise SearchError(f"there are two budgets of {budgets[index].unit}")


def amount(value: float) -> str:
    """A number with four figures, and thousands in letters: ``1.763 M``."""
    for scale, factor in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if abs(value) >= factor:
            return f"{value / factor:.{_FIGURES}g} {scale}"
    return f"{value:.{_FIGURES}g}"
