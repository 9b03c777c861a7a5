"""What a source offers: several videos in one, a camera's sizes and second streams, and costs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import movistream
from movistream.cli import main
from movistream.errors import VideoError
from movistream.sources import DecodeOptions, SourceOptions, VideoFile
from movistream.sources.substreams import substreams_of
from movistream.watch import offers as offering
from movistream.watch.offers import Offer, best_offer, offers_of
from tests.sdk.videos import MjpegServer, RtspServer, write_tracks

Capture = pytest.CaptureFixture[str]

LARGE, SMALL, TINY = (192, 128), (96, 64), (32, 16)


@pytest.fixture(scope="module")
def model(model_path: Path) -> Iterator[movistream.Model]:
    with movistream.load(model_path, threads=1) as loaded:
        yield loaded


@pytest.fixture(scope="module")
def tracks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tracks") / "tracks.mkv"
    write_tracks(path, [LARGE, SMALL, TINY])
    return path


def sizes(found: list[Offer]) -> list[tuple[int, int] | None]:
    return [offer.track and (offer.track.width, offer.track.height) for offer in found]


@pytest.mark.parametrize(
    ("place", "smaller"),
    [
        ("Streaming/Channels/101", "Streaming/Channels/102"),
        ("Streaming/channels/1201?a=1", "Streaming/channels/1202?a=1"),
        ("h264/ch1/main/av_stream", "h264/ch1/sub/av_stream"),
        ("cam/realmonitor?channel=1&subtype=0", "cam/realmonitor?channel=1&subtype=1"),
        ("user=admin_password=x_channel=1_stream=0.sdp", None),
        ("live?channel=1&stream=0.sdp", "live?channel=1&stream=1.sdp"),
        ("video/livemedia?Ch=1&Streamtype=0", "video/livemedia?Ch=1&Streamtype=1"),
        ("h264Preview_01_main", "h264Preview_01_sub"),
        ("stream1", "stream2"),
        ("stream12", None),
        ("videoMain", "videoSub"),
        ("media/video1", "media/video2"),
        ("unicast/c1/s0/live", "unicast/c1/s1/live"),
        ("profile1/media.smp", "profile2/media.smp"),
        ("main", "sub"),
        ("Streaming/Channels/102", None),
        ("maintenance", None),
        ("", None),
    ],
)
def test_where_cameras_send_less(place: str, smaller: str | None) -> None:
    host = "rtsp://main:stream1@profile1:554/"
    found = substreams_of(host + place)
    expected = [] if smaller is None else [host + smaller]
    assert [each.address for each in found] == expected


def test_what_is_told_of_an_address_is_no_secret() -> None:
    (found,) = substreams_of("rtsp://admin:hunter2@camera/x/hunter2/stream1?key=hunter2")
    assert found.told == "its address with stream2 for stream1"


def test_videos_in_a_file(tracks: Path, model: movistream.Model) -> None:
    found = list(offers_of(str(tracks), model, SourceOptions(), 0.3))
    assert [offer.asked for offer in found] == ["", "--track 2", "--track 3"]
    assert sizes(found) == [LARGE, SMALL, TINY]
    for offer in found:
        assert offer.failure is None
        assert set(offer.cpu_ms) == {"exact", "fast"}
        assert min(offer.cpu_ms.values()) > 0
        assert offer.track is not None
        assert (offer.track.codec, offer.track.frames_per_second) == ("h264", 20)
    best = best_offer(found, model)
    assert best is not None
    assert best.track is not None
    assert min(best.track.width, best.track.height) >= min(model.image_size)


def test_the_best_has_enough_and_costs_least(model: movistream.Model) -> None:
    side = min(model.image_size)

    def offer(asked: str, side: int, rate: float | None, cost: float | None) -> Offer:
        costs = {} if cost is None else {"exact": cost, "fast": cost}
        track = movistream.sources.frame.Track("h264", side, side, rate)
        return Offer("camera", asked, True, track, costs)

    assert model.frames_per_second == 5
    enough = [offer("", 4 * side, 30, 9), offer("a", side, 5, 3), offer("b", 2 * side, None, 4)]
    too_little = [offer("c", side - 1, 30, 1), offer("d", side, 4, 1), offer("e", side, 30, None)]
    found = best_offer(enough + too_little, model)
    assert found is enough[1]
    assert best_offer(too_little, model) is None


def test_a_track_is_watched_as_it_is_asked_for(tracks: Path) -> None:
    for number, (width, height) in enumerate([LARGE, SMALL, TINY], start=1):
        with VideoFile(tracks, decode=DecodeOptions(track=number)) as video:
            assert {frame.image.shape for frame in video} == {(height, width, 3)}
    with pytest.raises(VideoError, match=r"tracks\.mkv has 3 video tracks$"):
        VideoFile(tracks, decode=DecodeOptions(track=4))
    with pytest.raises(VideoError, match="counted from 1, so there is none 0"):
        DecodeOptions(track=0)


def test_run_takes_a_track(tracks: Path, model_path: Path, capsys: Capture) -> None:
    main(["run", str(model_path), str(tracks), "--json", "--track", "3"])
    assert len(capsys.readouterr().out.splitlines()) > 2
    with pytest.raises(SystemExit):
        main(["run", str(model_path), str(tracks), "--track", "4"])
    assert "tracks.mkv has 3 video tracks" in capsys.readouterr().err


def test_a_network_camera_and_its_second_stream(model: movistream.Model) -> None:
    with MjpegServer() as camera:
        address = camera.url.replace("http://", "http://admin:hunter2@") + "1"
        found = list(offers_of(address, model, SourceOptions(), 0.2))
    assert [offer.asked for offer in found] == ["", "its address with stream2 for stream1"]
    assert sizes(found) == [SMALL, SMALL]
    assert all(offer.live for offer in found)
    assert "hunter2" not in json.dumps([offer.to_dict() for offer in found])


def test_a_second_stream_that_is_not_there(
    model: movistream.Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    with RtspServer() as camera:
        nowhere = offering.substreams_of("rtsp://127.0.0.1:9/stream1")
        monkeypatch.setattr(offering, "substreams_of", lambda _: nowhere)
        found = list(offers_of(camera.url, model, SourceOptions(), 0.2))
    assert [offer.failure is None for offer in found] == [True, False]
    assert "rtsp://127.0.0.1:9 cannot be opened" in str(found[1].failure)
    assert found[1].cpu_ms == {}


@pytest.mark.usefixtures("pattern_cameras")
def test_sizes_of_a_camera(model: movistream.Model) -> None:
    found = list(offers_of("0", model, SourceOptions(), 0.1))
    assert sizes(found)[1:] == list(offering.CAMERA_SIZES)


def test_the_command(tracks: Path, model_path: Path, capsys: Capture) -> None:
    arguments = ["probe", str(tracks), "--model", str(model_path), "--seconds", "0.3"]
    main([*arguments, "--json"])
    lines: list[dict[str, Any]] = [
        json.loads(line) for line in capsys.readouterr().out.splitlines()
    ]
    assert [(line["asked"], line["width"]) for line in lines] == [
        ("", 192),
        ("--track 2", 96),
        ("--track 3", 32),
    ]
    assert sum(line["best"] for line in lines) == 1
    main(arguments)
    told = " ".join(capsys.readouterr().out.split())
    assert "h264 192x128 20" in told
    assert "frames a second" in told


def test_what_cannot_be_opened_does_not_stop_the_others(
    tracks: Path, model_path: Path, capsys: Capture
) -> None:
    arguments = ["--model", str(model_path), "--seconds", "0.1", "--json"]
    with pytest.raises(SystemExit) as ended:
        main(["probe", "nothing.mp4", str(tracks), "nowhere.mp4", *arguments])
    assert ended.value.code == 1
    said = capsys.readouterr()
    assert len(said.out.splitlines()) == 3
    assert said.err.splitlines()[-2:] == [
        "movistream: error: the video nothing.mp4 does not exist",
        "movistream: error: the video nowhere.mp4 does not exist",
    ]
