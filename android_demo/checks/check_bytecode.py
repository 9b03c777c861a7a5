"""Looks at the app's compiled classes for what a lint would: run with javap on the PATH.

    check_bytecode.py CLASSES

Nothing that a frame passes through makes an object (the few calls that do are named below), and
nothing that runs on the main thread reaches a model. What layouts call exists.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

HOT_METHODS = {
    "org/movistream/core/StreamClock": {"at"},
    "org/movistream/core/FramePacer": {"isDue", "timeS"},
    "org/movistream/core/RecordingPacer": {"next", "end", "picks"},
    "org/movistream/core/YuvFrame": {
        *("set", "requirePlane", "uprightWidth", "uprightHeight"),
        *("rgb", "red", "green", "blue", "clamp"),
    },
    "org/movistream/core/Preprocessor": {
        *("prepare", "decode", "copyRow", "mixRow", "mixColumn", "put"),
    },
    "org/movistream/core/Stream": {"step", "readLogits", "advance", "requireOpen"},
    "org/movistream/core/Scorer": {"update", "sigmoid", "softmax", "top", "contains"},
    "org/movistream/core/Resets": {"reason"},
    "org/movistream/core/SceneCuts": {"isCut", "count", "distance"},
    "org/movistream/core/Overall": {"add", "forget"},
    "org/movistream/core/EventDetector": {"update", "isGoingOn", "isLongEnough"},
    "org/movistream/core/History": {"add"},
    "org/movistream/core/Watch": {
        *("see", "forget", "append", "earlier", "answered", "events", "score", "logit", "top"),
        *("topCount", "isGoingOn", "answerS", "preprocessMs", "inferenceMs", "resetReason"),
    },
    "org/movistream/demo/logic/watching/Latest": {"take", "addEvents"},
    "org/movistream/demo/logic/watching/Watcher": {"isDue", "look"},
    "org/movistream/demo/logic/watching/CoreSession": {
        *(
            "isDue",
            "look",
            "lookAtRecorded",
            "rank",
            "seesSeveral",
            "count",
            "label",
            "score",
            "isGoingOn",
            "stepMs",
            "ended",
            "over",
        ),
    },
    "org/movistream/litert/LiteRtEngine": {"run"},
    "org/movistream/litert/LiteRtEngine$Buffer": {"write", "read"},
    "org/movistream/litert/CameraImages": {"show"},
    "org/movistream/demo/FrameTap": {"onImageAvailable"},
}
"""By class. What they call of Android and LiteRT, such as a frame's planes, is not this app's."""

ERRORS = re.compile(r"Exception|Error|StringBuilder")
"""Objects for a message, on the way to stopping."""

MAIN_THREAD = (
    *("MainActivity", "MainScreen", "BenchmarkActivity", "SettingsDialog", "ModelDialog"),
    *("EventShare", "CameraPermission", "ModelPick", "Camera", "PreviewView", "BarsView"),
    *("ChartView", "CanvasBrush", "DemoApplication"),
)
HEAVY = re.compile(
    r"org/movistream/core/(Stream|Watch|Engine|Preprocessor|ModelDescription|Agreement|Benchmark)\b"
    r"|com/google/ai/edge/litert/|org/movistream/litert/LiteRtEngine\b|org/movistream/demo/LiteRtSource\b"
    r"|org/movistream/demo/ModelLoader\.(load|describe|open)\b"
    r"|org/movistream/demo/logic/models/ModelShelf\.(add|file)\b"
    r"|org/movistream/demo/logic/engines/EngineChoice\.open\b"
    r"|org/movistream/demo/logic/watching/(CoreSession|Watcher\.look)\b"
)


def disassembled(file: Path) -> str:
    """What javap says about a class."""
    return subprocess.run(
        ["javap", "-p", "-c", "-constants", str(file)], check=True, capture_output=True, text=True
    ).stdout


def methods(listing: str) -> Iterator[tuple[str, list[str]]]:
    """Names and instructions."""
    for part in re.split(r"\n\n", listing):
        found = re.search(r"(\w+)\([^)]*\)[^;]*;\n\s+Code:\n", part)
        if found:
            yield found.group(1), part[found.end() :].splitlines()


def objects_made(instructions: list[str]) -> list[str]:
    """The instructions that make objects, but for those of errors."""
    made = [
        line
        for line in instructions
        if re.search(r": (new|newarray|anewarray|multianewarray|invokedynamic)\b", line)
        or re.search(r"\.valueOf:|\.clone:|\.iterator:", line)
    ]
    return [line.strip() for line in made if not ERRORS.search(line)]


def named_in_layouts() -> set[str]:
    """The methods that layouts call when something is tapped."""
    layouts = (Path(__file__).parents[1] / "app/src/main/res").glob("layout*/*.xml")
    texts = [path.read_text(encoding="utf-8") for path in layouts]
    return {name for text in texts for name in re.findall(r'android:onClick="(\w+)"', text)}


def check(classes: Path) -> str:
    """A line about the classes; an AssertionError where something is wrong."""
    looked_at = 0
    for name, wanted in HOT_METHODS.items():
        seen = set()
        for method, instructions in methods(disassembled(classes / f"{name}.class")):
            if method in wanted:
                seen.add(method)
                made = objects_made(instructions)
                assert not made, f"{name}.{method} makes objects: {made}"
        assert seen == wanted, f"{name} has no {wanted - seen}"
        looked_at += len(seen)
    package = classes / "org/movistream/demo"
    for name in MAIN_THREAD:
        files = sorted(package.glob(f"{name}.class")) + sorted(package.glob(f"{name}$*.class"))
        assert files, name
        for file in files:
            used = HEAVY.search(disassembled(file))
            assert not used, f"{file.stem} runs on the main thread and uses {used}"
    called = named_in_layouts()
    listing = disassembled(package / "MainActivity.class")
    for name in called:
        assert re.search(rf"public void {name}\(android\.view\.View\)", listing), name
    return (
        f"bytecode: no objects made in {looked_at} methods that frames pass through; no model"
        f" within reach of {len(MAIN_THREAD)} classes of the main thread; {len(called)} methods"
        " that layouts call are there"
    )


if __name__ == "__main__":
    print(check(Path(sys.argv[1])))
