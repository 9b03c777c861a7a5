"""Changes every constant that Java and Python share, on one side at a time: a test has to notice.

    mutate_constants.py TOOLS

TOOLS is what fetch_tools.sh made. Works in copies; takes some minutes. Prints what nobody noticed,
and exits with 1 if there is any.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MAIN = "android_demo/core/src/main/java/org/movistream/core"
TEST = "android_demo/core/src/test/java/org/movistream/core"
ANNOTATIONS = "android_demo/checks/annotations/org/jspecify/annotations"
JAVA_TESTS = (
    *("SharedConstantsTest", "PacingCasesTest", "ResetCasesTest", "WatchCasesTest"),
    *("ArithmeticCasesTest", "JsonCasesTest"),
)

JAVA_CONSTANT = re.compile(
    r"^    (?P<access>private |public )?static final (?P<type>int|long|float|double|String)"
    r" (?P<name>[A-Z0-9_]+) =\s(?P<value>[^;]+);",
    re.MULTILINE,
)
PRIVATE_AND_SHARED = {"FramePacer", "EventTable", "Float16", "Agreement"}
"""Classes whose private constants Python has too."""
NOT_SHARED = {
    *("RECORDED", "NO_TIME", "LINE_END", "SMALLEST", "UTF_8"),
    *("IDENTIFIER_START", "LEAST_BYTES", "OPTIONAL_TENSOR_NAME"),
}

PYTHON_CONSTANTS: tuple[tuple[str, str], ...] = (
    *(
        ("file/graph_limits.py", rf"^_{name} = (.+)$")
        for name in (
            *("MOST_BYTES_AT_ONCE", "MOST_BYTES_IN_ALL", "MOST_WEIGHT_BYTES"),
            *("MOST_WORKSPACE_BYTES", "MOST_MULTIPLY_ADDS", "POINTER_BYTES"),
        )
    ),
    *(
        ("file/operator_rules.py", pattern)
        for pattern in (
            r"^_MOST_REPEATED = (.+)$",
            r"^_SCALES = \((.+?),",
            r"^_SCALES = \(.+?, (.+)\)$",
            r"^_FINEST_SUM = (.+)$",
            r"^_COARSEST_PRODUCT = (.+)$",
            r"\"logistic\": \((1 / 256)",
            r"\"logistic\": \(1 / 256, (-128)",
            r"\"tanh\": \((1 / 128)",
            r"\"tanh\": \(1 / 128, (0)",
        )
    ),
    ("file/tensors.py", r"^OPTIONAL_TENSOR = (.+)$"),
    ("file/shape_rules.py", r"^SAME = (.+)$"),
    *(
        ("file/graph.py", rf"^{name} = (.+)$")
        for name in (
            *("_LARGEST_TENSOR_BYTES", "_SMALLEST_SCALE", "_MOST_GRAPHS", "_MOST_OPERANDS"),
            *("_LONGEST_NAME", "_PLACEHOLDER_CODE"),
        )
    ),
    ("file/flatbuffer.py", r"^_LONGEST_STRING_BYTES = (.+)$"),
    ("file/flatbuffer.py", r"^_MOST_ITEMS = (.+)$"),
    ("file/binding.py", r"^_MOST_PIXELS = (.+)$"),
    ("file/binding.py", r"^_MOST_NUMBERS = (.+)$"),
    ("file/binding.py", r"^_LARGEST_MANIFEST_BYTES = (.+)$"),
    *(
        ("file/manifest.py", pattern)
        for pattern in (
            r"^_EMPTY_DIGEST = \"0\" \* (64)",
            r"^MOST_FRAMES_PER_SECOND = (.+)$",
            r"^Text = .*max_length=(\d+)",
            r"^Moderate = .*le=(1e6)",
            r"^Deviations = .*ge=(1e-6)",
            r"^Scale = .*ge=(1e-15)",
            r"^Scale = .*le=(1e15)",
            r"^FrameCount = .*le=(2\*\*16)",
            r"^Shape = .*max_length=(6)",
            r"^MomentSeconds = .*le=(3600)",
        )
    ),
    ("stream/preprocess.py", r"_LUMA = np.array\(\[(0.299)"),
    ("stream/preprocess.py", r"^_BYTE_ZERO_POINT = (.+)$"),
    ("engines/arithmetic.py", r"^MOST_FLOAT16_FRAMES = (.+)$"),
    ("engines/arithmetic.py", r"^LEAST_COSINE = (.+)$"),
    ("stream/agreement.py", r"^_CHECKED_FRAMES = (.+)$"),
    ("stream/agreement.py", r"^_BRIGHTEST = (.+)$"),
    ("stream/agreement.py", r"(0x9E3779B1)"),
    ("sources/picking.py", r"^_TIE_S = (.+)$"),
    ("watch/scores.py", r"temperature: float = (.+)$"),
    *(
        ("watch/events.py", rf"^DEFAULTS = .*{pattern}")
        for pattern in (
            r"enter=\((.+?),\)",
            r"leave=\((.+?),\)",
            r"shortest_s=(.+?),",
            r"smoothing_s=(.+)\)",
        )
    ),
    ("watch/watcher.py", r"    top: int = (.+)$"),
    *(
        ("watch/resets.py", rf"^_{name} = (.+)$")
        for name in ("GRID", "BINS", "CUT_DISTANCE", "CUT_RATIO", "ADAPTATION")
    ),
    ("watch/vocabulary.py", r"^VERSION = (.+)$"),
)


def changed(value: str, kind: str) -> str:
    """Another value of a type, that compiles."""
    return f'({value}) + "x"' if kind == "String" else f"({value}) * 2 + ({value} == 0 ? 1 : 0)"


def java_changes() -> Iterator[tuple[str, Path, str]]:
    """A name, a file and its changed text, for every constant that is shared."""
    for file in sorted((ROOT / MAIN).glob("*.java")):
        text = file.read_text(encoding="utf-8")
        for found in JAVA_CONSTANT.finditer(text):
            name = found["name"]
            private = (found["access"] or "").strip() == "private"
            if name in NOT_SHARED or (private and file.stem not in PRIVATE_AND_SHARED):
                continue
            start, end = found.span("value")
            new = text[:start] + changed(found["value"], found["type"]) + text[end:]
            yield f"{file.stem}.{name}", file.relative_to(ROOT), new


def java_notices(work: Path, environment: dict[str, str], classpath: str) -> bool:
    """Whether a test fails. All is compiled anew: constants are copied into what uses them."""
    classes = work / "classes"
    shutil.rmtree(classes, ignore_errors=True)
    shutil.copytree(work / "android_demo/core/src/main/resources", classes)
    folders = (work / MAIN, work / TEST, ROOT / ANNOTATIONS)
    sources = [str(path) for folder in folders for path in folder.glob("*.java")]
    options = ["-nowarn", "-source", "8", "-target", "8", "-Xlint:none"]
    compiled = subprocess.run(
        ["javac", *options, "-cp", classpath, "-d", str(classes), *sources],
        env=environment,
        capture_output=True,
        text=True,
    )
    assert compiled.returncode == 0, compiled.stderr
    tests = [f"org.movistream.core.{name}" for name in JAVA_TESTS]
    run = ["java", f"-Dmovistream.tests={ROOT / 'tests'}", "-cp", f"{classes}:{classpath}"]
    told = subprocess.run(
        [*run, "org.junit.runner.JUnitCore", *tests], env=environment, capture_output=True
    )
    return told.returncode != 0


def java_survivors(tools: Path) -> list[str]:
    """Names of Java's constants that no test knows."""
    jars = tools / "java/usr/share/java"
    classpath = ":".join(str(jars / f"{n}.jar") for n in ("junit4", "hamcrest", "hamcrest-core"))
    binaries = tools / "native/usr/lib/jvm/java-17-openjdk-amd64/bin"
    environment = {**os.environ, "PATH": f"{binaries}:{os.environ['PATH']}"}
    survivors = []
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        shutil.copytree(ROOT / "android_demo/core/src", work / "android_demo/core/src")
        assert not java_notices(work, environment, classpath), "the tests fail as it is"
        count = 0
        for name, file, text in java_changes():
            (work / file).write_text(text, encoding="utf-8")
            if not java_notices(work, environment, classpath):
                survivors.append(name)
            shutil.copy(ROOT / file, work / file)
            count += 1
    print(f"Java: {count} constants changed, {len(survivors)} not noticed")
    return survivors


PYTHON_CHECK = """
import sys
sys.path.insert(0, {root!r})
from tests.case_writers.files import FOLDER, all_files
from tests.sdk.test_written_cases import test_a_file_is_what_would_be_written as test
for name in all_files():
    test(name)
"""


def python_survivors() -> list[str]:
    """Places of Python's constants that no case knows."""
    survivors = []
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder) / "sdk"
        shutil.copytree(ROOT / "sdk", work, ignore=shutil.ignore_patterns("__pycache__"))
        code = PYTHON_CHECK.format(root=str(ROOT))
        environment = {**os.environ, "PYTHONPATH": str(work), "PYTHONDONTWRITEBYTECODE": "1"}

        def notices() -> bool:
            run = subprocess.run(
                [sys.executable, "-c", code], env=environment, capture_output=True, cwd=folder
            )
            return run.returncode != 0

        assert not notices(), "the cases are not up to date"
        for name, pattern in PYTHON_CONSTANTS:
            file = work / "movistream" / name
            text = file.read_text(encoding="utf-8")
            found = re.search(pattern, text, re.MULTILINE)
            assert found, f"{name} has no {pattern}"
            start, end = found.span(1)
            value = found[1]
            new = f"(({value}) * 2 or 1)"
            file.write_text(text[:start] + new + text[end:], encoding="utf-8")
            if not notices():
                survivors.append(f"{name}: {value}")
            file.write_text(text, encoding="utf-8")
    print(f"Python: {len(PYTHON_CONSTANTS)} constants changed, {len(survivors)} not noticed")
    return survivors


if __name__ == "__main__":
    unnoticed = python_survivors() + java_survivors(Path(sys.argv[1]))
    print("\n".join(unnoticed))
    sys.exit(bool(unnoticed))
