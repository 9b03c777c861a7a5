"""Decoding for less: what it changes, and by how much."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

import movistream
from movistream.errors import VideoError
from movistream.sources import DecodeOptions, Source, SourceOptions, VideoFile
from movistream.sources.decoding import decoder_settings
from movistream.sources.packets import is_reference
from movistream.sources.picking import at_rate
from movistream.watch import lane
from tests.sdk.test_selecting import RATE, write


@pytest.mark.parametrize("kind", ["h264", "hevc"])
def test_fast_takes_the_nearest_frame_that_others_refer_to(kind: str, tmp_path: Path) -> None:
    path = write(tmp_path / "clip", kind)
    with av.open(str(path)) as file:
        stream = file.streams.video[0]
        codec: Any = stream.codec_context
        packets = sorted(
            ((p.pts, is_reference(codec, p)) for p in file.demux(stream) if p.size),
        )
    references = [index for index, (_, refers) in enumerate(packets) if refers]
    assert len(references) < len(packets)
    with VideoFile(path, decode=DecodeOptions("fast")) as video:
        found = [frame.index for frame in video.picked(at_rate(5))]
    assert set(found) <= set(references)
    for turn, index in enumerate(found):
        wanted = turn * RATE / 5
        assert abs(index - wanted) <= min(abs(other - wanted) for other in references) + 0.5


@pytest.mark.parametrize(
    ("side", "expected"),
    [(64, (64, 96)), (32, (32, 48)), (9, (16, 24)), (8, (8, 12)), (1, (8, 12))],
)
def test_mjpeg_is_decoded_at_the_size_that_is_seen(
    side: int, expected: tuple[int, int], tmp_path: Path
) -> None:
    path = write(tmp_path / "clip", "mjpeg")
    options = DecodeOptions("fast", seen_size=(side, side))
    with VideoFile(path, decode=options) as video:
        small = next(video.picked(at_rate(5))).image
    assert small.shape[:2] == expected
    with VideoFile(path) as video:
        whole = next(video.picked(at_rate(5))).image
    times = whole.shape[0] // small.shape[0]
    means = whole.reshape(small.shape[0], times, small.shape[1], times, 3).mean((1, 3))
    assert np.abs(means - small).mean() < 12


def test_exact_asks_for_nothing() -> None:
    class Codec:
        name, width, height = "mjpeg", 640, 480

    assert decoder_settings(Codec(), DecodeOptions(seen_size=(8, 8))) == {}
    assert decoder_settings(Codec(), DecodeOptions("fast")) == {"skip_loop_filter": "noref"}


def test_another_quality() -> None:
    with pytest.raises(VideoError, match="exact or fast, not 'slow'"):
        DecodeOptions("slow")  # type: ignore[arg-type]


@pytest.mark.parametrize(("threads", "expected"), [(1, 1), (3, 3)])
def test_threads(threads: int, expected: int, tmp_path: Path) -> None:
    path = write(tmp_path / "clip", "h264")
    with VideoFile(path, decode=DecodeOptions(threads=threads)) as video:
        assert video._container._stream.codec_context.thread_count == expected


def test_threads_are_those_of_the_model_which_sources_share(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model_path: Path
) -> None:
    asked: list[int | None] = []

    def opened(name: str, options: SourceOptions) -> Source:
        asked.append(options.decode.threads)
        return VideoFile(Path(name), decode=options.decode)

    monkeypatch.setattr(lane, "open_source", opened)
    paths = [str(write(tmp_path / f"{number}", "mjpeg")) for number in range(3)]
    with movistream.load(model_path, threads=4) as model:
        for workers, expected in ((1, 4), (2, 2), (8, 1)):
            asked.clear()
            with movistream.StreamPool(model, paths, workers=workers) as pool:
                assert sum(isinstance(item, movistream.Ended) for item in pool) == len(paths)
            assert asked == [expected] * len(paths)
        asked.clear()
        own = SourceOptions(decode=DecodeOptions(threads=3))
        model.watch(paths[0], source_options=own).run()
        assert asked == [3]


def test_no_threads() -> None:
    with pytest.raises(VideoError, match="one thread or more, not 0"):
        DecodeOptions(threads=0)
