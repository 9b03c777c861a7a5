"""What a stream is shown: an array, or a picture of which it takes no more than it looks at."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TypeAlias

import numpy as np
import numpy.typing as npt


class Parts(ABC):
    """An RGB picture of which parts cost less than the whole, such as a decoded frame.

    Attributes:
        shape: height, width and 3.
    """

    shape: tuple[int, int, int]

    @abstractmethod
    def __call__(self) -> npt.NDArray[np.uint8]:
        """All of it: uint8 (height, width, 3)."""

    @abstractmethod
    def take(
        self, rows: npt.NDArray[np.intp], columns: npt.NDArray[np.intp]
    ) -> npt.NDArray[np.uint8]:
        """What is where some rows meet some columns: uint8 (rows, columns, 3).

        Args:
            rows: their numbers, which may repeat.
            columns: likewise.
        """


Shown: TypeAlias = "npt.NDArray[np.uint8] | Parts"
