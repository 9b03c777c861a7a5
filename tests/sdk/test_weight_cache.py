"""Packed weights that outlive a process."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import movistream
from movistream.errors import EngineError, EngineUnavailableError


def _logits(model_path: Path, cache: Path | None, frames: np.ndarray) -> np.ndarray:
    with movistream.load(model_path, weight_cache=cache) as model, model.stream() as stream:
        return np.stack([stream.step(frame).logits for frame in frames])


def test_the_same_answers_with_a_fresh_and_a_warm_cache(
    model_path: Path, frames: np.ndarray, tmp_path: Path
) -> None:
    folder = tmp_path / "new" / "cache"
    expected = _logits(model_path, None, frames)
    assert np.array_equal(_logits(model_path, folder, frames), expected)
    (file,) = folder.iterdir()
    written = file.stat().st_mtime_ns
    assert np.array_equal(_logits(model_path, folder, frames), expected)
    assert [file] == list(folder.iterdir())
    assert file.stat().st_mtime_ns == written


def test_models_do_not_share_a_cache(
    model_path: Path, model_garden_path: Path, frames: np.ndarray, tmp_path: Path
) -> None:
    for path in (model_path, model_garden_path):
        expected = _logits(path, None, frames)
        assert np.array_equal(_logits(path, tmp_path, frames), expected)
    assert len(list(tmp_path.iterdir())) == 2


def test_refusals(model_path: Path, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(EngineError, match="cannot keep weights"):
        movistream.load(model_path, weight_cache=file)
    with pytest.raises(EngineUnavailableError, match="no weight cache"):
        movistream.load(model_path, weight_cache=tmp_path / "cache", engine="interpreter")
