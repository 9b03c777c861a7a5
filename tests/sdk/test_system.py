from __future__ import annotations

from pathlib import Path

import pytest

from movistream.serve.machine import SystemWatch, cpu_celsius, throttled


def zone(folder: Path, number: int, kind: str, temperature: str) -> None:
    path = folder / f"thermal_zone{number}"
    path.mkdir()
    (path / "type").write_text(f"{kind}\n")
    (path / "temp").write_text(f"{temperature}\n")


def test_temperatures(tmp_path: Path) -> None:
    assert cpu_celsius(tmp_path) is None
    zone(tmp_path, 0, "cpu-thermal", "51234")
    zone(tmp_path, 1, "nvme", "70000")
    zone(tmp_path, 2, "cpu-thermal", "no number")
    zone(tmp_path, 3, "x86_pkg_temp", "-40000")
    assert cpu_celsius(tmp_path) == pytest.approx(51.234)


def test_throttling(tmp_path: Path) -> None:
    path = tmp_path / "get_throttled"
    assert throttled(path) is None
    # Bits 16 to 19 say that it has been so since the start, bits 0 to 3 that it is so now.
    for text, expected in (("0\n", False), ("50000\n", False), ("50005\n", True), ("x\n", None)):
        path.write_text(text)
        assert throttled(path) is expected


def test_this_machine() -> None:
    found = SystemWatch().describe()
    assert found.resident_bytes > 1e7
    assert found.cpu_percent >= 0
