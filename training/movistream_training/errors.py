"""What can go wrong in training."""

from movistream.errors import MovistreamError


class TrainingError(MovistreamError):
    """Data that cannot be trained on, or a run that cannot be gone on with."""


class SearchError(MovistreamError):
    """A space that cannot be searched, or a cost that cannot be told."""
