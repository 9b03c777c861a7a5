"""``movistream service``, with a systemctl that only notes what it is told."""

from __future__ import annotations

import os
import re
import shutil
import socket
import stat
import subprocess
from pathlib import Path

import pytest

from movistream.cli import main
from movistream.serve import service
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
    sources = ["my 100% model.tflite", "front $1 door.mp4"]
    main(["service", "install", *sources, "--host", "0.0.0.0", "--token", TOKEN, "--loop"])
    text = unit_of(config).read_text()
    assert '"serve" "my 100%% model.tflite" "front $$1 door.mp4"' in text
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


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_the_unit_is_hardened(config: Path) -> None:
    main(["service", "install", "a model.tflite", "0", "--weight-cache", "packed weights"])
    found = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=30", str(unit_of(config))],
        capture_output=True,
        text=True,
        check=False,
    )
    if "unrecognized option" in found.stderr:
        pytest.skip("this systemd-analyze reads no files")
    level = re.search(r"exposure level for movistream\.service: (\d+\.\d)", found.stdout)
    assert level is not None, found.stderr
    assert float(level[1]) < 3


def test_what_the_unit_leaves_open(config: Path, tmp_path: Path) -> None:
    """Devices, the network, files to read; folders to write to; machine code of plugins."""
    main(["service", "install", "m.tflite", "/dev/video0", "--weight-cache", "packed weights"])
    lines = unit_of(config).read_text().splitlines()
    settings = dict(line.split("=", 1) for line in lines if "=" in line and line[0] != "#")
    for closed in ("PrivateDevices", "PrivateNetwork", "MemoryDenyWriteExecute", "DeviceAllow"):
        assert closed not in settings
    assert settings["ProtectHome"] == "read-only"
    assert settings["ReadWritePaths"].split(" ", 2) == [
        "-%E/movistream",
        "-%C/movistream",
        f'"-{tmp_path}/packed weights"',
    ]
    assert (tmp_path / "packed weights").is_dir()
    assert int(settings["StartLimitBurst"]) * 10 < int(settings["StartLimitIntervalSec"])
    assert stat.S_IMODE(unit_of(config).stat().st_mode) == 0o600


def test_where_users_have_no_namespaces(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    setting = tmp_path / "setting"
    monkeypatch.setattr(service, "_FORBIDDING", {str(setting): "0"})
    for value, has in (("1", True), ("0", False)):
        setting.write_text(f"{value}\n")
        main(["service", "install", "m.tflite"])
        text = unit_of(config).read_text()
        assert ("PrivateUsers=true" in text) == has
        assert "NoNewPrivileges=true" in text
        assert ("no namespaces" in capsys.readouterr().out) != has


def test_addresses_are_in_no_unit(config: Path, capsys: Capture) -> None:
    addresses = ["rtsp://admin:s3cr%74@cam/1?pwd=s3cr$t", "RTSP:/admin:s3cret@cam"]
    main(["service", "install", "m.tflite", addresses[0], "front.mp4", "--loop", addresses[1]])
    kept = config / "movistream" / "service.sources"
    assert kept.read_text().splitlines() == addresses
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    text = unit_of(config).read_text()
    assert f'"m.tflite" "front.mp4" "--loop" "--sources-from" "{kept}"' in text
    assert "s3cr" not in text + "".join(capsys.readouterr())
    main(["service", "remove"])
    assert not kept.exists()


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
    monkeypatch.setenv("PATH", str(tmp_path / "nowhere"))
    with pytest.raises(SystemExit):
        main(["service", "install", "m.tflite"])
    assert "there is no systemd here" in capsys.readouterr().err


def failing_systemctl(tmp_path: Path, *verbs: str) -> None:
    """From now on it fails, at these, as where no bus leads to this user's systemd."""
    condition = " -o ".join(f'"$2" = {verb}' for verb in verbs)
    text = f"if [ {condition} ]; then echo 'Failed to connect to bus' >&2; exit 1; fi\n"
    (tmp_path / "bin" / "systemctl").write_text(f"#!/bin/sh\n{text}")


def files_in(config: Path) -> list[Path]:
    return [path for path in config.rglob("*") if not path.is_dir() or path.is_symlink()]


ARGUMENTS = ("m.tflite", "rtsp://a:b@c", "--token", TOKEN)


@pytest.mark.parametrize("failing", ["daemon-reload", "enable", "restart"])
def test_an_installation_that_fails_leaves_nothing(
    failing: str, config: Path, tmp_path: Path, capsys: Capture
) -> None:
    failing_systemctl(tmp_path, failing)
    with pytest.raises(SystemExit):
        main(["service", "install", *ARGUMENTS])
    told = capsys.readouterr().err
    assert f"{failing}" in told
    assert "Failed to connect to bus. Log in as this user" in told
    assert files_in(config) == []


def test_an_installation_that_fails_leaves_the_one_before(config: Path, tmp_path: Path) -> None:
    main(["service", "install", *ARGUMENTS])
    before = {path: path.read_text() for path in files_in(config)}
    failing_systemctl(tmp_path, "restart")
    with pytest.raises(SystemExit):
        main(["service", "install", "other.tflite", "rtsp://d:e@f"])
    assert {path: path.read_text() for path in files_in(config)} == before
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in before)


def test_what_is_left_can_be_removed(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    """Whatever it is, also where systemd cannot be reached, or is not there any more."""
    main(["service", "install", *ARGUMENTS])
    unit_of(config).unlink()
    link = unit_of(config).parent / "default.target.wants" / unit_of(config).name
    link.parent.mkdir()
    link.symlink_to(unit_of(config))
    failing_systemctl(tmp_path, "disable", "daemon-reload")
    capsys.readouterr()
    main(["service", "remove"])
    assert "systemd was not reached" in capsys.readouterr().out
    assert files_in(config) == []
    (config / "movistream" / "service.env").write_text("")
    monkeypatch.setenv("PATH", str(tmp_path / "nowhere"))
    main(["service", "remove"])
    assert files_in(config) == []


def test_the_watchdog_is_fed_by_steps(model_path: Path, clip: Path, tmp_path: Path) -> None:
    address = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(address))
        manager.settimeout(20)
        environment = {**os.environ, "NOTIFY_SOCKET": str(address), "WATCHDOG_USEC": "1500000"}
        with serving(model_path, clip, "--loop", environment=environment) as running:
            said = [manager.recv(100) for _ in range(3)]
            assert said == [b"READY=1", b"WATCHDOG=1", b"WATCHDOG=1"]
            # Who is paused does not hang.
            feed = running.feeds()[0]["id"]
            running.http.post(f"/api/feeds/{feed}/pause")
            assert manager.recv(100) == b"WATCHDOG=1"
