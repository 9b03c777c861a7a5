"""Names of models: the built-in one, and files of the user's folder."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import movistream
from movistream.cli import command_line, parameters
from movistream.errors import ModelError
from movistream.file.inspection import inspect_file
from movistream.file.names import BUILT_IN_DIGESTS, find_model, models_folder, named_models
from movistream.stream import loading

BUILT_IN = "camera-motion"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's folder of models, and another one to work in."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    found = models_folder()
    assert found == tmp_path / "cache" / "movistream" / "models"
    found.mkdir(parents=True)
    return found


def refuse_trials(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise AssertionError("a built-in file needs no trial")

    monkeypatch.setattr(loading, "try_file", refuse)


def output_of(*arguments: object) -> str:
    result = CliRunner().invoke(command_line, [*map(str, arguments)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_the_built_in_models_are_loaded_by_their_names_and_not_tried(
    folder: Path, monkeypatch: pytest.MonkeyPatch, frames: Any
) -> None:
    refuse_trials(monkeypatch)
    monkeypatch.setenv("XDG_CONFIG_HOME", "/nonexistent")
    for name in BUILT_IN_DIGESTS:
        with movistream.load(name) as model, model.stream() as stream:
            assert model.labels
            assert stream.step(frames[0]).top(1)[0].label in model.labels


def test_built_in_files_are_sealed_as_the_code_says() -> None:
    built_in = [model for model in named_models() if model.built_in]
    assert {model.name for model in built_in} == set(BUILT_IN_DIGESTS)
    for model in built_in:
        assert inspect_file(model.path).manifest.digest == BUILT_IN_DIGESTS[model.name]


def test_a_changed_copy_is_not_trusted(tmp_path: Path) -> None:
    """Only the very bytes that the code knows pass for the built-in file."""
    data = bytearray(find_model(BUILT_IN).read_bytes())
    data[len(data) // 2] ^= 1
    changed = tmp_path / "changed.tflite"
    changed.write_bytes(data)
    with pytest.raises(ModelError, match=r"content has changed|damaged"):
        movistream.load(changed)


def test_a_file_of_the_folder_has_a_name(folder: Path, model_path: Path) -> None:
    shutil.copy(model_path, folder / "gestures v2.tflite")
    (folder / "notes.txt").write_text("no model")
    (folder / "deeper.tflite").mkdir()
    assert [model.name for model in named_models()] == [*BUILT_IN_DIGESTS, "gestures v2"]
    with movistream.load("gestures v2") as model:
        assert model.path == folder / "gestures v2.tflite"


def test_a_path_wins_over_a_name(folder: Path, model_path: Path) -> None:
    shutil.copy(model_path, BUILT_IN)
    assert find_model(BUILT_IN) == Path(BUILT_IN)
    Path(BUILT_IN).unlink()
    Path(BUILT_IN).mkdir()
    assert find_model(BUILT_IN).suffix == ".tflite"


def test_nobody_takes_the_name_of_the_built_in_model(folder: Path, model_path: Path) -> None:
    shutil.copy(model_path, folder / f"{BUILT_IN}.tflite")
    assert find_model(BUILT_IN).parent != folder
    assert [model.name for model in named_models()] == [*BUILT_IN_DIGESTS]


def test_an_unknown_name_is_answered_with_those_that_are_known(
    folder: Path, model_path: Path
) -> None:
    shutil.copy(model_path, folder / "gestures.tflite")
    with pytest.raises(
        ModelError,
        match=r"there is no file and no model called 'xyz';"
        " models with names are camera-motion, camera-motion-small, camera-health, gestures$",
    ):
        movistream.load("xyz")
    with pytest.raises(ModelError, match="'gesture'; did you mean gestures"):
        movistream.load("gesture")


@pytest.mark.parametrize("path", ["gone.tflite", "folder/gone", "./camera-motion", "../x"])
def test_a_path_that_is_not_there_is_no_name(folder: Path, path: str) -> None:
    with pytest.raises(ModelError, match=r"cannot read .*: No such file or directory"):
        movistream.load(path)


def test_a_name_that_would_colour_a_terminal_is_shown_with_escapes(folder: Path) -> None:
    with pytest.raises(ModelError, match=r"called '\\x1b\[31mred';"):
        movistream.load("\x1b[31mred")


def test_no_home_leaves_the_built_in_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", "")
    monkeypatch.setattr(Path, "home", lambda: (_ for _ in ()).throw(RuntimeError()))
    assert models_folder() is None
    assert [model.name for model in named_models()] == [*BUILT_IN_DIGESTS]


def test_words_are_models_or_sources(folder: Path, model_path: Path) -> None:
    for name in ("0", "picamera", "clips", "gestures"):
        shutil.copy(model_path, folder / f"{name}.tflite")
    Path("clips").mkdir()
    words = ["other.tflite", "gestures", "0", "picamera", "clips", BUILT_IN, "video.mp4"]
    found, sources = parameters.models_and_sources(words)
    assert found == [
        Path("other.tflite"),
        folder / "gestures.tflite",
        find_model(BUILT_IN),
    ]
    assert sources == ("0", "picamera", "clips", "video.mp4")


def test_commands_take_names(folder: Path, clip: Path) -> None:
    shown = json.loads(output_of("inspect", BUILT_IN, "--json"))
    assert shown["manifest"]["labels"][0] == "static"
    alone = tops(output_of("run", BUILT_IN, clip, "--json", "--threads", 1))
    assert len(alone) == 30
    assert tops(output_of("run", BUILT_IN, BUILT_IN, clip, "--json", "--threads", 1)) == alone


def tops(printed: str) -> list[list[dict]]:
    """What was said to each frame."""
    lines = map(json.loads, printed.splitlines())
    return [line["top"] for line in lines if line["type"] == "step"]


def test_names_are_listed(folder: Path, model_path: Path) -> None:
    shutil.copy(model_path, folder / "gestures.tflite")
    (folder / "page.tflite").write_text("<!doctype html>")
    (folder / "\x1b[31mred.tflite").write_bytes(model_path.read_bytes())
    listed = {
        entry["name"]: entry
        for entry in map(json.loads, output_of("models", "--json").splitlines())
    }
    assert set(listed) == {*BUILT_IN_DIGESTS, "gestures", "page", "\x1b[31mred"}
    assert listed[BUILT_IN]["built_in"]
    assert listed[BUILT_IN]["classes"] == 9
    assert listed["gestures"]["path"] == str(folder / "gestures.tflite")
    assert "page.tflite" in listed["page"]["error"]
    shown = output_of("models")
    unfolded = "".join(shown.split())
    for text in (*BUILT_IN_DIGESTS, "gestures", "builtin", "page.tflite", str(folder)[:20]):
        assert text in unfolded
    assert "\x1b" not in shown
