"""What models are calibrated and judged on."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from movistream_converters.conversion import convert_source
from movistream_converters.quantise.videos import Part
from movistream_converters.tflite.precision import Precision
from movistream_training import evaluate as module
from movistream_training.errors import TrainingError
from movistream_training.evaluate import converted_files, judge, unseen_examples
from movistream_training.examples import Example, find_examples
from movistream_training.run_folder import RunFolder
from tests.conftest import small_checkpoint

SPLIT = """path,label,start,end,split
/videos/a.mp4,bow,0,2,training
/videos/a.mp4,bow,2,4,validation
/videos/b.mp4,wave,1.5,,training
/videos/c.mp4,wave,0,,validation
"""
TRAINED_ON = (Part(Path("/videos/a.mp4"), 0.0, 2.0), Part(Path("/videos/b.mp4"), 1.5, None))


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    folder = RunFolder(tmp_path)
    folder.split.write_text(SPLIT)
    folder.weights.write_text("float32")
    return folder


@pytest.fixture
def conversions(monkeypatch: pytest.MonkeyPatch) -> dict[Precision, dict[str, Any]]:
    """What is asked of the converter, by precision; files of a word are written in its place."""
    asked: dict[Precision, dict[str, Any]] = {}

    def convert_source(source: str, output: Path, **options: Any) -> None:
        asked[options["precision"]] = {**options, "source": source}
        output.write_text("converted")

    monkeypatch.setattr(module, "convert_source", convert_source)
    monkeypatch.setattr(module.safetensors_file, "read", lambda path: path.read_text())
    monkeypatch.setattr(module, "is_of_several", lambda path: False)
    return asked


def test_int8_is_calibrated_on_what_was_trained_on(
    run: RunFolder, conversions: dict[Precision, dict[str, Any]]
) -> None:
    """Never on what it is judged on afterwards; other precisions take no videos."""
    written: list[str] = []
    paths = converted_files(run, lambda path: written.append(path.name))
    names = ["float32.tflite", "float16.tflite", "dynamic.tflite", "int8.tflite"]
    assert [path.name for path in paths] == written == names
    assert conversions[Precision.INT8]["calibration_videos"] == TRAINED_ON
    for precision in (Precision.FLOAT32, Precision.FLOAT16, Precision.DYNAMIC):
        assert conversions[precision]["calibration_videos"] == ()
    assert {one["source"] for one in conversions.values()} == {"float32"}


def test_weights_trained_for_int8_are_for_int8_alone(
    run: RunFolder, conversions: dict[Precision, dict[str, Any]]
) -> None:
    run.int8_weights.write_text("for int8")
    converted_files(run, lambda path: None)
    sources = {precision.value: one["source"] for precision, one in conversions.items()}
    assert sources == {
        "float32": "float32",
        "float16": "float32",
        "dynamic": "float32",
        "int8": "for int8",
    }


def test_files_that_are_newer_than_the_weights_stay(
    run: RunFolder, conversions: dict[Precision, dict[str, Any]]
) -> None:
    for precision in ("float32", "dynamic"):
        (run.path / f"{precision}.tflite").write_text("as it was")
    (run.path / "float16.tflite").write_text("as it was")
    os.utime(run.weights, (1000, 1000))
    os.utime(run.path / "float16.tflite", (1001, 1001))
    os.utime(run.path / "float32.tflite", (1000, 1000))
    os.utime(run.path / "dynamic.tflite", (999, 999))
    converted_files(run, lambda path: None)
    assert set(conversions) == {Precision.DYNAMIC, Precision.INT8}
    assert (run.path / "float32.tflite").read_text() == "as it was"


def test_a_run_is_judged_on_what_it_was_validated_on(run: RunFolder) -> None:
    data, left_out = unseen_examples(run, None)
    assert left_out == 0
    assert data.labels == ("bow", "wave")
    assert [(e.path.name, e.start_s, e.end_s) for e in data.examples] == [
        ("a.mp4", 2.0, 4.0),
        ("c.mp4", 0.0, None),
    ]


def test_of_other_data_what_was_trained_on_is_left_out(run: RunFolder, tmp_path: Path) -> None:
    """Whatever overlaps it: the second half of a.mp4 was not trained on, its middle was."""
    table = tmp_path / "data.csv"
    table.write_text(
        "path,label,start,end\n/videos/a.mp4,bow,1,3\n/videos/a.mp4,bow,2,3\n"
        "/videos/b.mp4,wave,0,1.5\n/videos/b.mp4,wave,,\n/videos/d.mp4,wave,,\n"
    )
    data, left_out = unseen_examples(run, find_examples(table))
    assert left_out == 2
    assert [(e.path.name, e.start_s) for e in data.examples] == [
        ("a.mp4", 2.0),
        ("b.mp4", 0.0),
        ("d.mp4", 0.0),
    ]
    table.write_text("path,label\n/videos/a.mp4,bow\n/videos/b.mp4,wave\n")
    with pytest.raises(TrainingError, match="was trained on all of"):
        unseen_examples(run, find_examples(table))


@pytest.mark.parametrize(
    ("classes", "said"),
    [
        (0, "does not name its classes: convert it again with --labels"),
        (5, "has no class 'nothing'; its classes are thing 0, thing 1, thing 2, thing 3, thing 4$"),
        (20, "thing 18, thing 19$"),
        (21, "thing 18, thing 19 …$"),
    ],
)
def test_files_that_do_not_know_the_classes(classes: int, said: str, tmp_path: Path) -> None:
    path, labels = tmp_path / "m.tflite", [f"thing {index}" for index in range(classes)]
    checkpoint = small_checkpoint(image_size=32, num_classes=classes or 5)
    convert_source(checkpoint, path, labels=labels, verified=False)
    examples = [Example(Path("a.mp4"), "nothing"), Example(Path("b.mp4"), "thing 0")]
    with pytest.raises(TrainingError, match=said):
        judge(path, examples, None, lambda: None)
