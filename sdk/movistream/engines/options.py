"""What an engine is told."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from movistream.engines.arithmetic import Arithmetic


@dataclass(frozen=True)
class EngineOptions:
    """How to run a model.

    Attributes:
        threads: for the engine to use.
        arithmetic: of float operators.
        weight_cache: what names of files begin with that hold weights in the layout that the CPU
            wants, see :mod:`.weight_cache`. None packs them anew in every process.
        has_sizes_at_run_time: the file has operators of
            :data:`movistream.file.operators.SIZING_OPERATORS`.
    """

    threads: int
    arithmetic: Arithmetic = "float32"
    weight_cache: Path | None = None
    has_sizes_at_run_time: bool = False
