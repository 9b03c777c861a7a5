"""Python's and the JVM's time for a step, in turns: the table that android-check ends with.

    latency.py PARITY.txt MODEL... -- JAVA...

JAVA is the command that starts RoundServer; a model and a number of frames are added to it.
PARITY.txt is what ParityTest printed. Exits with 1 if the JVM takes more than 1.3 times as long.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np

import movistream

ROUNDS = 25
FRAMES = 40
MOST_RATIO = 1.3


def parity(printed: str) -> dict[str, dict[str, str]]:
    """What ParityTest printed behind TABLE, by model: words in pairs."""
    found = {}
    for line in printed.splitlines():
        # JUnit's dots may stand before it.
        _, table, row = line.partition("TABLE ")
        if table:
            model, *words = row.split()
            found[model] = dict(zip(words[::2], words[1::2], strict=True))
    return found


def compare(path: Path, java: list[str]) -> tuple[float, float, float]:
    """Median ms of a step in Python and on the JVM, and the median of the rounds' ratios."""
    frames = np.random.default_rng(0).integers(0, 256, (FRAMES, 480, 640, 3), np.uint8)
    command = [*java, str(path), str(FRAMES)]
    medians = []
    with (
        movistream.load(path, threads=1, arithmetic="float32") as model,
        model.stream() as stream,
        subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        ) as jvm,
    ):
        assert jvm.stdin is not None
        assert jvm.stdout is not None
        for _ in range(ROUNDS + 5):
            stream.reset()
            python_ms = [stream.step(frame).inference_ms for frame in frames]
            jvm.stdin.write("\n")
            jvm.stdin.flush()
            jvm_ms = json.loads(jvm.stdout.readline())
            medians.append((np.median(python_ms), np.median(jvm_ms)))
        jvm.stdin.close()
    # The first rounds warm up: the JVM compiles what it runs often.
    python, other = np.array(medians[5:]).T
    return float(np.median(python)), float(np.median(other)), float(np.median(other / python))


def main(arguments: list[str]) -> int:
    """Prints the table; returns 1 if the JVM is too slow."""
    split = arguments.index("--")
    found = parity(Path(arguments[0]).read_text(encoding="utf-8"))
    java = arguments[split + 1 :]
    print(f"{'Python and JVM':30} {'logits error':>12} {'largest':>8} {'top-1':>6}", end="")
    print(f" {'Python ms':>10} {'JVM ms':>8} {'ratio':>6}")
    slowest = 0.0
    for path in map(Path, arguments[1:split]):
        python_ms, jvm_ms, ratio = compare(path, java)
        own = found[path.name]
        error, largest = float(own["logits_error"]), float(own["largest_logit"])
        print(f"{path.name:30} {error:12.2e} {largest:8.2f} {own['top_1']:>6}", end="")
        print(f" {python_ms:10.3f} {jvm_ms:8.3f} {ratio:6.2f}")
        slowest = max(slowest, ratio)
    if slowest > MOST_RATIO:
        print(f"the JVM takes {slowest:.2f} times as long as Python; {MOST_RATIO} is allowed")
    return int(slowest > MOST_RATIO)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
