"""What can go wrong, by kind. Every message says what was wrong, where, and what to do."""

from __future__ import annotations


class MovistreamError(Exception):
    """The base of every error that this package raises on purpose."""


class ModelError(MovistreamError):
    """A model file that is damaged, malformed, or not a stream model."""


class EngineError(MovistreamError):
    """An inference engine that is not installed, refuses a model, or fails to run it."""


class EngineUnavailableError(EngineError):
    """An inference engine that cannot run here, or not as told."""


class FrameError(MovistreamError, ValueError):
    """A frame of the wrong type, rank, dtype or size."""


class SnapshotError(MovistreamError, ValueError):
    """A snapshot that belongs to another model or layout."""


class VideoError(MovistreamError):
    """A video that cannot be opened or holds no frame."""


class OutputError(MovistreamError):
    """A file that cannot be written."""


class ClusterError(MovistreamError):
    """A cluster that cannot be reached, or has too little for what it is asked."""


class LabelsError(MovistreamError, ValueError):
    """Labels that cannot be read or do not fit the model's classes."""


class MissingExtraError(MovistreamError, ImportError):
    """A feature whose optional dependencies are not installed."""

    def __init__(self, feature: str, extra: str) -> None:
        super().__init__(f"{feature} needs more packages: pip install 'movistream[{extra}]'")
