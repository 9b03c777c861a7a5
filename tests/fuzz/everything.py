"""``python -m tests.fuzz.everything``: model files and every parser, sharing so many minutes."""

from __future__ import annotations

import argparse
import os
import re
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.fuzz.parser_fuzzer import NO_ATHERIS

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "build" / "fuzz"
_WORKERS = 2
_MODEL_SHARE = 0.5
_CASE_S = 20
_MOST_MEGABYTES = 1000
_START_S = 60
"""A parser's process may take so long besides: TensorFlow, on a busy machine."""
_IMPORTS_S = 3
_SHOWN_LINES = 40
_EXECUTED = re.compile(r"^stat::number_of_executed_units:\s*(\d+)", re.MULTILINE)
_NAMES = """model-file manifest saved-state weights-file weights-header pytorch keras tflite-source
checkpoint saved-model picture video address labels data-table annotations block-table search-space
requests finished-result table-footer run-settings"""


def parser_names() -> tuple[str, ...]:
    """Of :data:`.parsers.PARSERS`, which is not imported before it is needed."""
    return tuple(_NAMES.split())


@dataclass(frozen=True)
class Result:
    """What became of one parser's fuzzing."""

    name: str
    executed: int
    problem: str


def fuzz_parser(name: str, seconds: float, number: int) -> Result:
    """Fuzzes one parser for so long, in a process of its own."""
    folder = FOLDER / "parsers" / name
    command = [sys.executable, "-m", "tests.fuzz.parser_fuzzer", name, str(folder)]
    command += [
        f"-max_total_time={max(int(seconds - _IMPORTS_S), 2)}",
        f"-seed={number}",
        "-max_len=65536",
    ]
    command += [f"-timeout={_CASE_S}", f"-rss_limit_mb={_MOST_MEGABYTES}", "-print_final_stats=1"]
    try:
        done = subprocess.run(
            command,
            cwd=ROOT,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=seconds + _START_S + _CASE_S,
        )
    except subprocess.TimeoutExpired:
        return Result(name, 0, "does not end")
    if done.returncode == NO_ATHERIS:
        return Result(name, 0, "skipped")
    found = _EXECUTED.search(done.stderr)
    executed = int(found[1]) if found is not None else 0
    problem = ""
    if done.returncode or not executed:
        log = folder / "log.txt"
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text(done.stderr)
        end = "\n".join(done.stderr.splitlines()[-_SHOWN_LINES:])
        problem = f"exit code {done.returncode}, see {log}, which ends:\n{end}"
    return Result(name, executed, problem)


def fuzz_parsers(seconds: float, number: int) -> Iterator[Result]:
    """All parsers, a few at a time."""
    names = parser_names()
    each = seconds * _WORKERS / len(names)
    with ThreadPoolExecutor(_WORKERS) as threads:
        yield from threads.map(lambda name: fuzz_parser(name, each, number), names)


def main(arguments: list[str]) -> int:
    """1 if anything crashed, hung, or raised what it should not."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.everything", description=__doc__)
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--seed", type=int, help="to repeat; a new one by default")
    chosen = parser.parse_args(arguments)
    number = chosen.seed or 1 + secrets.randbelow(10**6)
    seconds = chosen.minutes * 60
    begun = time.monotonic()
    print(f"SEED={number}", flush=True)
    models = [sys.executable, "-m", "tests.fuzz", "--seed", str(number)]
    models += ["--minutes", str(chosen.minutes * _MODEL_SHARE), "--folder", str(FOLDER)]
    failed = subprocess.run(models, cwd=ROOT, check=False, env=dict(os.environ)).returncode != 0
    left = max(seconds - (time.monotonic() - begun), seconds * (1 - _MODEL_SHARE) / 2)
    results = list(fuzz_parsers(left, number))
    if all(result.problem == "skipped" for result in results):
        print("parsers skipped: atheris is not installed; it has wheels for Python 3.11 on x86-64")
        return int(failed)
    for result in results:
        print(f"{result.name:16} {result.executed:9,} inputs  {result.problem or 'fine'}")
    return int(failed or any(result.problem for result in results))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
