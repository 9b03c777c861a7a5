"""Memory for the arithmetic of one frame, which all streams of a thread share.

A stream needs it only while a frame becomes its network's input. So sixteen streams take no more of
it than one, and it stays in the processor's caches from one to the next.
"""

from __future__ import annotations

import math
import threading
from typing import Any

import numpy as np
import numpy.typing as npt


class _Blocks(threading.local):
    """A thread's blocks of bytes by what they are for, each as large as it was ever needed."""

    def __init__(self) -> None:
        self.by_use: dict[str, npt.NDArray[np.uint8]] = {}


_blocks = _Blocks()


def scratch(use: str, shape: tuple[int, ...], dtype: npt.DTypeLike = np.float32) -> Any:
    """An array of this shape, for now: the next one for the same use, in this thread, is the same.

    Args:
        use: its name; two arrays that are needed at once have two.
        shape: of the array.
        dtype: of the array, whose values are what was left there.
    """
    size = math.prod(shape) * np.dtype(dtype).itemsize
    block = _blocks.by_use.get(use)
    if block is None or block.nbytes < size:
        block = _blocks.by_use[use] = np.empty(size, np.uint8)
    return block[:size].view(dtype).reshape(shape)
