"""``movistream service``, with a systemctl that only notes what it is told."""

from __future__ import annotations

import os
import shutil
import socket
import stat
import subprocess
from pathlib import Path

import pytest

from movistream.cli import main
from tests.sdk.serving import serving

Capture = pytest.CaptureFixture[str]
TOKEN = "a-token-of-some-letters"


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where services are kept; ``calls`` beside it notes what systemctl is told."""
    folder, calls = tmp_path / "config", tmp_path / "calls"
    tool = tmp_path / "bin" / "systemctl"
    tool.parent.mkdir()
    tool.write_text(f'#!/bin/sh\necho "$@" >> {calls}\n')
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tool.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(folder))
    monkeypatch.chdir(tmp_path)
    return folder


def unit_of(config: Path) -> Path:
    return config / "systemd" / "user" / "movistream.service"


def test_install_and_remove(config: Path, tmp_path: Path, capsys: Capture) -> None:
    sources = ["my 100% model.tflite", "front door.mp4", "rtsp://camera/$1"]
    main(["service", "install", *sources, "--host", "0.0.0.0", "--token", TOKEN, "--loop"])
    text = unit_of(config).read_text()
    assert '"serve" "my 100%% model.tflite" "front door.mp4" "rtsp://camera/$$1"' in text
    assert '"--host" "0.0.0.0" "--loop"' in text
    assert f"WorkingDirectory={tmp_path}" in text
    for line in ("Type=notify", "Restart=on-failure", "WatchdogSec=60"):
        assert line in text
    environment = config / "movistream" / "service.env"
    assert environment.read_text() == f"MOVISTREAM_TOKEN={TOKEN}\n"
    assert stat.S_IMODE(environment.stat().st_mode) == 0o600
    assert TOKEN not in text
    assert TOKEN not in capsys.readouterr().out
    main(["service", "remove"])
    assert not unit_of(config).exists()
    assert not environment.exists()
    calls = (tmp_path / "calls").read_text().splitlines()
    assert calls == [
        "--user daemon-reload",
        "--user enable movistream.service",
        "--user restart movistream.service",
        "--user disable --now movistream.service",
        "--user daemon-reload",
    ]


def test_a_new_token(config: Path) -> None:
    main(["service", "install", "m.tflite", "--token=new"])
    token = (config / "movistream" / "service.env").read_text()
    assert len(token.strip().removeprefix("MOVISTREAM_TOKEN=")) >= 32
    assert "new" not in unit_of(config).read_text().split("ExecStart")[1].split("\n")[0]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_systemd_understands_it(config: Path) -> None:
    main(["service", "install", "a model.tflite", "0"])
    found = subprocess.run(
        ["systemd-analyze", "verify", "--user", str(unit_of(config))],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "XDG_RUNTIME_DIR": str(config)},
    )
    assert "movistream.service" not in found.stderr


def test_mistakes(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    for arguments, code, message in (
        (["install"], 2, "Missing argument 'MODEL'"),
        (["install", "m.tflite", "--no-such-option"], 2, "No such option"),
        (["install", "a\nb.tflite"], 1, "a line break"),
        (["install", "m.tflite", "--host", "0.0.0.0"], 1, "give a --token"),
        (["install", "m.tflite", "--token", "short"], 1, "16 to 200 letters"),
        (["status"], 1, "no service is installed"),
        (["remove"], 1, "no service is installed"),
    ):
        with pytest.raises(SystemExit) as caught:
            main(["service", *arguments])
        assert caught.value.code == code
        assert message in capsys.readouterr().err
    (tmp_path / "bin" / "systemctl").write_text("#!/bin/sh\necho 'no bus' >&2; exit 1\n")
    with pytest.raises(SystemExit):
        main(["service", "install", "m.tflite"])
    assert "daemon-reload failed: no bus" in capsys.readouterr().err
    monkeypatch.setenv("PATH", str(tmp_path / "nowhere"))
    with pytest.raises(SystemExit):
        main(["service", "install", "m.tflite"])
    assert "there is no systemd here" in capsys.readouterr().err


def test_the_watchdog_is_fed_by_steps(model_path: Path, clip: Path, tmp_path: Path) -> None:
    address = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(address))
        manager.settimeout(20)
        environment = {**os.environ, "NOTIFY_SOCKET": str(address), "WATCHDOG_USEC": "3000000"}
        with serving(model_path, clip, "--loop", environment=environment) as running:
            said = [manager.recv(100) for _ in range(3)]
            assert said == [b"READY=1", b"WATCHDOG=1", b"WATCHDOG=1"]
            # Who is paused does not hang.
            feed = running.feeds()[0]["id"]
            running.http.post(f"/api/feeds/{feed}/pause")
            assert manager.recv(100) == b"WATCHDOG=1"
