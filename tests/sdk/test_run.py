"""``movistream run`` as a user meets it."""

from __future__ import annotations

import csv
import dataclasses
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import movistream
from movistream.cli import main
from movistream.errors import VideoError
from movistream.sources import VideoFile
from movistream.sources.picking import pick_at_rate
from movistream_converters.conversion import convert_source
from movistream_converters.ir.weights import random_weights
from tests.conftest import foreign_model, small_checkpoint
from tests.sdk.videos import MjpegServer, RtspServer, write_timed_video

Capture = pytest.CaptureFixture[str]


def run_on_a_terminal(*arguments: str | Path) -> str:
    """What ``movistream run`` prints on a pseudo-terminal, as a person sees it."""
    script = "import pty, sys; sys.exit(pty.spawn(sys.argv[1:]) >> 8)"
    command = [sys.executable, "-m", "movistream", "run", *map(str, arguments)]
    found = subprocess.run(
        [sys.executable, "-c", script, *command], capture_output=True, check=True, timeout=60
    )
    return found.stdout.decode()


def run_lines(arguments: list[str | Path], capsys: Capture) -> tuple[list[dict], str]:
    """All JSON lines, and what is on stderr."""
    main(["run", *map(str, arguments), "--json"])
    printed = capsys.readouterr()
    return [json.loads(line) for line in printed.out.splitlines()], printed.err


def run_json(arguments: list[str | Path], capsys: Capture) -> tuple[list[dict], str]:
    """The JSON lines of steps, and what is on stderr."""
    lines, told = run_lines(arguments, capsys)
    return of_type("step", lines), told


def of_type(kind: str, lines: list[dict]) -> list[dict]:
    return [line for line in lines if line["type"] == kind]


def test_what_is_around_the_steps(model_path: Path, clip: Path, capsys: Capture) -> None:
    """Each line says which vocabulary it is in; the last has the answer to the whole clip."""
    lines, _ = run_lines([model_path, clip, "--top", "2"], capsys)
    assert {(line["version"], line["source"]) for line in lines} == {(1, str(clip))}
    start, *steps, end = lines
    assert {line["type"] for line in steps} == {"step"}
    assert (start["type"], start["live"], start["seconds"]) == ("start", False, 3.0)
    assert (end["type"], end["steps"], end["complete"]) == ("end", 15, True)
    assert end["is_mean"] is False
    assert end["top"] == steps[-1]["top"]


def test_json_lines(model_path: Path, clip: Path, capsys: Capture) -> None:
    lines, summary = run_json([model_path, clip, "--top", "2"], capsys)
    # 5 frames per second of 10: every other one.
    assert [line["frame"] for line in lines] == list(range(0, 30, 2))
    assert [line["time_s"] for line in lines] == [round(i / 10, 4) for i in range(0, 30, 2)]
    fields = ["version", "type", "source", "frame", "time_s", "preprocess_ms", "inference_ms"]
    assert list(lines[0]) == [*fields, "top", "going_on"]
    assert lines[0]["source"] == str(clip)
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
        results = [stream.step(frame.image) for frame in video if frame.index % 3 == 0]
    assert len(lines) == len(results) == 10
    for line, result in zip(lines, results, strict=True):
        assert line["top"][0]["index"] == result.top(1)[0].index
        assert line["top"][0]["score"] == pytest.approx(result.top(1)[0].score, abs=1e-5)


def test_frame_rates(model_path: Path, clip: Path, capsys: Capture) -> None:
    lines, _ = run_json([model_path, clip, "--fps", "4"], capsys)
    # At 10 frames per second, 4 per second: nearest to 0, 2.5, 5, 7.5 …, of two the earlier.
    assert [line["frame"] for line in lines] == [0, 2, 5, 7, 10, 12, 15, 17, 20, 22, 25, 27]
    lines, notes = run_json([model_path, clip, "--fps", "100"], capsys)
    assert len(lines) == 30
    assert "fewer than the 100 that are wanted" in notes


def test_plain_lines_where_there_is_no_terminal(
    model_path: Path, clip: Path, capsys: Capture
) -> None:
    main(["run", str(model_path), str(clip), "--top", "1"])
    lines = capsys.readouterr().out.splitlines()
    *lines, answer = lines
    assert len(lines) == 15
    assert lines[1].startswith("frame     2      0.20 s  thing ")
    assert answer == f"answer  {lines[-1].partition(' s  ')[2]}"


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
    assert "movinet-n0-stream on clip.avi" in text
    # The answer is below the table.
    assert text.rindex("answer  thing ") > text.rindex("frame 28, 2.80 s: preprocess")
    assert "frame 28, 2.80 s" in text


def test_what_is_going_on_is_under_a_live_table(model_path: Path, clip: Path) -> None:
    """From the first frame on, as a score of 0.01 is enough."""
    told = run_on_a_terminal(model_path, clip, "--events", "--enter", "0.01", "--shortest", "0")
    assert "seeing thing 0 since 0.0 s" in told
    assert "seeing" not in run_on_a_terminal(model_path, clip)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "does not exist"),
        (b"", "is empty"),
        (b"not a video" * 99, "is no video, but text"),
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
        list(video)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--every", "2", "--fps", "3"], 2, "exclude each other"),
        (["--top", "0"], 2, "--top"),
        (["--fps", "nan"], 2, "--fps"),
        (["--threads", "40000"], 2, "--threads"),
        (["--engine", "gpu"], 2, "--engine"),
        (["--engine", "tflite-runtime"], 1, "pip install tflite-runtime"),
        (["--labels", "/nonexistent"], 1, "there is no file"),
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


def run(*arguments: str | Path) -> None:
    main(["run", *map(str, arguments)])


def exit_code(*arguments: str | Path) -> object:
    with pytest.raises(SystemExit) as caught:
        run(*arguments)
    return caught.value.code


@pytest.fixture(scope="module")
def other_model_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another network of the same classes."""
    path = tmp_path_factory.mktemp("other") / "other.tflite"
    checkpoint = small_checkpoint(frames_per_second=5.0)
    weights = random_weights(checkpoint.network, seed=8)
    convert_source(dataclasses.replace(checkpoint, weights=weights), path)
    return path


def test_several_sources_are_tagged(
    model_path: Path, clip: Path, tmp_path: Path, capsys: Capture
) -> None:
    second = tmp_path / "second.avi"
    second.write_bytes(clip.read_bytes())
    alone, _ = run_json([model_path, clip], capsys)
    lines, _ = run_json([model_path, clip, second, "--workers", "2"], capsys)
    for path in (clip, second):
        own = [line for line in lines if line["source"] == str(path)]
        assert [line["top"] for line in own] == [line["top"] for line in alone]
    run(model_path, clip, second, "--top", "1")
    assert f"{second}  frame     0" in capsys.readouterr().out


def test_one_of_several_fails(model_path: Path, clip: Path, capsys: Capture) -> None:
    assert exit_code(model_path, "missing.mp4", clip, "--json") == 1
    printed = capsys.readouterr()
    lines = [json.loads(line) for line in printed.out.splitlines()]
    (error,) = of_type("error", lines)
    assert (error["source"], error["steps"], error["top"]) == ("missing.mp4", 0, [])
    assert "does not exist" in error["reason"]
    assert len(of_type("step", lines)) == 15
    assert "1 source failed:" in printed.err


def test_an_ensemble(model_path: Path, other_model_path: Path, clip: Path, capsys: Capture) -> None:
    lines, _ = run_json([model_path, other_model_path, clip], capsys)
    with movistream.load(model_path) as one, movistream.load(other_model_path) as other:
        ensemble = movistream.Ensemble([one, other])
        with ensemble.stream() as stream, VideoFile(clip) as video:
            for line, frame in zip(lines, pick_at_rate(video, 5), strict=True):
                best = stream.step(frame.image).top(1)[0]
                assert line["top"][0]["label"] == best.label
                assert line["top"][0]["score"] == pytest.approx(best.score, abs=1e-5)
    lines, _ = run_json([model_path, clip, "--interleaved"], capsys)
    # Each half at 5 frames per second: all ten are taken.
    assert [line["frame"] for line in lines] == list(range(30))


def test_events(model_path: Path, clip: Path, capsys: Capture) -> None:
    # A random network is never sure: what comes first is above a quarter.
    low = ("--events", "--enter", "0.3", "--leave", "0.1", "--shortest", "1")
    run(model_path, clip, *low)
    lines = capsys.readouterr().out.splitlines()
    *lines, answer = lines
    assert lines
    assert all(" s to " in line for line in lines)
    assert answer.startswith("answer  thing ")
    objects, _ = run_lines([model_path, clip, *low], capsys)
    events = of_type("event", objects)
    fields = ["phase", "index", "label", "start_s", "end_s", "peak_score"]
    assert list(events[0]) == ["version", "type", "source", *fields]
    for phase in ("begin", "end"):
        assert sum(event["phase"] == phase for event in events) == len(lines)
    assert len(of_type("step", objects)) == 15
    # Between its two lines, an event goes on.
    began = objects.index(events[0])
    assert [event["label"] for event in objects[began - 1]["going_on"]] == [events[0]["label"]]
    assert objects[1]["going_on"] == []


def test_allowed_labels(model_path: Path, clip: Path, capsys: Capture) -> None:
    lines, _ = run_json([model_path, clip, "--allow", "thing 1", "--allow", "thing 3"], capsys)
    assert {entry["label"] for line in lines for entry in line["top"]} == {"thing 1", "thing 3"}
    assert exit_code(model_path, clip, "--deny", "thing 9") == 1
    assert "no label 'thing 9'" in capsys.readouterr().err


def test_resets(model_path: Path, clip: Path, capsys: Capture) -> None:
    lines, _ = run_lines([model_path, clip, "--reset-every", "1"], capsys)
    resets = of_type("notice", lines)
    assert {reset["kind"] for reset in resets} == {"reset"}
    assert [reset["time_s"] for reset in resets] == [1.0, 2.0]
    assert resets[0]["reason"] == "interval; state reset"


def test_saved_states(
    model_path: Path, other_model_path: Path, clip: Path, tmp_path: Path, capsys: Capture
) -> None:
    state = tmp_path / "state.npz"
    whole, _ = run_json([model_path, clip], capsys)
    first, _ = run_json([model_path, clip, "--end", "1.2", "--save-state", state], capsys)
    rest, _ = run_json([model_path, clip, "--start", "1.2", "--resume", state], capsys)
    assert len(first) == 6
    assert [line["top"] for line in (*first, *rest)] == [line["top"] for line in whole]
    assert exit_code(other_model_path, clip, "--resume", state) == 1
    assert "another model" in capsys.readouterr().err
    assert exit_code(model_path, clip, "--save-state", state) == 1
    assert f"{state} exists" in capsys.readouterr().err


def test_outputs(model_path: Path, clip: Path, tmp_path: Path, capsys: Capture) -> None:
    video, plot, table = tmp_path / "out.mp4", tmp_path / "plot.png", tmp_path / "table.csv"
    outputs = ("--out", video, "--plot", plot, "--csv", table)
    run(model_path, clip, *outputs, "--top", "3")
    with VideoFile(video) as written, VideoFile(clip) as read:
        drawn, frames = list(written), list(read)
    assert [round(frame.time_s, 3) for frame in drawn] == [
        round(frame.time_s, 3) for frame in frames
    ]
    # The picture, enlarged, above the panel.
    scale = drawn[0].image.shape[1] // frames[0].image.shape[1]
    upper = drawn[20].image[: 240 * scale : scale, ::scale]
    assert np.abs(upper.astype(int) - frames[20].image).mean() < 12
    assert plot.read_bytes().startswith(b"\x89PNG")
    rows = list(csv.DictReader(table.read_text().splitlines()))
    assert [row["frame"] for row in rows] == [str(index) for index in range(0, 30, 2)]
    assert rows[0]["label_3"].startswith("thing ")
    before = video.read_bytes()
    assert exit_code(model_path, clip, *outputs) == 1
    assert "add --force" in capsys.readouterr().err
    assert video.read_bytes() == before
    run(model_path, clip, *outputs, "--force")


def test_raw_frames_on_standard_input(model_path: Path, frames: np.ndarray) -> None:
    command = [sys.executable, "-m", "movistream", "run", str(model_path), "-", "--json"]
    size = f"{frames.shape[2]}x{frames.shape[1]}"
    command += ["--source-size", size, "--source-fps", "5"]
    found = subprocess.run(
        command, input=frames.tobytes(), capture_output=True, check=True, timeout=60
    )
    lines = of_type("step", [json.loads(line) for line in found.stdout.splitlines()])
    assert [line["time_s"] for line in lines] == [round(i / 5, 4) for i in range(len(frames))]


def test_a_folder_of_images(
    model_path: Path, frames: np.ndarray, tmp_path: Path, capsys: Capture
) -> None:
    for number, frame in enumerate(frames):
        Image.fromarray(frame).save(tmp_path / f"{number}.png")
    lines, _ = run_json([model_path, tmp_path], capsys)
    with movistream.load(model_path) as model, model.stream() as stream:
        expected = [stream.step(frame).top(1)[0].index for frame in frames]
    assert [line["top"][0]["index"] for line in lines] == expected


def archive(folder: Path, clip: Path) -> Path:
    """Four videos in folders, of which one is damaged."""
    videos = folder / "videos"
    for name in ("a.mkv", "deep/b.avi", "deep/c.avi", "deep/bad.mp4"):
        (videos / name).parent.mkdir(parents=True, exist_ok=True)
        (videos / name).write_bytes(clip.read_bytes())
    write_timed_video(videos / "deep/bad.mp4", [200 * number for number in range(40)])
    data = bytearray((videos / "deep/bad.mp4").read_bytes())
    middle = (data.index(b"mdat") + data.index(b"moov")) // 2
    data[middle : middle + 400] = bytes(400)
    (videos / "deep/bad.mp4").write_bytes(data)
    (videos / "notes.txt").write_text("no video")
    return videos


def test_archives(model_path: Path, clip: Path, tmp_path: Path, capsys: Capture) -> None:
    videos, results = archive(tmp_path, clip), tmp_path / "results"
    arguments = (model_path, videos, "--output-dir", results, "--workers", "2")
    assert exit_code(*arguments) == 1
    told = capsys.readouterr().err
    assert "1 source failed:" in told
    assert "bad.mp4, after" in told
    names = ["a.mkv", "deep/b.avi", "deep/c.avi", "deep/bad.mp4"]
    found = {
        name: [json.loads(line) for line in (results / f"{name}.jsonl").read_text().splitlines()]
        for name in names
    }
    for name in names[:3]:
        end = found[name][-1]
        assert (end["type"], end["steps"], end["complete"]) == ("end", 15, True)
        assert end["top"] == found[name][-2]["top"]
        assert len(found[name]) == 17
    assert "damaged after frame" in found["deep/bad.mp4"][-1]["reason"]
    assert len(of_type("step", found["deep/bad.mp4"])) > 5
    # What is whole is not run again; what has failed or changed is.
    times = {name: (results / f"{name}.jsonl").stat().st_mtime_ns for name in names}
    first_line = (results / "deep/c.avi.jsonl").read_text().splitlines()[0]
    (results / "deep/c.avi.jsonl").write_text(f"{first_line}\n")
    write_timed_video(videos / "a.mkv", [200 * number for number in range(10)])
    assert exit_code(*arguments) == 1
    assert "1 video finished before" in capsys.readouterr().err
    assert (results / "deep/b.avi.jsonl").stat().st_mtime_ns == times["deep/b.avi"]
    assert '"steps": 10' in (results / "a.mkv.jsonl").read_text()
    # Other options are another run, which replaces nothing unless it is told to.
    (videos / "deep/bad.mp4").unlink()
    before = (results / "deep/b.avi.jsonl").read_bytes()
    assert exit_code(*arguments, "--top", "2") == 1
    assert "of other options or of something else; name another folder" in capsys.readouterr().err
    assert (results / "deep/b.avi.jsonl").read_bytes() == before
    run(*arguments, "--top", "2", "--force")
    assert "finished before" not in capsys.readouterr().err
    run(*arguments, "--top", "2")
    assert "3 videos finished before" in capsys.readouterr().err


def test_tables_of_an_archive_are_whole_after_a_resume(
    model_path: Path, clip: Path, tmp_path: Path, capsys: Capture
) -> None:
    """Those that were finished before are in them too."""
    videos, results = archive(tmp_path, clip), tmp_path / "results"
    table, summary = tmp_path / "frames.csv", tmp_path / "clips.csv"
    low = ("--events", "--enter", "0.21", "--leave", "0.1", "--shortest", "1")
    arguments = (model_path, videos, "--output-dir", results, *low)
    assert exit_code(*arguments) == 1
    hidden = tmp_path / "hidden.jsonl"
    (results / "deep/b.avi.jsonl").rename(hidden)
    assert exit_code(*arguments, "--csv", table, "--summary", summary) == 1
    assert "2 videos finished before" in capsys.readouterr().err
    clips = list(csv.DictReader(summary.read_text().splitlines()))
    names = [str(videos / name) for name in ("a.mkv", "deep/b.avi", "deep/bad.mp4", "deep/c.avi")]
    assert [row["source"] for row in clips] == names
    lines = [json.loads(line) for line in (results / "a.mkv.jsonl").read_text().splitlines()]
    best = lines[-1]["top"][0]
    ends = [line for line in of_type("event", lines) if line["phase"] == "end"]
    answer = (best["label"], f"{best['score']:.6f}", str(len(ends)), "15", "")
    for row in (clips[0], clips[1], clips[3]):
        found = tuple(row[name] for name in ("label", "score", "events", "frames", "error"))
        assert found == answer
    assert "damaged after frame" in clips[2]["error"]
    frames = list(csv.DictReader(table.read_text().splitlines()))
    assert [row["source"] for row in frames if row["frame"] == "0"] == names
    # The same as a run of its own writes.
    alone = tmp_path / "alone.csv"
    run(model_path, videos / "a.mkv", "--csv", alone)
    timings = {"preprocess_ms", "inference_ms"}
    own = [row for row in frames if row["source"] == names[0]]
    for row, other in zip(own, csv.DictReader(alone.read_text().splitlines()), strict=True):
        assert {k: v for k, v in row.items() if k not in timings} == {
            k: v for k, v in other.items() if k not in timings
        }


def test_a_summary_of_several_sources(
    model_path: Path, clip: Path, tmp_path: Path, capsys: Capture
) -> None:
    summary = tmp_path / "clips.csv"
    assert exit_code(model_path, clip, "missing.mp4", "--summary", summary) == 1
    good, bad = sorted(
        csv.DictReader(summary.read_text().splitlines()), key=lambda row: row["error"]
    )
    assert (good["source"], good["frames"], good["error"]) == (str(clip), "15", "")
    # Nobody looked for events.
    assert good["events"] == bad["events"] == ""
    assert good["label"].startswith("thing ")
    assert (bad["source"], bad["label"], bad["frames"]) == ("missing.mp4", "", "0")
    assert "does not exist" in bad["error"]


def test_tables_of_an_archive_that_would_have_gaps_are_not_written(
    model_path: Path, clip: Path, tmp_path: Path, capsys: Capture
) -> None:
    videos, results, summary = tmp_path / "videos", tmp_path / "results", tmp_path / "clips.csv"
    videos.mkdir()
    for name in ("a.avi", "b.avi"):
        (videos / name).write_bytes(clip.read_bytes())
    (results / "b.avi.jsonl").mkdir(parents=True)
    arguments = (model_path, videos, "--output-dir", results, "--summary", summary)
    assert exit_code(*arguments) == 1
    assert "b.avi.jsonl is a folder" in capsys.readouterr().err
    assert not summary.exists()
    (results / "b.avi.jsonl").rmdir()
    lines = (results / "a.avi.jsonl").read_text().splitlines()
    run(*arguments)
    summary.unlink()
    lines[3] = "{"
    (results / "a.avi.jsonl").write_text("\n".join(lines) + "\n")
    assert exit_code(*arguments) == 1
    assert "remove it, and run the same again" in capsys.readouterr().err
    assert not summary.exists()


def test_a_place_for_results_is_checked_first(
    model_path: Path, clip: Path, tmp_path: Path, capsys: Capture
) -> None:
    (tmp_path / "file").write_text("")
    assert exit_code(model_path, clip, "--output-dir", tmp_path / "file/results") == 1
    assert "file/results: Not a directory" in capsys.readouterr().err
    assert exit_code(model_path, clip, "--output-dir", "/proc/results") == 1
    told = capsys.readouterr().err
    assert "cannot write in /proc/results" in told
    assert "1 frame" not in told


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--end", "1", "--start", "2"], 2, "--end must be after --start"),
        (["--events", "--enter", "0.2", "--leave", "0.3"], 2, "--leave must not be above"),
        (["--roi", "1,2,3"], 2, "no region"),
        (["--roi", "1,2,0,3"], 2, "no rectangle"),
        (["--roi", "300,0,100,100"], 1, "not inside a frame of 320x240"),
        (["--source-size", "640"], 2, "no size"),
        (["--temperature", "0"], 2, "--temperature"),
        (["--out", "film.gif"], 1, "must end in .mkv or .mov or .mp4"),
        (["--out", "/nonexistent/a.mp4"], 1, "does not exist"),
        (["--csv", "/nonexistent/a.csv"], 1, "does not exist"),
        (["--resume", "/nonexistent"], 1, "no saved state"),
        (["--show"], 1, "display"),
        (["--roi", "0,0,9,9", "--roi", "0,0,8,8", "--plot", "a.png"], 2, "one source and region"),
    ],
)
def test_bad_run_options(
    arguments: list[str],
    code: int,
    message: str,
    model_path: Path,
    clip: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Capture,
) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    assert exit_code(model_path, clip, *arguments) == code
    error = capsys.readouterr().err
    assert message in error
    assert "Traceback" not in error


def test_an_interrupted_archive_keeps_results(model_path: Path, clip: Path, tmp_path: Path) -> None:
    videos, results = tmp_path / "videos", tmp_path / "results"
    videos.mkdir()
    for number in range(4):
        write_timed_video(videos / f"{number}.mp4", [40 * count for count in range(2500)])
    (videos / "0.mp4").write_bytes(clip.read_bytes())
    command = [sys.executable, "-m", "movistream", "run", str(model_path), str(videos)]
    command += ["--output-dir", str(results), "--fps", "25", "--force"]
    results.mkdir()
    before = '{"an earlier": "result"}\n'
    for number in range(4):
        (results / f"{number}.mp4.jsonl").write_text(before)
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as child:
        while '"end"' not in (results / "0.mp4.jsonl").read_text():
            time.sleep(0.02)
        child.send_signal(signal.SIGINT)
        child.communicate(timeout=30)
    assert child.returncode == 130
    texts = [(results / f"{number}.mp4.jsonl").read_text() for number in range(4)]
    assert texts[3] == before
    assert all(text == before or '"end"' in text.splitlines()[-1] for text in texts)
    assert len(list(results.iterdir())) == 4


def test_one_result_that_cannot_be_written(
    model_path: Path, clip: Path, tmp_path: Path, capsys: Capture
) -> None:
    videos, results = tmp_path / "videos", tmp_path / "results"
    videos.mkdir()
    for name in ("a.avi", "b.avi", f"{'long' * 60}.avi"):
        (videos / name).write_bytes(clip.read_bytes())
    (results / "a.avi.jsonl").mkdir(parents=True)
    assert exit_code(model_path, videos, "--output-dir", results) == 1
    assert "a.avi.jsonl is a folder" in capsys.readouterr().err
    assert '"end"' in (results / "b.avi.jsonl").read_text()
    assert '"end"' in (results / f"{'long' * 60}.avi.jsonl").read_text()


@pytest.mark.parametrize("option", ["--out", "--csv", "--plot", "--save-state"])
def test_inputs_are_not_written_over(
    option: str, model_path: Path, clip: Path, tmp_path: Path, capsys: Capture
) -> None:
    video, model = tmp_path / "video.mp4", tmp_path / "model.mp4"
    video.write_bytes(clip.read_bytes())
    model.write_bytes(model_path.read_bytes())
    for output in (video, model):
        assert exit_code(model, video, option, output, "--force") == 1
        assert "this file is read" in capsys.readouterr().err
    assert video.read_bytes() == clip.read_bytes()
    assert model.read_bytes() == model_path.read_bytes()
    other = "--csv" if option != "--csv" else "--plot"
    assert exit_code(model, video, option, "new.mp4", other, "new.mp4") == 1
    assert "is written already" in capsys.readouterr().err


def test_one_output_that_fails_leaves_the_others(
    model_path: Path, clip: Path, tmp_path: Path
) -> None:
    table, plot = tmp_path / "table.csv", tmp_path / "plot.png"
    command = [sys.executable, "-m", "movistream", "run", str(model_path), str(clip)]
    command += ["--csv", str(table), "--plot", str(plot)]
    with Path("/dev/full").open("w") as full:
        found = subprocess.run(
            command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, check=False
        )
    assert found.returncode == 1
    assert found.stderr.splitlines()[-1] == "movistream: error: No space left on device"
    assert len(table.read_text().splitlines()) > 1
    assert plot.exists()


def test_nothing_between_start_and_end(model_path: Path, clip: Path, capsys: Capture) -> None:
    assert exit_code(model_path, clip, "--start", "100") == 1
    assert "no frame to look at" in capsys.readouterr().err


def test_an_idle_pipe_can_be_interrupted(model_path: Path) -> None:
    command = [sys.executable, "-u", "-m", "movistream", "run", str(model_path), "-"]
    command += ["--source-size", "8x8", "--source-fps", "5"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(2 * bytes(8 * 8 * 3))
        child.stdin.flush()
        assert b"frame" in child.stdout.readline()
        child.send_signal(signal.SIGTERM)
        assert child.wait(timeout=10) == 130


def test_an_archive_of_nothing(model_path: Path, tmp_path: Path, capsys: Capture) -> None:
    assert exit_code(model_path, tmp_path, "--output-dir", tmp_path / "results") == 1
    assert "holds no video" in capsys.readouterr().err
    assert exit_code(model_path, tmp_path) == 1
    assert "holds no image" in capsys.readouterr().err
    assert exit_code(model_path) == 2


def test_an_interrupt_ends_cleanly(model_path: Path, tmp_path: Path) -> None:
    """Files are closed and playable, the summary is printed, the exit code is 130."""
    video, table = tmp_path / "out.mp4", tmp_path / "table.csv"
    with MjpegServer() as server:
        command = [sys.executable, "-m", "movistream", "run", str(model_path), server.url]
        command += ["--fps", "10", "--out", str(video), "--csv", str(table), "--top", "1"]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as child:
            assert child.stdout is not None
            for _ in range(8):
                assert "thing" in child.stdout.readline()
            child.send_signal(signal.SIGUSR1)
            while "asked for" not in (line := child.stdout.readline()):
                assert line
            child.send_signal(signal.SIGINT)
            _, told = child.communicate(timeout=30)
    assert child.returncode == 130
    assert "from capture to result" in told
    assert told.splitlines()[-1] == "movistream: error: interrupted"
    rows = table.read_text().splitlines()
    with VideoFile(video) as written:
        assert len(list(written)) == len(rows) - 1 >= 8
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.mp4", "table.csv"]


@pytest.mark.parametrize("policy", ["kept", "reset"])
def test_a_network_stream_that_is_cut(policy: str, model_path: Path) -> None:
    """The run goes on; the gap and what became of the state are in the output."""
    server = RtspServer()
    command = [sys.executable, "-m", "movistream", "run", str(model_path), server.url, "--json"]
    if policy == "reset":
        command += ["--reset-after-gap", "0.8"]
    try:
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as child:
            assert child.stdout is not None
            for _ in range(6):
                child.stdout.readline()
            server.close()
            time.sleep(1)
            server = RtspServer(port=server.port)
            lines = []
            while len(lines) < 12 and (line := child.stdout.readline()):
                lines.append(json.loads(line))
            child.send_signal(signal.SIGINT)
            _, told = child.communicate(timeout=30)
    finally:
        server.close()
    kind = "interruption" if policy == "kept" else "reset"
    (notice,) = of_type("notice", lines)
    assert notice["kind"] == kind
    assert "connection lost" in notice["reason"]
    assert notice["reason"].endswith(f"state {policy}")
    assert lines[-1]["time_s"] > notice["time_s"] > 1
    assert "connection lost" in told
    assert child.returncode == 130


def test_the_mean_is_called_so(model_path: Path, clip: Path, capsys: Capture) -> None:
    """A network that has forgotten some of the clip says nothing about all of it at its end."""
    run(model_path, clip, "--reset-every", "1", "--top", "1")
    assert capsys.readouterr().out.splitlines()[-1].startswith("mean of all frames  thing ")
    lines, _ = run_lines([model_path, clip, "--reset-every", "1", "--top", "1"], capsys)
    assert lines[-1]["is_mean"] is True


def test_events_are_counted_and_told_when_asked_for(
    model_path: Path, clip: Path, tmp_path: Path, capsys: Capture
) -> None:
    run(model_path, clip, "--events", "--enter", "1")
    told = capsys.readouterr()
    assert told.err.rstrip().endswith("; 0 events")
    assert len(told.out.splitlines()) == 1
    # A plot needs events; nobody wants to read them.
    run(model_path, clip, "--plot", tmp_path / "a.png", "--enter", "0.21", "--leave", "0.1")
    told = capsys.readouterr()
    assert " s to " not in told.out
    assert "event" not in told.err


def test_where_an_event_ends_by_default(model_path: Path, clip: Path, capsys: Capture) -> None:
    """Where it begins, if that is lower than usual."""
    run(model_path, clip, "--events", "--enter", "0.2")
    assert exit_code(model_path, clip, "--events", "--enter", "0.2", "--leave", "0.3") == 2
    assert "--leave must not be above --enter" in capsys.readouterr().err
    assert exit_code(model_path, clip, "--enter", "0.9", "--shortest", "2") == 2
    assert "--enter and --shortest goes with --events or --plot" in capsys.readouterr().err


def test_a_video_says_its_own_rate(model_path: Path, clip: Path, capsys: Capture) -> None:
    _, told = run_lines([model_path, clip, "--source-fps", "3"], capsys)
    assert "says its own size and frame rate: those given are not used" in told


def test_who_is_asked_to_end_cleans_up(tmp_path: Path) -> None:
    """By SIGTERM, as by Ctrl+C: nothing half-written stays."""
    command = [sys.executable, "-m", "movistream", "demo", "-o", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as child:
        while not any(path.name.endswith(".part") for path in tmp_path.iterdir()):
            time.sleep(0.02)
        child.send_signal(signal.SIGTERM)
        _, told = child.communicate(timeout=30)
    assert child.returncode == 130
    assert told.decode().splitlines()[-1] == "movistream: error: interrupted"
    assert list(tmp_path.iterdir()) == []


def test_a_folder_of_videos(model_path: Path, clip: Path, tmp_path: Path, capsys: Capture) -> None:
    """Each is run; a picture among them is told of."""
    folder = tmp_path / "clips"
    (folder / "deep").mkdir(parents=True)
    for name in ("b.avi", "deep/a.avi"):
        (folder / name).write_bytes(clip.read_bytes())
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(folder / "cover.png")
    lines, told = run_lines([model_path, folder], capsys)
    names = [str(folder / name) for name in ("b.avi", "deep/a.avi")]
    assert [line["source"] for line in of_type("end", lines)] == names
    assert "holds 2 videos: this runs each, and leaves 1 images out; --output-dir keeps" in told
    assert exit_code(model_path, folder, "-o", tmp_path / "x.mp4") == 2
    assert "is for one source and region" in capsys.readouterr().err
    # Of a folder with more images than videos nobody knows what it is.
    for number in range(4):
        Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(folder / f"{number}.png")
    assert exit_code(model_path, folder) == 1
    assert "name the videos, or run them all with --output-dir" in capsys.readouterr().err
