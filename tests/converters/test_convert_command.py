"""``movistream convert`` as a user meets it."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path

import pytest

import movistream
from movistream.cli import main
from movistream.file.inspection import inspect_file
from movistream_converters.conversion import convert_source
from movistream_converters.formats import safetensors_file
from movistream_converters.formats.model_garden.writer import write_checkpoint
from movistream_converters.ir.weights import random_weights
from movistream_converters.networks.movinet import ConvolutionType, build_movinet, default_options
from movistream_converters.tflite.precision import ERROR_LIMITS, ErrorLimits, Precision
from tests.conftest import small_checkpoint

Capture = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("checkpoint")
    network = build_movinet(replace(default_options("n0"), num_classes=3))
    kind = ConvolutionType.SEPARATE_3D
    write_checkpoint(network, random_weights(network, 2), folder / "ckpt-1", kind)
    return folder


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A source of three classes that is read in no time: without TensorFlow."""
    path = tmp_path_factory.mktemp("weights") / "w.safetensors"
    safetensors_file.write(small_checkpoint(num_classes=3), path)
    return path


def fails(arguments: list[str | Path], capsys: Capture) -> str:
    """Runs a command that has to fail; returns its one line of error."""
    with pytest.raises(SystemExit) as caught:
        main([str(argument) for argument in arguments])
    assert caught.value.code == 1
    error = capsys.readouterr().err
    assert "Traceback" not in error
    return error


def test_convert_says_what_it_found_and_did(
    checkpoint: Path, tmp_path: Path, capsys: Capture
) -> None:
    output = tmp_path / "m.tflite"
    labels = tmp_path / "labels.txt"
    labels.write_text("one\ntwo\nthree\n")
    arguments = [checkpoint, "-o", output, "--labels", labels, "--image-size", "48"]
    main(["convert", *map(str, arguments)])
    printed = capsys.readouterr()
    assert "movinet-n0-stream" in printed.out
    assert "3d_2plus1d           from the checkpoint" in printed.out
    assert "hard_sigmoid         from the default of movinet-n0-stream" in printed.out
    assert "verified on 16 frames" in printed.out
    *stages, note = printed.err.splitlines()
    assert stages == ["reading …", "lowering …", "comparing …"]
    assert note.endswith("say so with --activation and --gating and --head-activation")
    manifest = inspect_file(output).manifest
    assert manifest.labels == ("one", "two", "three")
    assert manifest.input.shape == (1, 48, 48, 3)
    assert manifest.network["se_type"] == "2plus3d"
    assert manifest.provenance is not None
    assert manifest.provenance.converter == f"movistream {movistream.__version__}"
    assert {path.name for path in tmp_path.iterdir()} == {"labels.txt", "m.tflite"}


def test_int8_with_its_report(
    checkpoint: Path, clip: Path, tmp_path: Path, capsys: Capture
) -> None:
    output = tmp_path / "m.tflite"
    options = ["--precision", "int8", "--calibrate", clip.parent, "--held-out", clip]
    main(["convert", *map(str, [checkpoint, "-o", output, "--image-size", "48", *options])])
    printed = capsys.readouterr()
    for expected in (
        "int8: ",
        "1 partition,",
        "calibration (1)",
        "held out (1)",
        "noisiest layers",
        "checked on 16 frames, reset and replayed: rounding to int8 moves logits by up to",
    ):
        assert expected in printed.out
    assert "verified" not in printed.out
    stages = [line for line in printed.err.splitlines() if line.endswith("…")]
    assert stages == [
        "reading …",
        "calibrating …",
        "choosing …",
        "lowering …",
        "decoding …",
        "comparing …",
        "judging …",
    ]
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"m.tflite", "m.report.json", "m.report.png"}


def test_a_file_below_the_asked_cosine_is_not_written(
    weights: Path, clip: Path, tmp_path: Path, capsys: Capture
) -> None:
    options = ["--precision", "float16", "--held-out", clip, "--fail-below", "1"]
    error = fails(["convert", weights, "-o", tmp_path / "m.tflite", *options], capsys)
    assert "mean cosine" in error
    assert list(tmp_path.iterdir()) == []


def test_no_verify_is_remembered(weights: Path, tmp_path: Path, capsys: Capture) -> None:
    output = tmp_path / "m.tflite"
    main(["convert", str(weights), "-o", str(output), "--no-verify"])
    assert "verified" not in capsys.readouterr().out
    provenance = inspect_file(output).manifest.provenance
    assert provenance is not None
    assert provenance.verification is None


def test_bad_checkpoints_leave_nothing(tmp_path: Path, capsys: Capture) -> None:
    output = tmp_path / "m.tflite"
    error = fails(["convert", tmp_path / "missing", "-o", output], capsys)
    assert "does not exist" in error
    assert list(tmp_path.iterdir()) == []


def test_bad_labels(weights: Path, tmp_path: Path, capsys: Capture) -> None:
    labels = tmp_path / "labels.txt"
    convert = ["convert", weights, "-o", tmp_path / "m.tflite", "--labels", labels]
    assert "there is no file" in fails(convert, capsys)
    labels.write_text("one\ntwo\n")
    assert f"{labels}: 2 labels for 3 classes" in fails(convert, capsys)
    convert[-1] = "jester"
    assert "jester: 27 labels for 3 classes" in fails(convert, capsys)
    convert[-1] = labels
    labels.write_text("one\n\nthree\n")
    assert "line 2 of the labels" in fails(convert, capsys)
    labels.write_text("one\n\x1b[31mtwo\nthree\n")
    assert "control characters" in fails(convert, capsys)
    labels.write_bytes(b"\xff\xfe\xfa")
    assert "not UTF-8" in fails(convert, capsys)
    assert not (tmp_path / "m.tflite").exists()


def test_outputs_that_cannot_be_written(weights: Path, tmp_path: Path, capsys: Capture) -> None:
    error = fails(["convert", weights, "-o", tmp_path / "no" / "m.tflite"], capsys)
    assert "does not exist" in error
    assert "is a folder" in fails(["convert", weights, "-o", tmp_path], capsys)
    file = tmp_path / "file"
    file.touch()
    assert "is not a folder" in fails(["convert", weights, "-o", file / "m.tflite"], capsys)
    assert "cannot write" in fails(["convert", weights, "-o", "/proc/m.tflite"], capsys)


def test_devices_and_pipes_survive(weights: Path, tmp_path: Path, capsys: Capture) -> None:
    """A rename would put a regular file in their place."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    assert "device or a pipe" in fails(["convert", weights, "-o", pipe], capsys)
    assert pipe.is_fifo()


def test_a_link_is_followed(weights: Path, tmp_path: Path) -> None:
    target, link = tmp_path / "target.tflite", tmp_path / "link.tflite"
    target.write_text("old")
    link.symlink_to(target)
    command = ["convert", str(weights), "-o", str(link), "--force", "--no-verify"]
    main(command)
    assert link.is_symlink()
    assert inspect_file(target).manifest.name == "movinet-n0-stream"


def test_an_existing_file_survives_a_failed_conversion(
    weights: Path, tmp_path: Path, capsys: Capture
) -> None:
    output = tmp_path / "m.tflite"
    output.write_text("precious")
    fails(["convert", weights, "-o", output, "--arch", "movinet-a0-stream"], capsys)
    assert output.read_text() == "precious"


def test_an_unfaithful_file_is_not_written(
    weights: Path, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ERROR_LIMITS, Precision.FLOAT32, ErrorLimits(1e-12, 1e-12))
    error = fails(["convert", weights, "-o", tmp_path / "m.tflite"], capsys)
    assert "not faithful" in error
    assert list(tmp_path.iterdir()) == []


def test_conversions_do_not_pile_up(tmp_path: Path) -> None:
    """Ten in one process take no more memory than two."""
    source = small_checkpoint()
    resident_kib = []
    for _ in range(10):
        convert_source(source, tmp_path / "m.tflite")
        status = Path("/proc/self/status").read_text()
        resident_kib.append(int(re.findall(r"VmRSS:\s+(\d+) kB", status)[0]))
    assert resident_kib[9] < 1.05 * resident_kib[1]
