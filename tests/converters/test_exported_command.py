"""``movistream convert MODEL.pt2`` as a user meets it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import movistream
from movistream.cli import main
from tests.converters.exported_programs import Recorded

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def program(tmp_path: Path) -> Path:
    generator = np.random.default_rng(3)

    def random(*shape: int) -> np.ndarray:
        return generator.normal(0, 0.5, shape).astype(np.float32)

    p = Recorded(np.zeros((1, 3, 6, 32, 32), np.float32), time_axis=2)
    y = p("pad", self=p.x, pad=[1, 1, 1, 1, 2, 0])
    y = p("conv3d", input=y, weight=p.weight("w", random(8, 3, 3, 3, 3)), stride=[1, 2, 2])
    y = p("mean", self=p("relu", self=y), dim=[2, 3, 4])
    return p.save(tmp_path / "net.pt2", p("linear", input=y, weight=p.weight("v", random(5, 8))))


TOLD = ("--value-range", "-1,1", "--mean", "0.1,0.2,0.3", "--std", "1,2,3")


def fails(arguments: list[str], capsys: Capture) -> str:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code in (1, 2)
    return capsys.readouterr().err


def test_what_is_told_is_what_the_network_sees(
    program: Path, tmp_path: Path, capsys: Capture
) -> None:
    output = tmp_path / "m.tflite"
    main(["convert", str(program), "-o", str(output), *TOLD, "--window", "all"])
    printed = " ".join(capsys.readouterr().out.split())
    assert "verified on 16 frames" in printed
    for line in (
        "clip NCTHW from its open number of frames, and its three channels",
        "num classes 5 from the program",
        "value range -1,1 from the command",
        "mean 0.1,0.2,0.3 from the command",
        "window frames all from the command",
    ):
        assert line in printed
    with movistream.load(output) as model:
        assert model.manifest.input.value_range == (-1.0, 1.0)
        assert model.manifest.input.std == (1.0, 2.0, 3.0)
        assert model.manifest.provenance is not None
        assert model.manifest.provenance.source_format == "torch-export"


def test_what_is_not_told_is_asked_for(program: Path, tmp_path: Path, capsys: Capture) -> None:
    output = ["-o", str(tmp_path / "m.tflite")]
    error = fails(["convert", str(program), *output, "--window", "3"], capsys)
    assert "say what 0 and 255 become with --value-range LOW,HIGH" in " ".join(error.split())
    error = fails(["convert", str(program), *output, *TOLD], capsys)
    assert "mean at /src/model.py:5" in error
    assert "--window all" in " ".join(error.split())


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--value-range", "1"),
        ("--value-range", "0,1,2"),
        ("--mean", "a,b,c"),
        ("--std", "1,2"),
        ("--mean", "nan,0,0"),
        ("--window", "some"),
        ("--window", "0"),
    ],
)
def test_values_that_are_none(
    option: str, value: str, program: Path, tmp_path: Path, capsys: Capture
) -> None:
    arguments = ["convert", str(program), "-o", str(tmp_path / "m.tflite"), option, value]
    assert option in fails(arguments, capsys)
