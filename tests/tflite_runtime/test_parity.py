"""Runs in an environment of its own, with tflite-runtime and without LiteRT or tensorflow.

``make test-tflite-runtime`` builds that environment, writes the models, and runs this.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

import movistream
from movistream.errors import EngineError

FOLDER = Path(__file__).parents[2] / "build/engine-parity"
MODELS = sorted(FOLDER.glob("*.tflite"))


def test_this_environment_has_only_tflite_runtime() -> None:
    assert importlib.util.find_spec("tflite_runtime")
    assert not importlib.util.find_spec("ai_edge_litert")
    assert int(np.__version__.split(".")[0]) < 2


def test_models_are_there() -> None:
    assert len(MODELS) == 24


@pytest.mark.parametrize(
    "path", [path for path in MODELS if "dynamic" in path.name], ids=lambda path: path.stem
)
def test_dynamic_files_are_refused(path: Path) -> None:
    """It knows int8 dense layers with one scale only."""
    with pytest.raises(EngineError, match="FULLY_CONNECTED' version '12'"):
        movistream.load(path)


@pytest.mark.parametrize(
    "path", [path for path in MODELS if "dynamic" not in path.name], ids=lambda path: path.stem
)
def test_logits_equal_those_of_litert(path: Path) -> None:
    frames = np.load(FOLDER / "frames.npy")
    with movistream.load(path, threads=1) as model, model.stream() as stream:
        assert model.engine == "tflite-runtime"
        for _ in range(2):
            found = np.stack([stream.step(frame).logits for frame in frames])
            for engine in ("compiled-model", "interpreter"):
                expected = np.load(path.with_suffix(f".{engine}.npy"))
                assert np.abs(found - expected).max() <= 1e-5 * np.abs(expected).max(), engine
            stream.reset()
