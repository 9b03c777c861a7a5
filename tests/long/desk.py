"""A desk with all that the pages name, and how their commands and programs are run at it."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

import av
import cv2
import numpy as np
import pytest

from movistream_converters.conversion import convert_source
from movistream_converters.formats.model_garden.writer import write_checkpoint
from movistream_converters.formats.safetensors_file import write
from movistream_converters.networks.movinet import ConvolutionType, SqueezeExciteType
from tests.conftest import foreign_model, small_checkpoint
from tests.converters import test_tsm
from tests.converters.exported_programs import write_causal_program
from tests.converters.sources import state_dict as pytorch_state_dict
from tests.converters.test_pytorchvideo import published, state_dict
from tests.converters.test_pytorchvideo import write as write_x3d
from tests.converters.torch_files import save
from tests.documents import ROOT, commands_of, python_of

PORT = 8080
"""Of the server, as the pages say it."""

NOT_RUN: dict[str, tuple[str, ...]] = {
    "it installs packages": (
        "make demo",
        "make test",
        "pip install .",
        "pip install '.[video]'",
        "pip install '.[archive]'",
        "pip install '.[convert]'",
        "pip install '.[convert,video]'",
        "pip install '.[train]'",
        "pip install '.[cluster]'",
        "pip install '.[train,cluster]'",
        "pip install '.[search]'",
        "pip install '.[serve]'",
        "pip install '.[bench]'",
        "pip install '.[plot]'",
        "sudo apt install gcc make nasm dpkg-dev pkg-config zlib1g-dev",
        "bash requirements/av_without_gpl.sh /opt/movistream-ffmpeg ~/movistream-env/bin/python",
        "sudo apt install python3-venv python3-picamera2 git",
        "git clone REPOSITORY movistream && cd movistream",
        "python3 -m venv --system-site-packages ~/movistream-env",
        "~/movistream-env/bin/pip install '.[serve]'",
        ". ~/movistream-env/bin/activate",
        "~/movistream-env/bin/pip install --require-hashes -r requirements/build.txt"
        " -r requirements/runtime.txt",
        "~/movistream-env/bin/pip install --no-build-isolation --no-deps .",
        "movistream bench-arm A.tflite",
        "movistream bench-arm MODEL.tflite --published PEER.tflite",
        "movistream bench-arm MODEL.tflite --cpu cortex-a76 --cpu cortex-a72",
        "movistream bench-arm MODEL.tflite --pipeline VIDEO --seconds 2",
        "movistream bench-arm A.tflite --pipeline VIDEO",
    ),
    "it wants an object store or a cluster; tests/sdk/test_archive_objects.py and"
    " test_archive_cluster.py have them": (
        "movistream archive MODEL s3://BUCKET/videos -o s3://BUCKET/archive --events",
        'movistream archive query s3://BUCKET/archive "SELECT count(*) FROM videos"',
        "movistream archive MODEL s3://BUCKET/videos -o s3://BUCKET/archive --events --on ray"
        " --address 10.0.0.1:6379",
        "movistream archive MODEL s3://BUCKET/videos -o s3://BUCKET/archive --events --on dask"
        " --address tcp://10.0.0.1:8786",
    ),
    "it takes minutes, and a cluster mostly; tests/sdk/test_archive_kills.py and"
    " tests/benchmarks/test_archives.py do it in small": (
        "python -m movistream_benchmarks.archives.clips CLIPS --count 2000 --bad 40",
        "python -m movistream_benchmarks.archives.carriers MODEL CLIPS",
        "python -m movistream_benchmarks.archives.growth videos MODEL --count 300 --count 3000"
        " --count 30000",
        "python -m movistream_benchmarks.archives.growth nodes MODEL CLIPS",
        "python -m movistream_benchmarks.archives.kills MODEL CLIPS",
    ),
    "it takes minutes": (
        "python -m movistream_benchmarks.streams pacing MODEL",
        "python -m movistream_benchmarks.serve_load MODEL VIDEO",
        "python -m movistream_benchmarks.serve_load MODEL VIDEO --hostile",
        "python -m movistream_training.camera_motion.search FOOTAGE FOUND --seed 3"
        " --budget '1.41 M instructions on cortex-a76' --budget '2.4 M instructions on cortex-a72'",
        "movistream search clips --budget '0.6 M instructions on cortex-a76' --minutes 20 -o found",
        "movistream search MY_VIDEOS/ --budget '1.4 M instructions on cortex-a76' -o found",
        "movistream search-cluster MY_VIDEOS/ --budget '1.4 M instructions on cortex-a76'"
        " --workers 2 -o at-once",
    ),
    "it plays cameras as they come, and fails where a machine is too busy for them": (
        "python -m movistream_benchmarks.streams cameras MODEL VIDEO",
    ),
    "it goes on from a search, which takes minutes": (
        "movistream train found/split.csv --arch found/arch.txt -o run",
        "movistream train found/split.csv --arch found/arch.txt -o small",
        "movistream convert small/weights.safetensors --precision int8 --calibrate clips"
        " --stage-noise 1 -o small.tflite",
        "movistream bench-arm small.tflite",
        "movistream evaluate small.tflite found/split.csv --split test",
        "movistream run small.tflite clips/nod/0.mp4",
        "movistream train MY_VIDEOS/ --arch at-once/arch.txt -o run",
        "movistream convert run/weights.safetensors --precision int8 --calibrate MY_VIDEOS/"
        " --stage-noise 1 -o small.tflite",
        "movistream train found/split.csv",
    ),
    "it needs a camera": (
        ".venv-demo/bin/movistream demo --camera 0",
        "movistream demo --camera 0",
        "movistream demo --model camera-health --camera 0",
    ),
    "it needs another machine": ("scp a0.int8.tflite pi@raspberrypi.local:",),
    "it opens a cluster to the network": (
        "export RAY_AUTH_MODE=token RAY_USAGE_STATS_ENABLED=0",
        "ray get-auth-token --generate",
        "ray start --head --port=6379 --include-dashboard=false",
        "ray start --address=10.0.0.1:6379",
    ),
    "it changes what this user's services are": (
        "movistream service install ~/a0.int8.tflite picamera --host 0.0.0.0 --token new",
        "sudo loginctl enable-linger $USER",
        "movistream service status",
        "movistream service remove",
    ),
    "it wants a camera's stream on the network": (
        "curl -s localhost:8080/api/feeds -H 'content-type: application/json'"
        """ -d '{"source": "rtsp://user:password@camera/1"}'""",
    ),
    "it shows a token on a terminal, and there is none": (
        "movistream serve MODEL --host 0.0.0.0 --token new"
        " --allow-sources network --allow-sources cameras",
        "movistream serve MODEL 0 --host 0.0.0.0 --token new",
        "movistream serve MODEL --host 0.0.0.0 --token new --allow-sources network"
        " --allow-sources cameras",
        "movistream serve a0.int8.tflite picamera --host 0.0.0.0 --token new",
    ),
    "it takes an hour or two": ("make camera-motion", "make camera-health"),
    "it downloads a model that others publish": (
        "curl -L -o movinet.tar.gz https://www.kaggle.com/api/v1/models/google/movinet/tfLite/"
        "a0-stream-kinetics-600-classification-tflite-int8/1/download",
        "tar xzf movinet.tar.gz && mv 1.tflite movinet_a0_int8.tflite",
    ),
}
"""Commands that are left out, by the reason."""

LEFT_OUT = {command for commands in NOT_RUN.values() for command in commands}

CALLED = {"train.md": ("draw.py", "draw_recordings.py")}
"""Files that the first programs of a page are written to, for its commands."""

RECORDING = "recording.mp4"
STAND_INS = {
    "0": RECORDING,
    "picamera": RECORDING,
    "rtsp://camera/1": RECORDING,
    "rtsp://camera/2": "other.mp4",
    "rtsp://CAMERA/STREAM": RECORDING,
    "rtsp://user:password@camera/1": RECORDING,
}
"""Words that name cameras and their streams: a recording is shown in their place."""

VIDEOS = (
    "VIDEO",
    "video",
    "MY_VIDEO",
    "clip",
    "door",
    "front",
    "day",
    "a",
    "A",
    "B",
    "recording",
    "other",
)
MODELS = (
    "MODEL",
    "MODEL.tflite",
    "A.tflite",
    "B.tflite",
    "their.tflite",
    "a0.tflite",
    "a0.float32.tflite",
    "a0.int8.tflite",
)
OUTPUT = re.compile(r"(?:-o|--output) (\S+)")
NEEDS_A_SERVER = ("curl -s localhost:8080/",)
PRELUDE = """
import itertools, time
import numpy as np
frames = np.random.default_rng(seed=1).integers(0, 256, (9, 60, 80, 3), np.uint8)
show = store = print
grab_screen = frames[0].copy
"""
"""Names that the programs of the pages take from their surroundings."""


def video(path: Path, seconds: float = 3, seed: int = 1) -> None:
    """Ten frames a second, 80 x 60, of moving noise, bright where the seed is odd."""
    low = 128 * (seed % 2)
    scene = np.random.default_rng(seed).integers(low, low + 128, (60, 320, 3), np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(path, "w") as file:
        stream = file.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 80, 60, "yuv420p"
        for index in range(round(seconds * 10)):
            picture = np.roll(scene, index * (seed + 1), axis=1)[:, :80].copy()
            file.mux(stream.encode(av.VideoFrame.from_ndarray(picture)))
        file.mux(stream.encode())


@pytest.fixture(scope="module")
def things(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the pages name, by those names: small, untrained, drawn."""
    folder = tmp_path_factory.mktemp("things")
    labels = ["a", "b", *(f"class {index}" for index in range(2, 600))]
    source = small_checkpoint(
        "n0", num_classes=len(labels), image_size=96, se_type=SqueezeExciteType.NONE
    )
    for name in VIDEOS:
        video(folder / f"{name}.mp4", seconds=13 if name == "day" else 2)
    shutil.copy(folder / "VIDEO.mp4", folder / "VIDEO")
    video(folder / "demo" / "output" / "clip.mp4")
    for name in ("MY_VIDEOS", "clips", "DATA"):
        for number in range(6):
            video(folder / name / "ab"[number % 2] / f"{number}.mp4", 0.6, number)
    for name in ("OTHERS", "videos", "VIDEOS", "ARCHIVE"):
        video(folder / name / "1.mp4", 1)
        video(folder / name / "2.mp4", 1, 2)
    rows = [
        f"MY_VIDEOS/{'ab'[number % 2]}/{number}.mp4,{label},0,{end}"
        for number in range(6)
        for label, end in (("moves", 0.6), ("bright", 0.3))[: 1 + number % 2]
    ]
    (folder / "moments.csv").write_text("\n".join(["path,label,start,end", *rows, ""]))
    (folder / "cameras.txt").write_text(f"{RECORDING}\n", encoding="utf-8")
    (folder / "frames.rgb").write_bytes(bytes(320 * 240 * 3 * 4))
    (folder / "FOLDER_OF_IMAGES").mkdir()
    for number in range(3):
        picture = np.full((60, 80, 3), 9 * number, np.uint8)
        cv2.imwrite(str(folder / "FOLDER_OF_IMAGES" / f"{number}.png"), picture)
    convert_source(source, folder / MODELS[0], labels=labels, verified=False)
    for name in MODELS[1:]:
        shutil.copy(folder / MODELS[0], folder / name)
    (folder / "theirs.tflite").write_bytes(foreign_model())
    for name in ("lite-model_movinet_a0_stream_int8.tflite", "movinet_a0_int8.tflite"):
        shutil.copy(folder / MODELS[0], folder / name)
    write(source, folder / "a0.safetensors")
    port = pytorch_state_dict(small_checkpoint("t0", num_classes=len(labels)))
    save(OrderedDict(port), folder / "modelA0_stream_statedict_v3")
    for name in ("SOURCE", "CHECKPOINT", "movinet_a0_stream", "k600_a0_stream", "runs/small"):
        (folder / name).mkdir(parents=True)
        kind = ConvolutionType.SEPARATE_2D
        prefix = folder / name / ("ckpt-9" if name.startswith("runs") else "ckpt-1")
        write_checkpoint(source.network, source.weights, prefix, kind)
    clips = state_dict(published("xs"))
    for name in clips:
        if name.endswith("norm_c.weight"):
            clips[name] /= 10  # Random blocks would magnify rounding beyond what conversions bear.
    weights = Path("training/movistream_training/camera_motion/data/camera-motion.safetensors")
    (folder / weights.parent).mkdir(parents=True)
    shutil.copy(ROOT / weights, folder / weights)
    write_x3d(clips, folder / "X3D_XS.pyth")
    shifting = test_tsm.state_dict(replace(test_tsm.TABLE, num_classes=27))
    test_tsm.write(shifting, folder / "mobilenetv2_jester_online.pth.tar")
    write_causal_program(folder / "model.pt2")
    return folder


@pytest.fixture
def desk(things: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of those things, in which the commands of a page may do what they like."""
    folder, programs = tmp_path / "desk", tmp_path / "programs"
    shutil.copytree(things, folder)
    for place in (programs, folder / ".venv-demo" / "bin"):
        place.mkdir(parents=True)
        for name, arguments in (("movistream", "-m movistream "), ("python", "")):
            (place / name).write_text(f'#!/bin/sh\nexec {sys.executable} {arguments}"$@"\n')
            (place / name).chmod(0o755)
    rooms = (ROOT / room for room in ("sdk", "converters", "training", "benchmarks", "."))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(map(str, rooms)))
    monkeypatch.setenv("PATH", os.pathsep.join([str(programs), os.environ["PATH"]]))
    monkeypatch.setenv("HOME", str(tmp_path))
    return folder


@pytest.fixture(scope="module")
def done() -> set[str]:
    """Commands that need not be run on another page."""
    return set()


def substituted(command: str) -> str:
    """The command with recordings in the place of cameras."""
    words = command.split(" ")
    return " ".join(STAND_INS.get(word, word) for word in words)


@contextmanager
def serving(command: str, folder: Path) -> Iterator[None]:
    """A server from when it answers to the end of the block, which it has to end well."""
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", PORT)) == 0:
            pytest.skip(f"something else uses port {PORT}")
    with (folder / "server.txt").open("w+") as told:
        server = subprocess.Popen(
            ["bash", "-c", f"exec env {substituted(command)}"], cwd=folder, stdout=told, stderr=told
        )
        try:
            wait_for_an_answer(server)
            yield
        finally:
            server.send_signal(signal.SIGINT)
            code = server.wait(timeout=60)
        told.seek(0)
        assert code in (0, 130), told.read()


def wait_for_an_answer(server: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        try:
            urlopen(f"http://127.0.0.1:{PORT}/healthz", timeout=10).close()
        except HTTPError:
            return  # It answers: a source is lost, or not there yet.
        except (URLError, OSError):
            assert server.poll() is None, "the server has ended"
            time.sleep(0.1)
        else:
            return
    raise AssertionError("the server does not answer")


def run(command: str, folder: Path) -> None:
    for name in OUTPUT.findall(command):
        if (folder / name).is_file():  # Nothing that exists is written over.
            (folder / name).unlink()
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", substituted(command)],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
    assert "Traceback" not in done.stderr, command


ONCE = ("movistream convert ", "movistream demo", "movistream bench ")
"""Beginnings of commands that one page is enough for: what they write stands in on the others."""


def follow(page: Path, desk: Path, done: set[str]) -> None:
    """Its commands in order, then its programs, but for those that commands run."""
    programs = list(python_of(page))
    for name in CALLED.get(page.name, ()):
        (desk / name).write_text(programs.pop(0), encoding="utf-8")
    for command in commands_of(page):
        if command in LEFT_OUT | done:
            continue
        if " serve " in command:
            with serving(command, desk):
                pass
        elif command.startswith(NEEDS_A_SERVER):
            with serving("movistream serve MODEL front.mp4 --loop", desk):
                run(command, desk)
        else:
            run(command, desk)
        if command.startswith(ONCE):
            done.add(command)
    if programs:
        program = PRELUDE + "\n".join(programs)
        for word, recording in STAND_INS.items():
            program = program.replace(f'"{word}"', f'"{recording}"')
        (desk / "program.py").write_text(program, encoding="utf-8")
        run("python program.py", desk)
