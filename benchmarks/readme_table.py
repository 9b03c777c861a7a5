"""Writes the README's performance table from the figures of ``movistream bench --json``.

    python benchmarks/readme_table.py FIGURES.json README.md

What is between the two marks in the README is replaced; every number is also in the report of the
same run.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from movistream.system.output import replaced_when_done

BEGIN, END = "<!-- performance table -->\n", "<!-- end of performance table -->\n"


@click.command()
@click.argument("figures", type=click.Path(exists=True, path_type=Path))
@click.argument("readme", type=click.Path(exists=True, path_type=Path))
def main(figures: Path, readme: Path) -> None:
    """Replace README's table by one of FIGURES."""
    text = readme.read_text(encoding="utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise click.ClickException(f"{readme} has no {BEGIN.strip()} … {END.strip()}")
    table = table_of(json.loads(figures.read_text(encoding="utf-8")))
    with replaced_when_done(readme) as part:
        part.write_text(before + BEGIN + table + END + after, encoding="utf-8")


def table_of(figures: dict[str, Any]) -> str:
    """The table in Markdown, with the machine below it."""
    rows = [
        "| file | MB | ms per frame | ratio | its quartiles | private MB | ratio |",
        "|---|---|---|---|---|---|---|",
    ]
    first = figures["results"][0]["start"]["added"]["private_dirty_bytes"]
    for result in figures["results"]:
        ratio, added = result["ratio"], result["start"]["added"]["private_dirty_bytes"]
        cells = (
            result["name"],
            f"{result['file_bytes'] / 1e6:.2f}",
            f"{result['inference_ms']['median']:.2f}",
            f"{ratio['median']:.2f}",
            f"{ratio['lower']:.2f}–{ratio['upper']:.2f}",
            f"{added / 1e6:.2f}",
            f"{added / first:.2f}",
        )
        rows.append(f"| {' | '.join(cells)} |")
    machine = figures["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    about = f"{machine['cpu']}, {machine['cores']} cores, {versions}, {machine['taken_at']}."
    return "\n".join(rows) + f"\n\n{about}\n"


if __name__ == "__main__":
    main()
