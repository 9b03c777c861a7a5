"""Models of Keras are run by Keras: only what its own layers describe, and in float32."""

from __future__ import annotations

import copy
import json
import random
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import layers

from movistream_converters import from_keras, register
from movistream_converters.errors import ConversionError, NotRunError
from movistream_converters.formats.isolated import read_isolated
from movistream_converters.formats.keras_model import translating
from movistream_converters.formats.keras_model.running import checked_description, run, runner
from movistream_converters.formats.registry import read_source
from movistream_converters.formats.source import Source
from movistream_converters.ir.layers import Delay
from tests.conftest import REFERENCE_DATA
from tests.converters.keras_models import answers, model_of, random_model, randomised
from tests.converters.proving import fails, figures
from tests.converters.test_keras_model import pooled, saved

GOLDENS = REFERENCE_DATA / "goldens" / "causal_keras"
VIDEO = np.random.default_rng(5).integers(0, 256, (6, 8, 10, 3), np.uint8)


@pytest.fixture(autouse=True)
def nothing_registered() -> Iterator[None]:
    before = dict(translating._registered)
    yield
    translating._registered.clear()
    translating._registered.update(before)


@pytest.mark.skipif(not GOLDENS.exists(), reason="no reference data")
@pytest.mark.parametrize("name", ["conv3d_zeropadding", "td_mobilenetv2"])
def test_reference_models_as_keras_runs_them(name: str) -> None:
    """To the digit what Keras gave when they were made, with training left out."""
    with np.load(GOLDENS / name / "stream.npz") as stream:
        frames, expected = stream["frames"][:9], stream["logits"][:9]
    scale = 127.5 if name == "td_mobilenetv2" else 1.0
    clip = (frames[None] / scale - (scale != 1.0)).astype(np.float32)
    (found,) = run(GOLDENS / name / "model.keras", [clip])
    np.testing.assert_allclose(found[0], expected, atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize("seed", range(12))
def test_random_models_are_what_they_were(seed: int, tmp_path: Path) -> None:
    """What is left of a file for Keras is the whole of what it computes."""
    model = random_model(random.Random(seed))
    path = saved(model, tmp_path)
    expected = answers(model, VIDEO)
    (found,) = run(path, [VIDEO[None].astype(np.float32)])
    np.testing.assert_allclose(found[0], expected, atol=1e-5, rtol=1e-5)


def test_a_file_is_compared_in_a_child(tmp_path: Path) -> None:
    model = model_of(lambda x: layers.Conv3D(4, (1, 3, 3))(x), pooled, layers.GRU(4))
    model.compile("adam", "mse")
    source = read_isolated(saved(model, tmp_path))
    found = figures(source, tmp_path)
    assert found.runner == f"Keras {keras.__version__}"
    # Its last answers alone: of the whole clip, of beginnings, and of what begins later.
    assert found.frames == 6
    assert found.max_logit_error < 1e-5
    assert fails_on_a_changed_weight(source, tmp_path)


def fails_on_a_changed_weight(source: Source, folder: Path) -> bool:
    name = next(name for name in source.weights if name.endswith("kernel"))
    changed = {**source.weights, name: source.weights[name] * np.float32(1.01)}
    return "run by Keras" in fails(Source(source.network, changed, program=source.program), folder)


def test_a_reader_that_misunderstands(tmp_path: Path) -> None:
    """A translation that takes a kernel for one of earlier frames makes a sound network."""
    model = model_of(pooled, layers.Conv1D(4, 3, padding="causal", name="time"))
    path = saved(model, tmp_path)
    figures(read_source(path), tmp_path)
    rule = translating._translation

    def misread(layer: Any, inputs: Any, emitter: Any) -> Any:
        late = emitter.add(layer, Delay(1), inputs[0], suffix="late")
        return emitter.table["Conv1D"](layer, (late,), emitter)

    register("Conv1D", misread)
    assert rule is translating._translation
    # After a reset there is nothing to be late with, and frames are seen from the first.
    assert "the answer to frame 1 of 24 differs from that of its source" in fails(
        read_source(path), tmp_path
    )


def test_the_scaling_that_a_model_begins_with(tmp_path: Path) -> None:
    """The network's image has it; the model is given what was told, and scales by itself."""
    clip = keras.Input((None, 8, 10, 3))
    x = layers.Normalization(mean=[0.5, 0.4, 0.6], variance=[0.1, 0.2, 0.1])(clip)
    model = randomised(keras.Model(clip, layers.Dense(3, "softmax")(pooled(x))), 2)
    told: Any = {"value_range": (-1.0, 1.0), "mean": (0.1, 0.2, 0.3), "std": (0.5, 0.5, 1.0)}
    source = read_source(saved(model, tmp_path), None, None, told)
    assert source.program is not None
    assert source.program.scores == "softmax"
    assert figures(source, tmp_path).max_logit_error < 1e-5


@keras.saving.register_keras_serializable("mine")
class Late(layers.Layer):
    """Gives the frame before the present one."""

    def call(self, x: Any) -> Any:
        return keras.ops.pad(x, ((0, 0), (1, 0), (0, 0)))[:, :-1]


def with_layer_of_ones_own() -> keras.Model:
    clip = keras.Input((None, 8, 10, 3))
    x = pooled(clip)
    return randomised(keras.Model(clip, layers.Dense(3)(layers.Subtract()([x, Late()(x)]))), 2)


@pytest.mark.parametrize(("frames", "right"), [(1, True), (2, False)])
def test_a_layer_of_ones_own(frames: int, right: bool, tmp_path: Path) -> None:
    """A wrong translation is found, where the model is at hand; a file of it is not run."""

    def late(layer: Any, inputs: Any, emitter: Any) -> Any:
        return emitter.add(layer, Delay(frames), inputs[0])

    register(Late, late)
    model = with_layer_of_ones_own()
    source = from_keras(model, value_range=(-1, 1))
    if right:
        assert figures(source, tmp_path).frames > 24
    else:
        assert "frame 2 of 24" in fails(source, tmp_path)
    path = saved(model, tmp_path)
    found = figures(from_keras(path, value_range=(-1, 1)), tmp_path)
    assert found.frames == 0
    assert found.not_run == f"it names Late of {__name__}, which Keras is not let make"


def test_smaller_numbers_are_run_as_float32(tmp_path: Path) -> None:
    """As the network computes; a model at hand is what it is."""
    clip = keras.Input((None, 8, 10, 3), dtype="float32")
    x = layers.Conv3D(4, (1, 3, 3), dtype="mixed_float16")(layers.Rescaling(1 / 255)(clip))
    model = randomised(keras.Model(clip, layers.Dense(3)(pooled(x))), 3)
    assert figures(read_source(saved(model, tmp_path)), tmp_path).max_logit_error < 1e-5
    found = figures(from_keras(model), tmp_path)
    assert found.frames == 0
    assert found.not_run.endswith("computes in float16")


DESCRIBED = {
    "module": "keras.src.models.functional",
    "class_name": "Functional",
    "registered_name": "Functional",
    "config": {
        "layers": [
            {
                "module": "keras.layers",
                "class_name": "Dense",
                "config": {
                    "units": 3,
                    "activation": {
                        "module": "builtins",
                        "class_name": "function",
                        "config": "relu",
                        "registered_name": "function",
                    },
                    "kernel_initializer": {
                        "module": "keras.initializers",
                        "class_name": "GlorotUniform",
                        "config": {"seed": None},
                        "registered_name": None,
                    },
                    "dtype": {
                        "module": "keras",
                        "class_name": "DTypePolicy",
                        "config": {"name": "mixed_float16"},
                        "registered_name": None,
                    },
                },
                "registered_name": None,
            }
        ]
    },
    "compile_config": {"optimizer": "adam", "loss": {"class_name": "anything", "module": "os"}},
}


def test_what_is_left_of_a_description() -> None:
    kept = checked_description(DESCRIBED)
    assert "compile_config" not in kept
    config = kept["config"]["layers"][0]["config"]
    assert config["dtype"] == "float32"
    assert config["activation"] == DESCRIBED["config"]["layers"][0]["config"]["activation"]  # type: ignore[index]


@pytest.mark.parametrize(
    "named",
    [
        {"class_name": "__lambda__", "config": {"value": "x"}},
        {"class_name": "Lambda", "module": "keras.layers"},
        {"class_name": "TFSMLayer", "module": "keras.layers"},
        {"class_name": "Dense", "module": "keras.src.layers.core.dense"},
        {"class_name": "Dense", "module": "evil.layers"},
        {"class_name": "Dense", "module": "keras.layers", "registered_name": "mine>Dense"},
        {"class_name": "Dense", "module": None},
        {"class_name": "get_file", "module": "keras.utils"},
        {"class_name": "function", "module": "keras.utils", "config": "get_file"},
        {"class_name": "function", "module": "builtins", "config": "eval"},
        {"class_name": "function", "module": "builtins", "config": ["relu"]},
        {"class_name": "Relu", "module": "keras.src.ops.nn.evil", "registered_name": "evil>Relu"},
        {"class_name": "Exotic", "module": "keras.src.ops.nn"},
        {"class_name": "../Zeros", "module": "keras.initializers"},
        {"class_name": ["Dense"], "module": "keras.layers"},
        {"class_name": "Dense", "module": ["keras.layers"]},
        {"class_name": "__typespec__", "module": "tensorflow", "spec_name": "TensorSpec"},
        {"class_name": "OrbaxCheckpoint", "module": "keras"},
    ],
    ids=str,
)
def test_what_keras_is_not_let_make(named: Any) -> None:
    """Wherever it stands: Keras imports and calls what a description names."""
    for place in ("activation", "kernel_initializer", "units"):
        described: Any = copy.deepcopy(DESCRIBED)
        described["config"]["layers"][0]["config"][place] = [{"deeper": named}]
        with pytest.raises(NotRunError, match="it names"):
            checked_description(described)


WORDS = st.sampled_from(
    ["keras", "keras.layers", "keras.utils", "os", "builtins", "Dense", "function", "system", None]
)


@settings(max_examples=300, deadline=None)
@given(name=WORDS, module=WORDS, registered=WORDS, config=WORDS)
def test_nothing_but_keras_own_is_named(
    name: Any, module: Any, registered: Any, config: Any
) -> None:
    named = {"class_name": name, "module": module, "registered_name": registered, "config": config}
    try:
        checked_description({"config": [named]})
    except NotRunError:
        return
    assert (name, module) == ("Dense", "keras.layers")
    assert registered in (None, "Dense")


def test_nothing_else_of_a_file_reaches_keras(tmp_path: Path) -> None:
    """Neither assets with odd names nor what says where weights are."""
    model = model_of(pooled)
    path = saved(model, tmp_path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("assets/../../outside.txt", "here")
        archive.writestr("sharding_config.json", json.dumps({"weight_map": {"a": "/etc/passwd"}}))
    (found,) = run(path, [VIDEO[None].astype(np.float32)])
    np.testing.assert_allclose(found[0], answers(model, VIDEO), atol=1e-5)
    assert not list(tmp_path.rglob("outside.txt"))


def test_without_keras(monkeypatch: pytest.MonkeyPatch) -> None:
    assert runner() == f"Keras {keras.__version__}"
    monkeypatch.setitem(sys.modules, "keras", None)
    with pytest.raises(NotRunError, match="Keras cannot be imported"):
        runner()


def test_what_keras_refuses(tmp_path: Path) -> None:
    path = saved(model_of(pooled), tmp_path)
    with pytest.raises(ConversionError, match="is not run by Keras: "):
        run(path, [np.zeros((1, 2, 3), np.float32)])
