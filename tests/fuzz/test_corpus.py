"""One hostile file of each kind: an error message or three steps, in a process that lives on."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.fuzz.mutation import MUTATIONS
from tests.fuzz.raw import RAW_MUTATIONS
from tests.fuzz.variants import NOT_THERE  # noqa: F401  (registers all mutations)

ROOT = Path(__file__).parents[2]
CORPUS = Path(__file__).with_name("corpus")
MOST_BYTES = 1_000_000


def fuzz(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Runs the fuzzer, as the Makefile does."""
    command = [sys.executable, "-m", "tests.fuzz", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_every_file_of_the_corpus_is_survived(tmp_path: Path) -> None:
    done = fuzz("--files", CORPUS, "--folder", tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith("0 of them break a promise\n")


def test_the_corpus_is_small_and_has_every_kind() -> None:
    files = {path.stem: path for path in CORPUS.glob("*.tflite")}
    index = json.loads((CORPUS / "index.json").read_text())
    assert files.keys() == index.keys()
    assert sum(path.stat().st_size for path in CORPUS.iterdir()) < MOST_BYTES
    kinds = {entry["mutation"] for entry in index.values()}
    missing = {*MUTATIONS, *RAW_MUTATIONS} - kinds
    assert not missing
    crashes = [e for e in index.values() if e["unchecked"].startswith("crash")]
    assert len(crashes) > 50, "files that harm an engine are what the corpus is for"
