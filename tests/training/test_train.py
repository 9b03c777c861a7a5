"""The commands, from a folder of videos to figures."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

import movistream
from movistream.cli import command_line
from movistream.errors import MovistreamError
from movistream_converters.conversion import convert_source
from movistream_converters.formats import safetensors_file
from movistream_converters.formats.movinet_options import options_of
from movistream_converters.formats.source import Source
from movistream_converters.ir.adapting import with_classes
from movistream_converters.ir.builder import NetworkBuilder
from movistream_converters.ir.layers import (
    UNPADDED,
    BatchNormalization,
    Convolution,
    Dense,
    ParametricRelu,
    SpatialMean,
    WindowMean,
)
from movistream_converters.ir.weights import random_weights
from movistream_training import train_command
from movistream_training.history import Epoch
from movistream_training.run_folder import RunFolder
from tests.training.clips import write_data
from tests.training.test_train_recordings import ARCHITECTURE

LABELS = ("pan left", "pan right")


def run(*arguments: object) -> str:
    """What a command prints."""
    result = CliRunner().invoke(
        command_line, [str(argument) for argument in arguments], catch_exceptions=False
    )
    assert result.exit_code == 0, result.output
    return result.output


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two classes of four videos each."""
    return write_data(tmp_path_factory.mktemp("data") / "clips", LABELS, each=4)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> tuple[object, ...]:
    """Options of a network of two blocks, which takes seconds to trace and not to train."""
    path = tmp_path_factory.mktemp("arch") / "tiny.txt"
    path.write_text(ARCHITECTURE, encoding="utf-8")
    return "--arch", path, "--image-size", 32, "--batch", 4, "--frames", 5, "--seed", 3


@pytest.fixture(scope="module")
def finished(
    tmp_path_factory: pytest.TempPathFactory,
    data: Path,
    tiny: tuple[object, ...],
) -> tuple[RunFolder, str]:
    """A run of three epochs, and what it printed."""
    path = tmp_path_factory.mktemp("run") / "run"
    with pytest.MonkeyPatch.context() as patch:
        # However busy the machine is, nothing takes long enough for lines in between.
        patch.setattr(train_command, "_SECONDS_PER_LINE", 3600)
        return RunFolder(path), run("train", data, "-o", path, "--epochs", 3, *tiny)


def epochs(folder: RunFolder) -> list[str]:
    """Lines of the history, without how long each epoch took, and waited."""
    return [line.rsplit(",", 2)[0] for line in folder.history.read_text().splitlines()]


def test_a_run_leaves_all_that_it_promises(finished: tuple[RunFolder, str]) -> None:
    folder, output = finished
    assert "6 examples to train on, 2 to judge on" in output
    assert "epoch   3" in output
    assert "knows nothing yet, and learning to see takes thousands of videos" in output
    assert "step " not in output
    for path in (folder.curves, folder.confusion):
        assert path.read_bytes().startswith(b"\x89PNG")
    assert len(epochs(folder)) == 1 + 3
    assert list(folder.tensorboard.iterdir())
    source = safetensors_file.read(folder.weights)
    assert source.labels == LABELS
    assert (options_of(source).num_classes, options_of(source).image_size) == (2, 32)


def test_an_interrupted_run_takes_the_same_course(
    tmp_path: Path,
    data: Path,
    finished: tuple[RunFolder, str],
    monkeypatch: pytest.MonkeyPatch,
    tiny: tuple[object, ...],
) -> None:
    from movistream_training import train as module

    path = tmp_path / "run"
    recorded = module._Recorder.record

    def interrupt(self: Any, history: list[Epoch], weights: Any) -> None:
        recorded(self, history, weights)
        if len(history) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(module._Recorder, "record", interrupt)
    arguments = [*map(str, ("train", data, "-o", path, "--epochs", 3, *tiny))]
    assert CliRunner().invoke(command_line, arguments).exit_code != 0
    assert len(epochs(RunFolder(path))) == 1 + 2
    monkeypatch.undo()
    run(*arguments)
    folder, whole = RunFolder(path), finished[0]
    assert epochs(folder) == epochs(whole)
    found = safetensors_file.read(folder.weights).weights
    for name, value in safetensors_file.read(whole.weights).weights.items():
        np.testing.assert_array_equal(found[name], value)


def test_a_finished_run_is_not_trained_again(
    data: Path, finished: tuple[RunFolder, str], tiny: tuple[object, ...]
) -> None:
    before = finished[0].history.read_text()
    assert "epoch " not in run("train", data, "-o", finished[0].path, "--epochs", 3, *tiny).replace(
        "kept epoch", ""
    )
    assert finished[0].history.read_text() == before


def test_a_run_of_other_settings_is_left_alone(
    data: Path, finished: tuple[RunFolder, str], tiny: tuple[object, ...]
) -> None:
    with pytest.raises(MovistreamError, match=r"other settings \(recipe\)"):
        run("train", data, "-o", finished[0].path, "--epochs", 4, *tiny)


def test_evaluate_streams_every_precision(finished: tuple[RunFolder, str]) -> None:
    folder = finished[0]
    summaries = json.loads(run("evaluate", folder.path, "--json").splitlines()[-1])
    assert [one["file"] for one in summaries] == [
        "float32.tflite",
        "float16.tflite",
        "dynamic.tflite",
        "int8.tflite",
    ]
    for one in summaries:
        assert one["videos"] == 2
        assert 0 <= one["top_1"] <= one["top_5"] == 1
        assert set(one["classes"]) == set(LABELS)
    assert (folder.path / "accuracy.png").read_bytes().startswith(b"\x89PNG")


def test_evaluate_leaves_out_what_was_trained_on(
    data: Path, finished: tuple[RunFolder, str]
) -> None:
    output = run("evaluate", finished[0].path, data)
    assert "6 examples were trained on, and are left out" in output
    assert "2 videos, 16 frames, streamed" in output


def test_evaluate_a_split(finished: tuple[RunFolder, str]) -> None:
    folder = finished[0]
    output = run("evaluate", folder.path, folder.split, "--split", "validation")
    assert "2 videos, 16 frames, streamed" in output
    with pytest.raises(MovistreamError, match="none of the data names the split 'test'"):
        run("evaluate", folder.path, folder.split, "--split", "test")
    wrong = CliRunner().invoke(command_line, ["evaluate", str(folder.path), "--split", "test"])
    assert wrong.exit_code == 2
    assert "--split chooses among DATA" in wrong.output


def test_evaluate_a_file_and_shuffled(data: Path, finished: tuple[RunFolder, str]) -> None:
    run("evaluate", finished[0].path)
    file = finished[0].path / "int8.tflite"
    output = run("evaluate", file, data, "--shuffled", "--warm-up", 3)
    assert "in random order" in output
    assert "those after the first 3 of each video" in output


def test_evaluate_says_what_fast_decoding_moves(
    data: Path, finished: tuple[RunFolder, str]
) -> None:
    run("evaluate", finished[0].path)
    file = finished[0].path / "float32.tflite"
    output = run("evaluate", file, data, "--decode", "fast")
    assert "float32.tflite, decoded fast" in output
    exact, fast = json.loads(
        run("evaluate", file, data, "--decode", "fast", "--json").splitlines()[-1]
    )
    assert (exact["decode"], fast["decode"]) == ("exact", "fast")
    assert exact["cosine_to_exact"] == pytest.approx(1)
    assert -1 <= fast["cosine_to_exact"] <= 1
    assert fast["videos"] == exact["videos"]
    assert "cosine" not in run("evaluate", file, data)


def test_fine_tuning_starts_from_weights(
    tmp_path: Path,
    data: Path,
    finished: tuple[RunFolder, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = tmp_path / "run"
    options = ("--batch", 4, "--frames", 5, "--sub-clip", 2, "--epochs", 1)
    monkeypatch.setattr(train_command, "_SECONDS_PER_LINE", 0)
    output = run("train", data, "-o", path, "--from", finished[0].weights, *options)
    assert "knows nothing" not in output
    assert "step 1 of 2, loss " in output
    before, after = (
        safetensors_file.read(folder.weights).weights for folder in (finished[0], RunFolder(path))
    )
    # One epoch of a frozen backbone.
    changed = {name for name in before if (before[name] != after[name]).any()}
    assert changed
    assert all(name.startswith("classifier.") for name in changed)


def test_training_for_int8_brings_weights_of_its_own(
    tmp_path: Path, data: Path, finished: tuple[RunFolder, str]
) -> None:
    folder = RunFolder(tmp_path / "run")
    options = ("--batch", 4, "--frames", 5, "--epochs", 1, "--int8-epochs", 2)
    output = run("train", data, "-o", folder.path, "--from", finished[0].weights, *options)
    assert "for int8: kept epoch" in output
    float32, int8 = (
        safetensors_file.read(path).weights for path in (folder.weights, folder.int8_weights)
    )
    assert float32.keys() == int8.keys()
    run("evaluate", folder.path)
    with movistream.load(folder.path / "int8.tflite") as model:
        assert model.manifest.quantization == "int8"
        assert model.manifest.labels == LABELS


def test_videos_that_cannot_be_decoded_are_skipped_and_listed(
    tmp_path: Path, data: Path, tiny: tuple[object, ...]
) -> None:
    damaged = tmp_path / "data"
    shutil.copytree(data, damaged)
    (damaged / LABELS[0] / "empty.mp4").write_bytes(b"")
    (damaged / LABELS[1] / "noise.mp4").write_bytes(bytes(range(256)) * 64)
    whole = (data / LABELS[1] / "0.mp4").read_bytes()
    (damaged / LABELS[1] / "cut.mp4").write_bytes(whole[: len(whole) // 2])
    output = run("train", damaged, "-o", tmp_path / "run", "--epochs", 1, *tiny)
    assert "6 examples to train on, 2 to judge on" in output
    for name in ("empty.mp4", "noise.mp4", "cut.mp4"):
        assert name in output
        assert name in RunFolder(tmp_path / "run").skipped.read_text()


def test_a_class_of_damaged_videos_is_refused(
    tmp_path: Path, data: Path, tiny: tuple[object, ...]
) -> None:
    damaged = tmp_path / "data"
    shutil.copytree(data / LABELS[0], damaged / LABELS[0])
    (damaged / LABELS[1]).mkdir()
    (damaged / LABELS[1] / "empty.mp4").write_bytes(b"")
    with pytest.raises(MovistreamError, match=r"'pan right' has no video that can be decoded"):
        run("train", damaged, "-o", tmp_path / "run", *tiny)
    assert not (tmp_path / "run").exists()


def test_folders_that_hold_something_else(
    tmp_path: Path, data: Path, tiny: tuple[object, ...]
) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(MovistreamError, match="is not empty, and holds no run"):
        run("train", data, "-o", tmp_path, *tiny)
    with pytest.raises(MovistreamError, match="is not the folder of a finished"):
        run("evaluate", tmp_path, data)


def test_a_damaged_checkpoint_is_refused(
    tmp_path: Path, data: Path, finished: tuple[RunFolder, str], tiny: tuple[object, ...]
) -> None:
    path = tmp_path / "run"
    shutil.copytree(finished[0].path, path)
    RunFolder(path).checkpoint.write_bytes(b"nothing of use")
    with pytest.raises(MovistreamError, match="cannot be gone on from"):
        run("train", data, "-o", path, "--epochs", 3, *tiny)


def test_any_network_is_trained_further(data: Path, tmp_path: Path) -> None:
    """From a .tflite file, with a classifier of its own, for int8 too; and it is a source again."""
    builder = NetworkBuilder("own", (32, 32))
    builder.add("stem", Convolution(8, (1, 3, 3), (4, 4)))
    builder.add("norm", BatchNormalization())
    builder.add("temporal", Convolution(8, (3, 1, 1), depthwise=True))
    builder.add("act", ParametricRelu())
    builder.add("mean", SpatialMean())
    builder.add("scores", Dense(5))
    builder.add("last", WindowMean(2))
    network = builder.build()
    source = Source(network, random_weights(network, seed=1), name="own", frames_per_second=10.0)
    convert_source(source, tmp_path / "own.tflite")
    arguments = ("--from", tmp_path / "own.tflite", "--batch", 4, "--frames", 4)
    learning = ("--epochs", 2, "--frozen-epochs", 1, "--int8-epochs", 1, "--learning-rate", 0.01)
    output = run("train", data, "-o", tmp_path / "run", *arguments, *learning)
    assert "own, 2 classes" in output
    folder = RunFolder(tmp_path / "run")
    for path in (folder.weights, folder.int8_weights):
        found = safetensors_file.read(path)
        assert found.network == with_classes(network, 2)
        assert found.labels == LABELS
        assert found.weights.keys() == source.weights.keys()
        assert found.weights["scores.kernel"].shape == (1, 1, 8, 2)
    for name in ("stem.kernel", "temporal.kernel", "act.slope"):
        assert not np.array_equal(found.weights[name], source.weights[name])
    assert convert_source(found, tmp_path / "again.tflite").manifest.labels == LABELS
    convert_source(replace(source, frames_per_second=None), tmp_path / "own.tflite", verified=False)
    with pytest.raises(MovistreamError, match=r"own\.tflite does not say at what rate it sees"):
        run("train", data, "-o", tmp_path / "other", *arguments)


def test_images_of_another_size_need_other_weights(data: Path, tmp_path: Path) -> None:
    builder = NetworkBuilder("flat", (64, 64))
    builder.add("narrow", Convolution(4, (1, 40, 40), (8, 8), padding=UNPADDED))
    builder.add("flat", Dense(4))
    builder.add("logits", Dense(2))
    network = builder.build()
    source = Source(network, random_weights(network, seed=1), name="flat", frames_per_second=10.0)
    safetensors_file.write(source, tmp_path / "w.safetensors")
    arguments = ("train", data, "-o", tmp_path / "run", "--from", tmp_path / "w.safetensors")
    with pytest.raises(MovistreamError, match=r"flat\.kernel has a weight for each pixel"):
        run(*arguments, "--image-size", 80, "--epochs", 1)
    with pytest.raises(MovistreamError, match="32 pixels do not suit the network: narrow cannot"):
        run(*arguments, "--image-size", 32, "--epochs", 1)
