"""What a newcomer gets wrong: each is one line that says what it is and what must be."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest

from movistream.cli import main
from movistream.system.content import looks_like

Capture = pytest.CaptureFixture[str]

A_WEB_PAGE = "a web page: download the file itself, not the page that shows it"
PAGE = "<!DOCTYPE html>\n<html><title>404</title></html>\n"


def sound(path: Path) -> None:
    """An .mp4 without a picture."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=44_100)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 44_100), np.float32), "fltp", "mono")
        frame.sample_rate = 44_100
        container.mux([*stream.encode(frame), *stream.encode(None)])


FILES: dict[str, Callable[[Path], object]] = {
    "empty.mp4": lambda path: path.write_bytes(b""),
    "empty.tflite": lambda path: path.write_bytes(b""),
    "page.mp4": lambda path: path.write_text(PAGE),
    "page.tflite": lambda path: path.write_text(PAGE),
    "notes.mp4": lambda path: path.write_text("a list of things\n" * 9),
    "weights.tflite": lambda path: path.write_bytes(b"PK\x03\x04" + bytes(60)),
    "pointer.tflite": lambda path: path.write_text("version https://git-lfs.github.com/spec/v1\n"),
    "noise.mp4": lambda path: path.write_bytes(os.urandom(40) + bytes(100)),
    "sound.mp4": sound,
    "two.txt": lambda path: path.write_text("a\nb\n"),
    "folder": lambda path: path.mkdir(),
    "made": lambda path: (path.mkdir(), (path / "clip.mp4").write_text("mine")),
}


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model_path: Path, clip: Path) -> Path:
    for name, write in FILES.items():
        write(tmp_path / name)
    (tmp_path / "model.tflite").write_bytes(model_path.read_bytes())
    (tmp_path / "clip.avi").write_bytes(clip.read_bytes())
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ("run model.tflite empty.mp4", 1, "empty.mp4 is empty"),
        ("run model.tflite page.mp4", 1, "page.mp4 is no video, but a web page: download the file"),
        ("run model.tflite notes.mp4", 1, "notes.mp4 is no video, but text"),
        ("run model.tflite sound.mp4", 1, "sound.mp4 has no video track"),
        ("run model.tflite model.tflite", 2, "name a model first, then a source"),
        ("run model.tflite noise.mp4", 1, "noise.mp4 cannot be opened as a video"),
        ("run model.tflite two.txt", 1, "two.txt is no video, but text"),
        ("run model.tflite", 2, "name a model first, then a source: a video"),
        ("run empty.tflite clip.avi", 1, "empty.tflite is empty"),
        ("run page.tflite clip.avi", 1, "page.tflite is not a .tflite file, but a web page"),
        ("run weights.tflite clip.avi", 1, "is not a .tflite file, but a zip archive"),
        (
            "run pointer.tflite clip.avi",
            1,
            "a pointer of Git LFS: fetch the file by 'git",
        ),
        ("inspect clip.avi", 1, "clip.avi is not a .tflite file, but an .avi video"),
        (
            "run camera-moton clip.avi",
            1,
            "called 'camera-moton'; did you mean camera-motion?",
        ),
        ("run model.tflite clip.avi --labels two.txt", 1, "two.txt: 2 labels for 5 classes"),
        ("run model.tflite clip.avi --labels kinetics", 1, "one of jester, kinetics600"),
        ("run model.tflite clip.avi --allow thnig_1", 1, "did you mean 'thing 1'"),
        ("run model.tflite clip.avi --start 100", 1, "between start and end: it is 3.0 s long"),
        ("run model.tflite clip.avi -o out", 1, "its name must end in .mkv or .mov or .mp4"),
        ("run model.tflite clip.avi --output-dir two.txt", 1, "two.txt is a file, and a folder is"),
        ("run model.tflite clip.avi --csv a.csv --summary a.csv", 1, "is written already"),
        ("run model.tflite clip.avi --region 9,9,9", 2, "is no region such as 0,0,320,240"),
        ("convert clip.avi -o out.tflite", 1, "clip.avi is of no known kind"),
        ("convert model.tflite -o folder", 1, "folder is a folder; name a file in it"),
        ("convert model.tflite -o x.tflite --precision int4", 2, "'int4' is not one of"),
        ("convert model.tflite -o x.tflite --calibrate missing", 1, "missing"),
        ("bench page.tflite", 1, "a web page"),
        ("demo -o two.txt", 1, "two.txt is a file, and a folder is needed"),
        ("run model.tflite clip.avi --save-state folder", 1, "folder is a folder"),
        ("run model.tflite htp://x/y.mp4", 1, "htp://x begins with htp://…, which is not read"),
        ("convert model.tflite -o x.tflite --num-classes 6", 1, "has num classes 5, not 6"),
        ("convert model.tflite -o x.tflite --precision int8", 1, "name a file or a folder with"),
        ("convert model.tflite -o x.tflite --calibrate clip.avi", 1, "goes with --precision int8"),
        ("train folder -o run", 1, "folder"),
        ("train two.txt -o run", 1, "two.txt"),
        ("evaluate model.tflite", 2, "a .tflite file needs DATA to be judged on"),
        ("convert model.tflite -o out.onnx", 1, "the name of a model must end in .tflite"),
        ("run model.tflite clip.avi --csv -", 1, "- is no file; only --json writes to standard"),
        ("run model.tflite rtsp://", 1, "there is no host of this name"),
        ("run model.tflite clip.avi --weight-cache two.txt", 1, "it is a file, and a folder is"),
        ("demo -o made", 1, "made/clip.mp4 exists; name another file, or add --force"),
        ("completion tcsh", 2, "'tcsh' is not one of"),
        ("serve model.tflite missing.mp4 --port 99999", 2, "99999 is not in the range"),
    ],
)
def test_one_line_says_what_must_be(
    arguments: str, code: int, message: str, place: Path, capsys: Capture
) -> None:
    before = sorted(place.iterdir())
    with pytest.raises(SystemExit) as ended:
        main(arguments.split())
    told = capsys.readouterr().err
    assert ended.value.code == code, told
    assert message in told
    assert "Traceback" not in told
    # Nothing is half-written.
    assert sorted(place.iterdir()) == before


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"", "empty"),
        (b"\n  <HTML>", A_WEB_PAGE),
        (b"\0\0\0\x1cTFL3", "a .tflite model"),
        (b"%PDF-1.4", "a PDF"),
        (b"PK\x03\x04\x14\0", "a zip archive"),
        (b"\x1f\x8b\x08\0", "a gzip archive"),
        (b"\x89PNG\r\n\x1a\n\0", "a picture"),
        (b"\xff\xd8\xff\xe0\0", "a picture"),
        (b"\x1aE\xdf\xa3\x01\0", "a .mkv or .webm video"),
        (b"RIFF\0\0\0\0AVI LIST", "an .avi video"),
        (
            b"<?xml version='1.0'?>",
            A_WEB_PAGE,
        ),
        (b"<head>", A_WEB_PAGE),
        (b"words\x01" * 100, None),
        (b"w" * 60 + b"\x01", "text"),
        (b"w" * 40 + b"\x01", None),
        (b"\0\0\0\x18ftypmp42", "an .mp4 video or the like"),
        (b"just words\r\n\tand more", "text"),
        ("Wörter".encode(), "text"),
        (bytes(range(256)), None),
    ],
)
def test_what_a_file_looks_like(head: bytes, kind: str | None) -> None:
    assert looks_like(head) == kind
