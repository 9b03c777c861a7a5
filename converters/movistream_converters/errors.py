"""What can go wrong on the way from a checkpoint to a file."""

from __future__ import annotations

from movistream.errors import MovistreamError


class ConversionError(MovistreamError):
    """A checkpoint, an option or an output path that conversion cannot use."""
