"""The commands on recordings in which several things happen: from a table to events."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

import movistream
from movistream.cli import command_line
from movistream.errors import MovistreamError
from movistream_converters.formats import safetensors_file
from movistream_converters.formats.source import Source
from movistream_converters.ir.builder import NetworkBuilder
from movistream_converters.ir.layers import Dense, Softmax, SpatialMean
from movistream_converters.ir.weights import random_weights
from movistream_training.recordings.table import find_recordings
from movistream_training.run_folder import RunFolder
from tests.training.two_motions import LABELS, write_recordings

ARCHITECTURE = """
stem_filters = 8
head_filters = 32
hidden_filters = 32
image_size = 32
frames_per_second = 10
clip_frames = 5
stream_head_activation = "relu6"
stream_activation = "relu6"

[[stages]]
filters = 8
stride = 2
layers = [{kernel_frames = 3, kernel_size = 3, expand_filters = 16, squeeze_excite = false}]

[[stages]]
filters = 16
stride = 2
layers = [{kernel_frames = 3, kernel_size = 3, expand_filters = 32, squeeze_excite = false}]
"""


def invoke(*arguments: object) -> Result:
    return CliRunner().invoke(command_line, [str(argument) for argument in arguments])


def run(*arguments: object) -> str:
    result = invoke(*arguments)
    assert result.exit_code == 0, (result.output, result.exception)
    return result.output


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_recordings(tmp_path_factory.mktemp("data"), count=6, seconds=12.0, seed=5)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> tuple[object, ...]:
    path = tmp_path_factory.mktemp("arch") / "tiny.txt"
    path.write_text(ARCHITECTURE, encoding="utf-8")
    return "--multi-label", "--arch", path, "--batch", 4, "--seed", 3


@pytest.fixture(scope="module")
def finished(
    tmp_path_factory: pytest.TempPathFactory, table: Path, tiny: tuple[object, ...]
) -> tuple[RunFolder, str]:
    path = tmp_path_factory.mktemp("run") / "run"
    arguments = ("--epochs", 1, "--int8-epochs", 1, "--clip-frames", 5, "--loss", "focal")
    return RunFolder(path), run("train", table, "-o", path, *arguments, *tiny)


def test_a_run_leaves_all_that_it_promises(finished: tuple[RunFolder, str], table: Path) -> None:
    folder, output = finished
    assert "4 classes: " in output
    assert "mAP " in output
    assert "mean average precision" in output
    assert "precision_recall.png" in output
    assert folder.precision_recall.read_bytes().startswith(b"\x89PNG")
    assert not folder.frames.exists()
    assert "waited_seconds" in folder.history.read_text()
    sides = find_recordings(folder.split)
    assert {one.split for one in sides.recordings} == {"training", "validation"}
    plain = {(one.path, one.moments) for one in sides.recordings}
    assert plain == {(one.path, one.moments) for one in find_recordings(table).recordings}
    for path in (folder.weights, folder.int8_weights):
        kept = safetensors_file.read(path)
        assert (kept.activation, kept.labels) == ("sigmoid", LABELS)
        assert kept.events is not None
        assert len(kept.events.enter) == 4


def test_its_files_carry_it_to_the_runtime(
    finished: tuple[RunFolder, str], table: Path, tmp_path: Path
) -> None:
    folder, _ = finished
    output = run("evaluate", folder.path, "--events", "--json")
    told = json.loads(output[output.index("[") :])
    assert [one["file"] for one in told] == [
        f"{name}.tflite" for name in ("float32", "float16", "dynamic", "int8")
    ]
    for one in told:
        assert 0 < one["map_frames"] <= 1
        assert one["events"]["f1"].keys() == {"0.1", "0.3", "0.5", "0.7"}
        assert one["classes"].keys() == set(LABELS)
    path = folder.path / "int8.tflite"
    with movistream.load(path) as model:
        assert (model.activation, model.manifest.schema_version) == ("sigmoid", 3)
        assert model.event_defaults == safetensors_file.read(folder.int8_weights).events
        with model.stream() as stream:
            result = stream.step(np.zeros((48, 48, 3), np.uint8))
        assert result.probabilities.sum() != pytest.approx(1.0, abs=1e-3)
    plot = tmp_path / "plot.png"
    output = run("evaluate", path, table, "--plot", plot)
    assert "6 recordings of 1.2 minutes, 720 frames, streamed" in output
    assert "F1 at 0.5" not in output
    assert len(list(tmp_path.glob("plot*.png"))) == 7
    video = table.parent / "0.mp4"
    lines = run("run", path, video, "--json", "--events", "--enter", 0.01, "--shortest", 0)
    events = [json.loads(line) for line in lines.splitlines() if '"event"' in line]
    assert len({event["label"] for event in events}) > 1


def test_the_same_command_goes_on(
    finished: tuple[RunFolder, str], table: Path, tiny: tuple[object, ...]
) -> None:
    folder, before = finished
    arguments = ("--epochs", 1, "--int8-epochs", 1, "--clip-frames", 5, "--loss", "focal")
    after = run("train", table, "-o", folder.path, *arguments, *tiny)
    kept = [line for line in before.splitlines() if line.startswith("kept")]
    assert [line for line in after.splitlines() if line.startswith("kept")] == kept


def test_what_does_not_go_together_is_refused(
    finished: tuple[RunFolder, str], table: Path, tmp_path: Path, tiny: tuple[object, ...]
) -> None:
    folder, _ = finished

    def refusal(*arguments: object) -> str:
        result = invoke(*arguments)
        assert result.exit_code != 0
        if isinstance(result.exception, MovistreamError):
            return str(result.exception)
        return result.output

    path = tmp_path / "run"
    assert "say --multi-label if several things" in refusal("train", table, "-o", path)
    assert "--loss is for --multi-label" in refusal("train", table, "-o", path, "--loss", "focal")
    assert "need a .csv table" in refusal("train", table.parent, "-o", path, *tiny)
    builder = NetworkBuilder("certain", (32, 32))
    builder.add("mean", SpatialMean())
    builder.add("logits", Dense(4))
    builder.add("shares", Softmax())
    network = builder.build()
    source = Source(network, random_weights(network, 1), frames_per_second=10.0)
    safetensors_file.write(source, tmp_path / "certain.safetensors")
    arguments = ("--from", tmp_path / "certain.safetensors", "--multi-label")
    assert "ends in a softmax" in refusal("train", table, "-o", path, *arguments)
    assert not path.exists()
    int8 = folder.path / "float32.tflite"
    assert "--warm-up is for videos of one" in refusal("evaluate", int8, table, "--warm-up", 3)
    assert "--events is for several labels" in refusal(
        "evaluate", "camera-motion", table, "--events"
    )
