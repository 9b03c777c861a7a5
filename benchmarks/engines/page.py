"""Makes the tables of a comparison, for the terminal and for docs/engines.md.

python -m engines.page FIGURES.json PAGE.md
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

BEGIN = "<!-- figures of 'make bench-engines' -->"
END = "<!-- end of figures -->"
PRECISIONS = ("float32", "float16", "int8")

Row = dict[str, Any]
"""A :class:`engines.compare.Figure`, as JSON has it."""


def write_tables(figures: Sequence[Row], page: Path | None) -> None:
    """Prints the tables, and puts them into a page, between its marks.

    Raises:
        ValueError: if the page has no marks.
    """
    text = tables(figures)
    print(text)
    if page is None:
        return
    whole = page.read_text(encoding="utf-8")
    before, begin, rest = whole.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{page} has no line {BEGIN!r} followed by {END!r}")
    page.write_text(f"{before}{BEGIN}\n\n{text}\n{END}{after}", encoding="utf-8")


def tables(figures: Sequence[Row]) -> str:
    """The best of each engine and precision, and all that was tried, as Markdown."""
    return f"{_best_table(figures)}\n{_all_tables(figures)}"


def best(figures: Sequence[Row], key: str) -> Row | None:
    """The lowest of those that have a figure."""
    found = [figure for figure in figures if figure[key] is not None and not figure["refused"]]
    return min(found, key=lambda figure: figure[key], default=None)


def _best_table(figures: Sequence[Row]) -> str:
    networks = _names(figures, "network")
    head = ["engine"]
    head += [f"{network}: A76, M instructions, f32 / f16 / int8" for network in networks]
    head += [f"{network}: x86 time, f32 / int8" for network in networks]
    lines = [_line(head), _line(["---"] * len(head))]
    for engine in _names(figures, "engine"):
        row = [_with_version(figures, engine)]
        for key, precisions in (("instructions", PRECISIONS), ("time_ratio", ("float32", "int8"))):
            for network in networks:
                cells = []
                for precision in precisions:
                    chosen = best(_of(figures, network, engine, precision), key)
                    cells.append("–" if chosen is None else _number(chosen, key))
                row.append(" / ".join(cells))
        lines.append(_line(row))
    return "\n".join(lines) + "\n"


def _all_tables(figures: Sequence[Row]) -> str:
    parts = []
    for network in _names(figures, "network"):
        head = (
            "engine",
            "variant",
            "A76, M instructions",
            "x86, ms CPU",
            "ratio",
            "cosine",
            "largest difference",
        )
        lines = [f"### {network}, all that was tried\n", _line(head), _line(["---"] * len(head))]
        for figure in figures:
            if figure["network"] != network:
                continue
            if figure["refused"]:
                cells = ["", "", "", figure["refused"].replace("|", "/"), ""]
            else:
                alike = [each for each in (figure["x86"], figure["arm"]) if each is not None]
                cells = [
                    _number(figure, "instructions"),
                    _number(figure, "time_ms"),
                    _number(figure, "time_ratio"),
                    f"{min(each['cosine'] for each in alike):.5f}",
                    f"{max(each['difference'] for each in alike):.1e}",
                ]
            lines.append(_line([figure["engine"], figure["variant"], *cells]))
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


def _number(figure: Row, key: str) -> str:
    value = figure[key]
    if value is None:
        return ""
    return f"{value / 1e6:.1f}" if key == "instructions" else f"{value:.2f}"


def _of(figures: Sequence[Row], network: str, engine: str, precision: str) -> list[Row]:
    wanted = (network, engine, precision)
    return [f for f in figures if (f["network"], f["engine"], f["precision"]) == wanted]


def _with_version(figures: Sequence[Row], engine: str) -> str:
    versions = {f["version"] for f in figures if f["engine"] == engine and f["version"]}
    return " ".join([engine, *sorted(versions)[:1]])


def _names(figures: Sequence[Row], key: str) -> list[str]:
    return list(dict.fromkeys(figure[key] for figure in figures))


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    write_tables(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")), Path(sys.argv[2]))
