"""``movistream run`` as a user meets it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import movistream
from movistream.cli import main
from movistream.errors import VideoError
from movistream.video import VideoFile
from tests.conftest import foreign_model

Capture = pytest.CaptureFixture[str]


def run_on_a_terminal(*arguments: str | Path) -> str:
    """What ``movistream run`` prints on a pseudo-terminal, as a person sees it."""
    script = "import pty, sys; sys.exit(pty.spawn(sys.argv[1:]) >> 8)"
    command = [sys.executable, "-m", "movistream", "run", *map(str, arguments)]
    found = subprocess.run(
        [sys.executable, "-c", script, *command], capture_output=True, check=True, timeout=60
    )
    return found.stdout.decode()


def run_json(arguments: list[str | Path], capsys: Capture) -> tuple[list[dict], str]:
    main(["run", *map(str, arguments), "--json"])
    printed = capsys.readouterr()
    return [json.loads(line) for line in printed.out.splitlines()], printed.err


def test_json_lines(model_path: Path, clip: Path, capsys: Capture) -> None:
    lines, summary = run_json([model_path, clip, "--top", "2"], capsys)
    # 5 frames per second of 10: every other one.
    assert [line["frame"] for line in lines] == list(range(0, 30, 2))
    assert [line["time_s"] for line in lines] == [round(i / 10, 4) for i in range(0, 30, 2)]
    assert set(lines[0]) == {"frame", "time_s", "preprocess_ms", "inference_ms", "top"}
    assert set(lines[0]["top"][0]) == {"index", "label", "score"}
    assert len(lines[0]["top"]) == 2
    assert lines[0]["top"][0]["label"] == f"thing {lines[0]['top'][0]['index']}"
    assert "15 frames" in summary
    assert "engine compiled-model" in summary


def test_results_equal_the_library(model_path: Path, clip: Path, capsys: Capture) -> None:
    lines, _ = run_json([model_path, clip, "--every", "3", "--engine", "interpreter"], capsys)
    with (
        movistream.load(model_path) as model,
        model.stream() as stream,
        VideoFile(clip) as video,
    ):
        results = [stream.step(frame.image) for frame in video.frames(every=3)]
    assert len(lines) == len(results) == 10
    for line, result in zip(lines, results, strict=True):
        assert line["top"][0]["index"] == result.top(1)[0].index
        assert line["top"][0]["score"] == pytest.approx(result.top(1)[0].score, abs=1e-5)


def test_frame_rates(model_path: Path, clip: Path, capsys: Capture) -> None:
    lines, _ = run_json([model_path, clip, "--fps", "4"], capsys)
    # At 10 frames per second, 4 per second: the first frame at or after 0, 0.25, 0.5, 0.75 …
    assert [line["frame"] for line in lines] == [0, 3, 5, 8, 10, 13, 15, 18, 20, 23, 25, 28]
    lines, notes = run_json([model_path, clip, "--fps", "100"], capsys)
    assert len(lines) == 30
    assert "fewer than the 100 that are wanted" in notes


def test_plain_lines_where_there_is_no_terminal(
    model_path: Path, clip: Path, capsys: Capture
) -> None:
    main(["run", str(model_path), str(clip), "--top", "1"])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 15
    assert lines[1].startswith("frame     2      0.20 s  thing ")


def test_labels_are_text_not_markup(model_path: Path, clip: Path, tmp_path: Path) -> None:
    labels = tmp_path / "labels.txt"
    labels.write_text("[/]\n[bold]x\na [gun] fight\nd\ne\n")
    assert "a [gun] fight" in run_on_a_terminal(model_path, clip, "--labels", labels)


def test_a_cut_off_video_is_noticed(
    model_path: Path, clip: Path, tmp_path: Path, capsys: Capture
) -> None:
    data = clip.read_bytes()
    cut = tmp_path / "cut.avi"
    cut.write_bytes(data[: len(data) // 2])
    lines, notes = run_json([model_path, cut], capsys)
    assert 0 < len(lines) < 15
    assert "says that it has 30 frames" in notes


def test_output_that_cannot_be_written(model_path: Path, clip: Path) -> None:
    command = [sys.executable, "-m", "movistream", "run", str(model_path), str(clip), "--json"]
    with Path("/dev/full").open("w") as full:
        found = subprocess.run(
            command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, check=False
        )
    assert found.returncode == 1
    assert found.stderr.splitlines()[-1] == "movistream: error: No space left on device"
    assert "Traceback" not in found.stderr


def test_a_live_table_on_a_terminal(model_path: Path, clip: Path) -> None:
    text = run_on_a_terminal(model_path, clip)
    assert "movinet-t0-stream on clip.avi" in text
    assert "frame 28, 2.80 s" in text


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "does not exist"),
        (b"", "cannot be opened"),
        (b"not a video" * 99, "cannot be opened"),
    ],
)
def test_bad_videos(
    content: bytes | None, message: str, model_path: Path, tmp_path: Path, capsys: Capture
) -> None:
    path = tmp_path / "bad.mp4"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SystemExit) as caught:
        main(["run", str(model_path), str(path)])
    assert caught.value.code == 1
    error = capsys.readouterr().err
    assert message in error
    assert len(error.splitlines()) == 1


def test_a_video_without_frames(clip: Path, tmp_path: Path) -> None:
    data = clip.read_bytes()
    path = tmp_path / "header.avi"
    path.write_bytes(data[:2048])
    with (
        pytest.raises(VideoError, match=r"holds no frame|cannot be opened"),
        VideoFile(path) as video,
    ):
        list(video.frames())


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--every", "2", "--fps", "3"], 2, "exclude each other"),
        (["--top", "0"], 2, "--top"),
        (["--fps", "nan"], 2, "--fps"),
        (["--threads", "40000"], 2, "--threads"),
        (["--engine", "gpu"], 2, "--engine"),
        (["--engine", "tflite-runtime"], 1, "pip install tflite-runtime"),
        (["--labels", "/nonexistent"], 1, "cannot read the labels"),
    ],
)
def test_bad_options(
    arguments: list[str], code: int, message: str, model_path: Path, clip: Path, capsys: Capture
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["run", str(model_path), str(clip), *arguments])
    assert caught.value.code == code
    error = capsys.readouterr().err
    assert message in error
    assert "Traceback" not in error


def test_a_foreign_model_says_that_its_rate_is_unknown(
    model_garden_path: Path, clip: Path, tmp_path: Path, capsys: Capture
) -> None:
    path = tmp_path / "exported.tflite"
    path.write_bytes(foreign_model("call"))
    lines, notes = run_json([path, clip], capsys)
    assert len(lines) == 30
    assert "does not say at what frame rate" in notes
    lines, notes = run_json([path, clip, "--fps", "5"], capsys)
    assert len(lines) == 15
    assert "does not say" not in notes
