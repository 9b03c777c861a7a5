"""Damages model files."""

from __future__ import annotations

import numpy as np

from movistream.file.flatbuffer import read
from movistream.file.operators import FORMAT, OPTIONS_NAMES


def corrupt(data: bytes, generator: np.random.Generator, kind: int) -> bytes:
    """A truncation, a few flipped bits, a run of random bytes, or one random byte.

    Damage goes where structure is: most of a file is weights, where a flipped bit is a number.
    """
    if kind == 0:
        return data[: generator.integers(0, len(data))]
    weights = np.zeros(len(data), bool)
    for buffer in read(data, FORMAT.tables, OPTIONS_NAMES, "Model")["buffers"]:
        start, size = buffer["data"]
        weights[start : start + size] = size > 256
    structure = np.flatnonzero(~weights)
    damaged = bytearray(data)
    if kind == 1:
        for position in generator.choice(structure, generator.integers(1, 9)):
            damaged[position] ^= 1 << generator.integers(0, 8)
    elif kind == 2:
        start = int(generator.choice(structure))
        length = min(int(generator.integers(1, 65)), len(data) - start)
        damaged[start : start + length] = generator.bytes(length)
    else:
        damaged[generator.choice(structure)] = generator.integers(0, 256)
    return bytes(damaged)
