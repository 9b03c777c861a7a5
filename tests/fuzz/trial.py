"""One file through ``load`` and three steps on both engines: what becomes of it."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import numpy as np

import movistream
import movistream.stream.loading
from movistream.errors import EngineError, ModelError, MovistreamError

ENGINES = ("compiled-model", "interpreter")
STEPS = 3
_PROC = Path("/proc/self")
_NUMBERS = re.compile(r"-?\d[\d.,e+]*")
_NAMES = re.compile(r"'[^']*'|\"[^\"]*\"|\[[^\]]*\]|\S*/\S+")


def trust_in_process() -> dict[str, str]:
    """What makes ``load`` trust a file, so that its checks stand alone, without a child."""
    if "trust" in inspect.signature(movistream.load).parameters:
        return {"trust": "always"}
    movistream.stream.loading.try_file = lambda *arguments: None
    return {}


def try_file(path: Path, options: dict[str, str]) -> dict[str, str]:
    """What becomes of a file on each engine, and why: ``ran``, ``refused: …`` or ``raised: …``.

    Args:
        options: of ``load``.
    """
    outcomes: dict[str, str] = {}
    for engine in ENGINES:
        try:
            outcomes[engine] = _run(path, engine, options)
        except ModelError as error:
            outcomes[engine] = f"refused by check: {kind_of(error)}"
        except EngineError as error:
            outcomes[engine] = f"refused by engine: {kind_of(error)}"
        except MovistreamError as error:
            outcomes[engine] = f"refused otherwise: {kind_of(error)}"
        except Exception as error:
            outcomes[engine] = f"foreign exception: {type(error).__name__}: {kind_of(error)}"
    return outcomes


def _run(path: Path, engine: str, options: dict[str, str]) -> str:
    generator = np.random.default_rng(0)
    with (
        movistream.load(path, engine=engine, threads=1, **options) as model,
        model.stream() as stream,
    ):
        for _ in range(STEPS):
            stream.step(generator.integers(0, 256, (6, 8, 3), np.uint8))
    return "ran"


def kind_of(error: Exception) -> str:
    """A message without names and numbers: what kind of refusal it is."""
    text = " ".join(str(error).split())
    return _NUMBERS.sub("N", _NAMES.sub("…", text))[:160]


def reset_peak() -> None:
    """Forgets the largest memory that this process has had."""
    _PROC.joinpath("clear_refs").write_text("5")


def peak_bytes() -> int:
    """The largest resident memory since."""
    for line in _PROC.joinpath("status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0
