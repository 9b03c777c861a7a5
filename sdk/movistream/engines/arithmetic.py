"""In which precision a model's float operators compute: float32, or float16 where that is as good.

Float16 takes nearly half the time on cores that have it. It counts to 2,048 only, so a stream's
clock is held there at the latest, and its means forget from then on; and a running mean would stand
still long before, so files for it carry what each mean has lost to rounding as a state of its own.
"""

from __future__ import annotations

from typing import Literal, get_args

from movistream.file.manifest import Manifest
from movistream.system.cpu import core_features

Arithmetic = Literal["float32", "float16"]
ARITHMETICS: tuple[str, ...] = ("auto", *get_args(Arithmetic))
MOST_FLOAT16_FRAMES = 2048
"""The last whole number that float16 reaches by counting."""
LEAST_COSINE = 0.99
"""Between the logits of both, for float16 to pass as good."""

_CORE_FEATURES = (frozenset({"fphp", "asimdhp"}), frozenset({"avx512_fp16"}))


def float16_obstacle(manifest: Manifest) -> str | None:
    """Why a model cannot be computed in float16; None if it can."""
    roles = [state.role for state in manifest.states]
    if "position" in roles:
        return "its positional encoding counts beyond what float16 holds"
    if manifest.quantization != "float16" or roles.count("pool") != roles.count("remainder"):
        return "it was not converted for it; convert the checkpoint with --precision float16"
    return None


def cpu_computes_float16() -> bool:
    """Whether every core of this machine has arithmetic for float16."""
    cores = core_features()
    return bool(cores) and all(any(needed <= core for needed in _CORE_FEATURES) for core in cores)
