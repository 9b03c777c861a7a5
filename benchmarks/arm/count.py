"""Counts the instructions that an emulated ARM core executes per frame of a stream model.

    python count.py [--cpu cortex-a76|cortex-a72] [--arithmetic NAME] [MODEL.tflite...]
                    [--published PEER.tflite]...

Run setup.sh first. Needs nothing but Python.
"""

from __future__ import annotations

import argparse
import itertools
import json
import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
BEGIN, RUN, RAN, END = range(4)


def count(path: Path, published: bool, arguments: argparse.Namespace) -> dict[str, Any]:
    """Runs one file in the emulator and returns its figures."""
    build, sdk = arguments.build.resolve(), arguments.sdk.resolve()
    site = build / "site-packages"
    environment = {
        "PATH": "/usr/bin:/bin",
        "HOME": "/tmp",
        "LC_ALL": "C.UTF-8",
        "PYTHONHOME": str(build / "arm/usr"),
        "PYTHONPATH": f"{sdk}:{site}",
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }
    with tempfile.TemporaryDirectory() as folder:
        marks = Path(folder, "marks")
        command = [
            *("setarch", "--addr-no-randomize"),
            str(build / "qemu-aarch64"),
            *("-cpu", arguments.cpu, "-L", str(build / arguments.cpu)),
            *("-plugin", f"{build / 'count_instructions.so'},out={marks}"),
            str(build / "arm/usr/bin/python3.11"),
            *("-u", str(HERE / "step_counted.py"), str(path.resolve())),
            *("--warm-up", str(arguments.warm_up), "--frames", str(arguments.frames)),
        ]
        if published:
            command.append("--published")
        else:
            command += ["--arithmetic", arguments.arithmetic]
            command += ["--engine", arguments.engine]
        done = subprocess.run(command, env=environment, stderr=subprocess.PIPE, text=True)
        if arguments.verbose or done.returncode:
            sys.stderr.write(done.stderr)
        if done.returncode:
            raise SystemExit(f"{path}: the emulated Python ended with {done.returncode}")
        lines = [tuple(map(int, line.split())) for line in marks.read_text().splitlines()]
    calibration = [value for number, value in lines if number == 0]
    cost = min(after - before for before, after in itertools.pairwise(calibration))
    at = {divmod(number, 10): value for number, value in lines if number}
    frames = sorted({frame for frame, _ in at})
    whole, run = [], []
    for frame in frames:
        split = (frame, RUN) in at
        whole.append(at[frame, END] - at[frame, BEGIN] - cost * (3 if split else 1))
        if split:
            run.append(at[frame, RAN] - at[frame, RUN] - cost)
    return {
        "model": path.name,
        "published_loop": published,
        "cpu": arguments.cpu,
        "arithmetic": "float32" if published else _arithmetic(done.stderr),
        "median": statistics.median_low(whole),
        "min": min(whole),
        "max": max(whole),
        "run": statistics.median_low(run) if run else None,
        "frames": whole,
        "runs": run,
        "mark": cost,
        "says": done.stderr.strip().splitlines(),
    }


def _arithmetic(said: str) -> str:
    """What the emulated side says that it computes in."""
    return re.search(r"^engine .*, (float\d+)$", said, re.MULTILINE)[1]


def main() -> None:
    """Counts each file and prints a table, or JSON lines."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("models", nargs="*", type=Path)
    parser.add_argument("--published", action="append", default=[], type=Path)
    parser.add_argument("--cpu", choices=("cortex-a76", "cortex-a72"), default="cortex-a76")
    parser.add_argument("--arithmetic", choices=("auto", "float32", "float16"), default="auto")
    parser.add_argument("--engine", default="auto")
    parser.add_argument("--warm-up", type=int, default=12)
    parser.add_argument("--frames", type=int, default=5)
    parser.add_argument("--build", type=Path, default=ROOT / "build" / "arm")
    parser.add_argument("--sdk", type=Path, default=ROOT / "sdk")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--verbose", action="store_true", help="show what the emulated side says")
    arguments = parser.parse_args()
    jobs = [(path, True) for path in arguments.published]
    jobs += [(path, False) for path in arguments.models]
    if not jobs:
        parser.error("name at least one model")
    if not arguments.json:
        print(f"{'model':48}{'arithmetic':12}{'median':>13}{'min':>13}{'max':>13}{'run alone':>13}")
    for path, published in jobs:
        answer = count(path, published, arguments)
        if arguments.json:
            print(json.dumps(answer), flush=True)
            continue
        name = answer["model"] + (" (published)" if published else "")
        run = "" if answer["run"] is None else f"{answer['run']:,}"
        print(
            f"{name:48}{answer['arithmetic']:12}"
            f"{answer['median']:>13,}{answer['min']:>13,}{answer['max']:>13,}{run:>13}",
            flush=True,
        )


if __name__ == "__main__":
    main()
