"""Where TensorFlow's files are, told without TensorFlow, whose import takes seconds."""

from __future__ import annotations

import re
from pathlib import Path

SAVED_MODEL_FILE = "saved_model.pb"


def saved_model_folder(path: Path) -> Path:
    """The folder of a SavedModel, by its own path or that of the file in it."""
    return path.parent if path.name == SAVED_MODEL_FILE else path


def is_saved_model(path: Path) -> bool:
    """Whether a path names a SavedModel: its folder, or the file in it."""
    return (saved_model_folder(path) / SAVED_MODEL_FILE).is_file()


def checkpoint_path_prefix(path: Path) -> str:
    """The prefix of a checkpoint, by itself or by one of its files."""
    return re.sub(r"\.(?:index|data-\d{5}-of-\d{5})$", "", str(path))


def is_checkpoint(path: Path) -> bool:
    """Whether a path names a checkpoint: a prefix, one of its files, or their folder."""
    return (
        Path(f"{checkpoint_path_prefix(path)}.index").is_file() or (path / "checkpoint").is_file()
    )
