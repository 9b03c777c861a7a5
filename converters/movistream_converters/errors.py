"""What can go wrong on the way from a checkpoint to a file."""

from __future__ import annotations

from movistream.errors import MovistreamError


class ConversionError(MovistreamError):
    """A checkpoint, an option or an output path that conversion cannot use."""


class UnfaithfulError(ConversionError):
    """A file that does not hold, or does not compute, what its network does."""

    def __init__(self, what: str) -> None:
        super().__init__(f"the converted file is not faithful: {what}; nothing was written")


class NotRunError(Exception):
    """A source program that is not run, for a reason that says nothing against its network."""
