"""What holds the project together: packages, dependencies, the public surface."""

from __future__ import annotations

import configparser
import json
import re
import subprocess
import sys
import venv
from pathlib import Path

import jsonschema
import pytest

import movistream
from movistream.file.inspection import inspect_file
from movistream.file.manifest import encode, json_schema

ROOT = Path(__file__).parents[2]
ROOMS = {
    "movistream": "sdk",
    "movistream_converters": "converters",
    "movistream_benchmarks": "benchmarks",
    "movistream_training": "training",
}


def test_setup_cfg_lists_every_package() -> None:
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    listed = config["options"]["packages"].split()
    found = [
        str(file.parent.relative_to(ROOT / room)).replace("/", ".")
        for room in ROOMS.values()
        for file in (ROOT / room).rglob("__init__.py")
    ]
    assert sorted(listed) == sorted(found)


def test_the_public_surface() -> None:
    assert movistream.__all__ == [
        "Answer",
        "ArraySource",
        "DecodeOptions",
        "Ended",
        "EngineError",
        "EngineUnavailableError",
        "Ensemble",
        "Event",
        "EventOptions",
        "FrameError",
        "LabelsError",
        "Manifest",
        "MissingExtraError",
        "Model",
        "ModelError",
        "MovistreamError",
        "Notice",
        "OutputError",
        "Passed",
        "Prediction",
        "Region",
        "ResetOptions",
        "Result",
        "ScoreOptions",
        "Seen",
        "Snapshot",
        "SnapshotError",
        "Source",
        "SourceOptions",
        "Started",
        "Step",
        "Stream",
        "StreamPool",
        "TimelineEntry",
        "VideoError",
        "VideoFrame",
        "View",
        "WatchOptions",
        "Watching",
        "__version__",
        "classify",
        "load",
        "open_source",
        "read_snapshot",
        "write_snapshot",
    ]
    assert dir(movistream) == movistream.__all__
    surface = {
        movistream.Model: {
            "activation",
            "classes",
            "close",
            "delay_frames",
            "event_defaults",
            "frames_per_second",
            "horizon_frames",
            "image_size",
            "labels",
            "name",
            "stream",
            "warm_up_frames",
            "watch",
        },
        movistream.Ensemble: {
            "activation",
            "classes",
            "delay_frames",
            "event_defaults",
            "frames_per_second",
            "horizon_frames",
            "image_size",
            "labels",
            "name",
            "stream",
            "threads",
            "warm_up_frames",
            "watch",
        },
        movistream.StreamPool: {"close", "reconfigure", "reset", "stop"},
        movistream.Stream: {
            "close",
            "frames_seen",
            "reset",
            "restore",
            "set_horizon",
            "snapshot",
            "step",
            "warm_up",
        },
        movistream.Result: {
            "activation",
            "label",
            "labels",
            "probabilities",
            "score",
            "to_dict",
            "top",
            "warming_up",
        },
    }
    for kind, names in surface.items():
        assert {name for name in dir(kind) if not name.startswith("_")} == names


@pytest.mark.parametrize(
    "module",
    [
        "movistream",
        "movistream.cli",
        "movistream_benchmarks.soak",
        "movistream_benchmarks.arm.command",
        "movistream_benchmarks.bench_command",
        "movistream_benchmarks.report",
    ],
)
def test_the_runtime_imports_nothing_heavy(module: str) -> None:
    script = f"import sys, {module}; print(sorted({{'tensorflow', 'cv2'}} & set(sys.modules)))"
    found = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == "[]"


def test_the_schema_in_the_repository_is_current() -> None:
    """``make schema`` writes it."""
    written = json.loads((ROOT / "sdk/movistream/file/manifest.schema.json").read_text())
    assert written == json.loads(json.dumps(json_schema()))


def test_a_manifest_follows_the_schema(model_path: Path) -> None:
    schema = json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    document = json.loads(encode(inspect_file(model_path).manifest))
    jsonschema.validate(document, schema)
    document["states"][0]["role"] = "pond"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, schema)


def test_every_manifest_field_is_documented() -> None:
    text = (ROOT / "docs/manifest.md").read_text()
    missing = [
        f"{name}.{field}"
        for name, definition in json_schema()["$defs"].items()
        for field in definition["properties"]
        if f"`{field}`" not in text
    ]
    assert missing == []


def test_an_installed_wheel_runs(tmp_path: Path, model_path: Path) -> None:
    """In a fresh environment, without any extra."""
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    wheels = tmp_path / "wheels"
    subprocess.run([*pip, "wheel", "--no-deps", "-w", str(wheels), str(ROOT)], check=True)
    venv.create(tmp_path / "env", with_pip=True)
    python = tmp_path / "env/bin/python"
    (wheel,) = wheels.iterdir()
    subprocess.run(
        [python, "-m", "pip", "--quiet", "--disable-pip-version-check", "install", wheel],
        check=True,
    )

    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        command = [str(tmp_path / "env/bin/movistream"), *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)

    shown = run("--help")
    assert shown.returncode == 0
    assert "inspect" in shown.stdout
    assert re.search(r"convert +Not installed: pip install 'movistream\[convert\]'", shown.stdout)
    assert run("inspect", model_path).returncode == 0
    refused = run("convert", "checkpoint", "-o", "m.tflite")
    assert refused.returncode == 1
    assert "pip install 'movistream[convert]'" in refused.stderr
    refused = run("run", model_path, ROOT / "README.md")
    assert refused.returncode == 1
    assert "pip install 'movistream[video]'" in refused.stderr
    refused = run("demo")
    assert refused.returncode == 1
    assert "pip install 'movistream[video]'" in refused.stderr
    assert not (tmp_path / "movistream-demo").exists()
    assert run("inspect", "camera-motion").stdout == run("inspect", *built_in(tmp_path)).stdout
    assert "camera-motion" in run("models").stdout
    assert run("bench", model_path, "--frames", 5, "--rounds", 3).returncode == 0
    refused = run("bench", model_path, "--output", "report.html")
    assert refused.returncode == 1
    assert "pip install 'movistream[bench]'" in refused.stderr
    for name in (
        "astronaut.jpg",
        "kinetics600.txt",
        "jester.txt",
        "camera-motion.safetensors",
        "setup.sh",
        "count_instructions.c",
        "wheels.txt",
    ):
        assert next((tmp_path / "env").rglob(name))
    for name, room in (("manifest.schema.json", "file"), ("network.schema.json", "ir")):
        assert next((tmp_path / "env").rglob(name)).parent.name == room


def built_in(folder: Path) -> list[Path]:
    """The built-in model's file below a folder."""
    return list(folder.rglob("camera-motion.tflite"))


def test_every_number_of_the_readmes_table_is_in_the_report() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    table = readme.split("<!-- performance table -->")[1].split("<!-- end of performance table")[0]
    report = (ROOT / "docs" / "benchmark-report.html").read_text(encoding="utf-8")
    cells = set(re.findall(r"<td>([^<]+)</td>", report))
    rows = [line.strip("| ").split(" | ") for line in table.splitlines() if line.startswith("| ")]
    assert len(rows) > 5
    assert [cell for row in rows[1:] for cell in row if cell not in cells] == []
    assert table.split("\n\n")[1].split(",")[0] in report
