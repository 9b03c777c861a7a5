"""The rows of archives and tables, to be held against each other."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet

_OF_THE_CALL = ("run", "ms", "attempts", "fingerprint", "logits")
"""Columns that differ from call to call, or that a table may have or not."""

Row = dict[str, Any]


def rows_of(place: Path) -> list[Row]:
    """The rows of a file, or of all shards in a folder, in an order that follows from them."""
    files = sorted(place.glob("shard-*.parquet")) if place.is_dir() else [place]
    rows = [row for file in files for row in pyarrow.parquet.ParquetFile(file).read().to_pylist()]
    for row in rows:
        for name in _OF_THE_CALL:
            row.pop(name, None)
    return sorted(rows, key=_key)


def _key(row: Row) -> tuple[Any, ...]:
    return row["video"], row["type"], row["frame"] or 0, row["start_s"] or 0.0, row["label"] or ""


def differences(ones: Sequence[Row], others: Sequence[Row], tolerance: float) -> Iterator[str]:
    """In what tables differ, a line for each row."""
    if len(ones) != len(others):
        yield f"{len(ones)} rows, and {len(others)}"
    for one, other in zip(ones, others, strict=False):
        names = [name for name in one if not _equal(one[name], other[name], tolerance)]
        if names:
            yield f"{one['type']} of {one['video']}: " + ", ".join(
                f"{name} {one[name]!r}, and {other[name]!r}" for name in names
            )


def not_once(rows: Sequence[Row]) -> list[str]:
    """Videos that have more rows of their own than one."""
    counts = Counter(row["video"] for row in rows if row["type"] == "video")
    return [video for video, count in counts.items() if count != 1]


def _equal(one: Any, other: Any, tolerance: float) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=0, abs_tol=tolerance)
    if isinstance(one, dict) and isinstance(other, dict):
        return all(_equal(one[name], other[name], tolerance) for name in one)
    if isinstance(one, list) and isinstance(other, list):
        pairs = zip(one, other, strict=False)
        return len(one) == len(other) and all(_equal(a, b, tolerance) for a, b in pairs)
    return bool(one == other)
