"""What is not decoded is not missed: picked frames are those of a whole decoding, to the bit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
import pytest

from movistream.errors import VideoError
from movistream.sources import VideoFile
from movistream.sources.picking import Picking, at_rate, from_time, one_in

WIDTH, HEIGHT, FRAMES, RATE = 96, 64, 100, 30

Seen = tuple[int, float, bytes]

PICKINGS = {
    "5 a second": at_rate(5),
    "1 a second": at_rate(1),
    "1 in 2.5 seconds": at_rate(0.4),
    "all": one_in(1),
    "one in seven": one_in(7),
    "from 1.7 s on": from_time(at_rate(5), 1.7),
    "none": from_time(at_rate(5), 1000.0),
}

X264 = {"bf": "3", "preset": "veryfast"}
KINDS: dict[str, tuple[str, str, dict[str, str]]] = {
    "h264": (".mp4", "libx264", X264),
    "h264, short groups": (".mp4", "libx264", {**X264, "g": "12", "flags": "+cgop"}),
    "h264, open groups": (".mkv", "libx264", {**X264, "g": "12", "x264-params": "open-gop=1"}),
    "h264, no references told": (".mp4", "libx264", {**X264, "x264-params": "b-pyramid=none"}),
    "h264, many references": (".ts", "libx264", {**X264, "bf": "8", "refs": "8"}),
    "h264 without B-frames": (".mp4", "libx264", {"bf": "0", "g": "15"}),
    "h264, refreshed by and by": (".mp4", "libx264", {"x264-params": "intra-refresh=1:keyint=15"}),
    "hevc": (".mp4", "libx265", {"x265-params": "log-level=error:keyint=20:min-keyint=20"}),
    "hevc, closed": (".mkv", "libx265", {"x265-params": "log-level=error:keyint=15:open-gop=0"}),
    "mpeg-2": (".mpg", "mpeg2video", {"bf": "2", "g": "12"}),
    "mpeg-4": (".avi", "mpeg4", {"bf": "2", "g": "12"}),
    "vp8": (".webm", "libvpx", {"g": "20", "auto-alt-ref": "1", "lag-in-frames": "16"}),
    "vp9": (".webm", "libvpx-vp9", {"g": "20", "auto-alt-ref": "1", "lag-in-frames": "16"}),
    "mjpeg": (".avi", "mjpeg", {}),
    "prores": (".mov", "prores_ks", {}),
    "interlaced": (".ts", "mpeg2video", {"flags": "+ildct+ilme", "bf": "2"}),
    "uncompressed": (".avi", "rawvideo", {}),
}
SAVING = {
    "h264": 0.85,
    "h264, short groups": 0.85,
    "hevc": 0.8,
    "mpeg-2": 0.6,
    "mjpeg": 0.2,
    "prores": 0.2,
}
"""The most of all frames that may be decoded for five a second."""


def pictures() -> Iterator[npt.NDArray[np.uint8]]:
    """A texture that moves, with noise, so that frames need each other."""
    generator = np.random.default_rng(1)
    texture = generator.integers(0, 256, (10, 15, 3), np.uint8).repeat(16, 0).repeat(16, 1)
    for index in range(FRAMES):
        y, x = (index * 3) % 90, (index * 5) % 140
        part = texture[y : y + HEIGHT, x : x + WIDTH].astype(np.int16)
        yield (part + generator.integers(-9, 9, part.shape)).clip(0, 255).astype(np.uint8)


def write(path: Path, kind: str, times: Sequence[int] | None = None) -> Path:
    suffix, codec, options = KINDS[kind]
    path = path.with_suffix(suffix)
    with av.open(str(path), "w") as file:
        stream: Any = file.add_stream(codec, rate=RATE, options=options)
        stream.width, stream.height = WIDTH, HEIGHT
        formats = {"mjpeg": "yuvj420p", "prores_ks": "yuv422p10le", "rawvideo": "yuv420p"}
        stream.pix_fmt = formats.get(codec, "yuv420p")
        stream.time_base = Fraction(1, RATE)
        for index, picture in enumerate(pictures()):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(
                format=stream.pix_fmt
            )
            frame.pts = index if times is None else times[index]
            frame.time_base = Fraction(1, RATE)
            file.mux(stream.encode(frame))
        file.mux(stream.encode())
    return path


def whole(path: Path, picking: Picking) -> list[Seen]:
    with VideoFile(path) as video:
        return [seen(frame) for frame, picked in picking(video) if picked]


def selected(path: Path, picking: Picking) -> list[Seen]:
    with VideoFile(path) as video:
        return [seen(frame) for frame in video.picked(picking)]


def seen(frame: Any) -> Seen:
    return frame.index, frame.time_s, frame.image.tobytes()


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("videos")
    return {kind: write(folder / str(number), kind) for number, kind in enumerate(KINDS)}


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_picked_is_what_all_would_have_been(videos: dict[str, Path], kind: str) -> None:
    for name, picking in PICKINGS.items():
        expected = whole(videos[kind], picking)
        assert selected(videos[kind], picking) == expected, name
        assert bool(expected) == (name != "none")


@pytest.mark.parametrize("kind", ["h264", "h264, open groups", "hevc", "mjpeg"])
def test_times_of_any_kind(kind: str, tmp_path: Path) -> None:
    generator = np.random.default_rng(3)
    times = np.cumsum(generator.integers(1, 9, FRAMES)).tolist()
    path = write(tmp_path / "variable", kind, times)
    for picking in PICKINGS.values():
        assert selected(path, picking) == whole(path, picking)


@pytest.mark.parametrize("kind", ["h264", "h264, short groups", "hevc", "mpeg-2"])
def test_recordings_that_were_joined(kind: str, tmp_path: Path) -> None:
    """The second begins at its own time, which is before the first one's end."""
    path = write(tmp_path / "one", kind)
    parts = tmp_path / "one.ts"
    with av.open(str(path)) as source, av.open(str(parts), "w") as file:
        stream = file.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(source.streams.video[0]):
            if packet.dts is not None:
                packet.stream = stream
                file.mux(packet)
    joined = tmp_path / "joined.ts"
    joined.write_bytes(parts.read_bytes() * 2)
    for picking in PICKINGS.values():
        assert selected(joined, picking) == whole(joined, picking)


@pytest.mark.parametrize("kind", ["h264, short groups", "hevc", "mjpeg", "vp9"])
def test_a_file_that_was_cut_off(videos: dict[str, Path], kind: str, tmp_path: Path) -> None:
    data = videos[kind].read_bytes()
    for share in (0.5, 0.9):
        path = tmp_path / f"cut{videos[kind].suffix}"
        path.write_bytes(data[: int(len(data) * share)])
        try:
            expected = whole(path, at_rate(5))
        except VideoError:
            continue
        # The last may have been cut through: what lacks is whatever lay in memory.
        assert selected(path, at_rate(5))[:-1] == expected[:-1]


@pytest.mark.parametrize("kind", SAVING)
def test_less_is_decoded(
    videos: dict[str, Path], kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from movistream.sources import selecting

    decoded = 0
    original = selecting._checked

    def counting(frame: Any) -> Any:
        nonlocal decoded
        decoded += 1
        return original(frame)

    monkeypatch.setattr(selecting, "_checked", counting)
    found = selected(videos[kind], at_rate(5))
    assert len(found) <= decoded <= SAVING[kind] * FRAMES
