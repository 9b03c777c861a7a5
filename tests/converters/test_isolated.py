"""Sources are read in a child process, which changes nothing but what a crash does."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from movistream.system import child
from movistream_converters.errors import ConversionError
from movistream_converters.formats import isolated, safetensors_file
from movistream_converters.formats.isolated import read_isolated
from movistream_converters.formats.movinet_options import options_of
from movistream_converters.formats.registry import read_source
from movistream_converters.ir.layers import ActivationFunction
from tests.conftest import small_checkpoint
from tests.converters.sources import checkpoint


def test_nothing_is_lost_on_the_way(tmp_path: Path) -> None:
    path = checkpoint(tmp_path)
    told: dict[str, object] = {
        "activation": ActivationFunction.SWISH,
        "image_size": 64,
    }
    expected, calls = read_source(path, None, None, told), list[int]()
    found = read_isolated(path, None, None, told, lambda: calls.append(1))
    assert calls == [1]
    assert (options_of(found), found.network) == (options_of(expected), expected.network)
    assert (found.findings, found.unused) == (expected.findings, expected.unused)
    assert (found.name, found.format, found.labels) == (expected.name, expected.format, ())
    assert list(found.weights) == list(expected.weights)
    for name, value in expected.weights.items():
        np.testing.assert_array_equal(found.weights[name], value, strict=True)


def test_labels_and_odd_names(model_path: Path, tmp_path: Path) -> None:
    odd = tmp_path / b"caf\xe9.tflite".decode(errors="surrogateescape")
    odd.write_bytes(model_path.read_bytes())
    source = read_isolated(odd)
    assert source.labels == tuple(f"thing {index}" for index in range(5))
    assert source.name == "caf?.tflite"
    odd.write_bytes(b"")
    with pytest.raises(ConversionError, match=r"caf\udce9.tflite is of no known kind"):
        read_isolated(odd)


def test_what_is_wrong_is_said_in_full(tmp_path: Path) -> None:
    safetensors_file.write(small_checkpoint(), tmp_path / "w.safetensors")
    with pytest.raises(ConversionError, match=r"w.safetensors has num classes 5, not 6"):
        read_isolated(tmp_path / "w.safetensors", None, None, {"num_classes": 6})
    with pytest.raises(ConversionError) as caught:
        read_isolated(tmp_path / "nothing")
    assert len(str(caught.value).splitlines()) > 5


@pytest.fixture
def become(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Puts a shell's line in place of the child."""

    def become(line: str) -> None:
        script = tmp_path / "child"
        script.write_text(f"#!/bin/sh\n{line}\n")
        script.chmod(0o755)
        monkeypatch.setattr(child.sys, "executable", str(script))

    return become


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("kill -SEGV $$", r"its reader crashes \(SIGSEGV\)"),
        ("kill -ABRT $$", r"its reader crashes \(SIGABRT\)"),
        ("exec sleep 20", r"its reader does not end within 0\.2 s"),
        ("echo Traceback >&2; echo 'MemoryError: no more' >&2; exit 1", "MemoryError: no more"),
    ],
)
def test_what_happens_to_the_child(
    line: str,
    message: str,
    become: Callable[[str], None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(isolated, "TIME_LIMIT_S", 0.2 if "sleep" in line else 60)
    become(line)
    with pytest.raises(ConversionError, match=message):
        read_isolated(tmp_path)


def test_what_is_refused_at_once_costs_no_import(tmp_path: Path) -> None:
    """TensorFlow's takes seconds; a video is no source of weights, and that is told before."""
    video = tmp_path / "clip.mp4"
    video.write_bytes(b"\0\0\0\x20ftypisom" + bytes(100))

    def never() -> None:
        raise AssertionError("nobody waits for a child that has refused")

    with pytest.raises(ConversionError, match=r"clip\.mp4 is of no known kind"):
        read_isolated(video, meanwhile=never)


def test_the_child_ends_with_us(become: Callable[[str], None], tmp_path: Path) -> None:
    become(f"echo $$ > {tmp_path}/pid; exec sleep 20")

    def interrupt() -> None:
        for _ in range(1000):
            if (tmp_path / "pid").exists() and (tmp_path / "pid").read_text().strip():
                raise KeyboardInterrupt
            time.sleep(0.01)

    with pytest.raises(KeyboardInterrupt):
        read_isolated(tmp_path, meanwhile=interrupt)
    assert not Path("/proc", (tmp_path / "pid").read_text().strip()).exists()
