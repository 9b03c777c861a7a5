"""Figures on the pages, as the commands give them that the pages name."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from movistream.errors import EngineUnavailableError
from movistream.file.labels import labels_from
from movistream.file.names import BUILT_IN_DIGESTS, find_model
from movistream_benchmarks.arm.emulator import count, count_all, set_up
from movistream_benchmarks.arm.step_counted import Request
from movistream_converters import convert, random_weights
from movistream_converters.conversion import convert_source
from movistream_converters.formats.isolated import read_isolated
from movistream_converters.ir.cost import network_cost
from movistream_converters.networks.movinet import build_movinet, default_options
from movistream_converters.quantise.report import print_report
from movistream_converters.tflite.precision import Precision

ROOT = Path(__file__).parents[2]
EMULATOR = ROOT / "build" / "arm"
"""Where ``make bench-arm`` has it too."""


def page(name: str) -> str:
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


def test_instructions_of_the_built_in_models() -> None:
    try:
        set_up(EMULATOR)
    except EngineUnavailableError as reason:
        pytest.skip(str(reason))
    text = page("raspberry-pi.md")
    rows = re.findall(r"^\| (camera-.*), int8 \| (.+) \| (.+) \|$", text, re.MULTILINE)
    assert [name for name, *_ in rows] == [*BUILT_IN_DIGESTS]
    for name, *figures in rows:
        path = str(find_model(name))
        for cpu, figure in zip(("cortex-a76", "cortex-a72"), figures, strict=True):
            request = Request(path, False, "auto", "auto", warm_up=12, frames=5)
            found = count(EMULATOR, cpu, request).median / 1e6
            assert f"{found:.1f}" == figure, (name, cpu)


def test_counts_in_one_emulator_are_those_of_each_alone(tmp_path: Path) -> None:
    """To one in ten thousand: where memory lies moves a few instructions.

    The names are of one length: what Python does with them is counted.
    """
    try:
        set_up(EMULATOR)
    except EngineUnavailableError as reason:
        pytest.skip(str(reason))
    requests = []
    for name, source in (("a", "camera-motion"), ("b", "other"), ("c", "camera-motion")):
        path = tmp_path / f"{name}.tflite"
        if source == "other":
            network = build_movinet(replace(default_options("n0"), num_classes=3, image_size=64))
            convert(network, random_weights(network, seed=1), path)
        else:
            path.write_bytes(find_model(source).read_bytes())
        requests.append(Request(str(path), False, "auto", "auto", warm_up=12, frames=5))
    together = list(count_all(EMULATOR, "cortex-a76", requests))
    for one, each in zip(together, requests, strict=True):
        alone = count(EMULATOR, "cortex-a76", each)
        assert one.answer == alone.answer
        assert one.frames == pytest.approx(alone.frames, rel=1e-4)
        assert one.engine_alone == pytest.approx(alone.engine_alone, rel=1e-4)
    assert together[0].frames == pytest.approx(together[2].frames, rel=1e-4)
    assert together[0].frames != pytest.approx(together[1].frames, rel=1e-2)


def test_the_report_of_an_int8_file(reference: Callable[[str], Path], tmp_path: Path) -> None:
    """Ten clips of signs to calibrate on, nine others and two of other things to judge by."""
    signs = sorted(reference("clips/asl_gestures").iterdir())
    others = reference("clips/carving_ice.mp4"), reference("clips/bottle_detection.mp4")
    source = read_isolated(reference("goldens/k600_a0_stream"))
    conversion = convert_source(
        source,
        tmp_path / "m.tflite",
        labels=labels_from("kinetics600"),
        precision=Precision.INT8,
        calibration_videos=tuple(signs[:10]),
        held_out_videos=(*signs[10:], *others),
    )
    assert conversion.report is not None
    console = Console(width=100)
    with console.capture() as captured:
        print_report(conversion.report, console)
    text = page("quantise.md")
    (first,) = re.findall(r"^int8: .*$", text, re.MULTILINE)
    assert captured.get().startswith(f"{first}\n")
    work = network_cost(source.network).multiply_adds_per_frame / 1e6
    assert f"The network itself takes\n{work:.1f} M" in text
    for name, fidelity in conversion.report.fidelity.items():
        heading = f"{name} ({len(fidelity.clips)})"
        (row,) = re.findall(rf"^ +{re.escape(heading)} +(.*)$", text, re.MULTILINE)
        frames, cosine, worst, agreement, divergence = map(float, row.split())
        assert frames == fidelity.frames
        # Engines round as the CPU likes.
        assert cosine == pytest.approx(fidelity.mean_cosine, abs=3e-4)
        assert worst == pytest.approx(fidelity.worst_cosine, abs=1e-3)
        assert agreement == pytest.approx(fidelity.agreement, abs=0.03)
        assert divergence == pytest.approx(fidelity.mean_divergence, abs=1e-3)
