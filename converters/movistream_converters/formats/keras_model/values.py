"""What flows between a model's layers, and what has become of time and padding on the way."""

from __future__ import annotations

from dataclasses import dataclass, replace

from movistream_converters.ir.layers import Shape

NO_PADDING = (0, 0, 0, 0)


@dataclass(frozen=True)
class Value:
    """A tensor of Keras', seen frame by frame.

    Attributes:
        node: of the network, that gives its frames.
        shape: (height, width, channels) of that node.
        dims: axes of a frame as Keras has them, in the order of the node's numbers: all of the
            tensor's behind batch and time.
        has_time: whether the second axis is time; within a :class:`TimeDistributed`, and behind
            what gives the last frame alone, there is none.
        zeros_before: frames of zeros before the first one, that no kernel has seen yet.
        frames_behind: frames behind the last one of the clip; below 0, frames that are missing.
        padding: zeros around each frame, (top, bottom, left, right), that are in ``dims`` and not
            in ``shape``; below 0, what is cropped.
        late_frames: that the node lags behind the image.
        ahead_frames: that the kernel which reads it next sees to come, and so lags more.
        scaling: (factor, offset) of each channel that are still to be applied to an image.
    """

    node: str
    shape: Shape
    dims: tuple[int, ...]
    has_time: bool = True
    zeros_before: int = 0
    frames_behind: int = 0
    padding: tuple[int, int, int, int] = NO_PADDING
    late_frames: int = 0
    ahead_frames: int = 0
    scaling: tuple[tuple[float, ...], tuple[float, ...]] | None = None

    @property
    def rank(self) -> int:
        """Axes of Keras' tensor, the batch included."""
        return 1 + self.has_time + len(self.dims)

    @property
    def is_frame(self) -> bool:
        """Whether Keras sees height, width and channels."""
        return self.dims == padded(self.shape, self.padding)

    @property
    def is_vector(self) -> bool:
        """Whether Keras sees channels alone, and the node has one pixel."""
        return len(self.dims) == 1 and self.shape[:2] == (1, 1)

    @property
    def has_channels(self) -> bool:
        """Whether Keras' last axis is the node's channels."""
        return bool(self.dims) and self.dims[-1] == self.shape[2]


def padded(shape: Shape, padding: tuple[int, int, int, int]) -> Shape:
    """A frame's shape with its padding."""
    top, bottom, left, right = padding
    return shape[0] + top + bottom, shape[1] + left + right, shape[2]


def with_padding(value: Value, padding: tuple[int, int, int, int]) -> Value:
    """A frame with so much more around it, or less."""
    top, bottom, left, right = (old + new for old, new in zip(value.padding, padding, strict=True))
    total = top, bottom, left, right
    return replace(value, padding=total, dims=padded(value.shape, total))
