"""Files of whole Keras models: what they are given, layers of one's own, and files that lie."""

from __future__ import annotations

import contextlib
import io
import json
import random
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest
from keras import layers

import movistream
from movistream_converters import from_keras, register
from movistream_converters.conversion import convert_source
from movistream_converters.errors import ConversionError
from movistream_converters.formats.isolated import read_isolated
from movistream_converters.formats.keras_model import translating
from movistream_converters.formats.registry import read_source
from movistream_converters.ir.layers import (
    BatchNormalization,
    Convolution,
    Delay,
    Image,
    WindowMean,
)
from movistream_converters.ir.network import image_of
from movistream_converters.ir.states import network_states
from movistream_converters.tflite.precision import Precision
from tests.conftest import REFERENCE_DATA
from tests.converters.keras_models import SIZE, answers, randomised
from tests.converters.lossless import write_lossless
from tests.converters.test_keras_model import pooled, saved, streamed

GOLDENS = REFERENCE_DATA / "goldens" / "causal_keras"
golden = pytest.mark.skipif(not GOLDENS.exists(), reason="no reference data")
VIDEO = np.random.default_rng(5).integers(0, 256, (4, *SIZE, 3), np.uint8)


def plain_model(*scaling: Any, size: Any = SIZE) -> keras.Model:
    clip = keras.Input((None, *size, 3), name="clip")
    x = clip
    for layer in scaling:
        x = layer(x)
    x = layers.Conv3D(4, (1, 3, 3), name="stem")(x)
    return randomised(keras.Model(clip, layers.Dense(3, name="logits")(pooled(x))), 3)


@pytest.mark.parametrize(
    ("scaling", "overrides", "image"),
    [
        ((layers.Rescaling(1 / 255),), {}, Image(value_range=(0.0, 1.0))),
        ((layers.Rescaling(1 / 127.5, offset=-1.0),), {}, Image(value_range=(-1.0, 1.0))),
        ((), {"value_range": (-1.0, 1.0)}, Image(value_range=(-1.0, 1.0))),
        (
            (layers.Rescaling(2.0, offset=-1.0),),
            {"value_range": [0, 1]},
            Image(value_range=(-1, 1)),
        ),
        (
            (),
            {"value_range": (0.0, 1.0), "mean": (0.5, 0.4, 0.3), "std": (0.2, 0.2, 0.1)},
            Image(mean=(0.5, 0.4, 0.3), std=(0.2, 0.2, 0.1)),
        ),
        ((), {"value_range": (0.0, 1.0), "mean": (0.5,)}, Image(value_range=(-0.5, 0.5))),
        (
            (layers.Normalization(mean=[120.0, 110.0, 100.0], variance=[3600.0, 2500.0, 1600.0]),),
            {},
            Image(value_range=(0, 255), mean=(120.0, 110.0, 100.0), std=(60.0, 50.0, 40.0)),
        ),
    ],
)
def test_the_range_is_shown_or_told(
    scaling: Any, overrides: dict[str, object], image: Image, tmp_path: Path
) -> None:
    source = read_source(saved(plain_model(*scaling), tmp_path), None, None, overrides)
    found = image_of(source.network)
    assert len(source.network.nodes) == 4
    for name in ("value_range", "mean", "std"):
        assert getattr(found, name) == pytest.approx(getattr(image, name))
    told = {f.option: f for f in source.findings if f.option in ("value_range", "mean", "std")}
    assert {f.source for f in told.values()} == (
        {"the command"} if overrides else {"the model's first layers, which scale 0 to 255"}
    )
    assert not any(f.guessed for f in told.values())


def test_a_scaling_that_the_image_cannot_do_stays_a_layer(tmp_path: Path) -> None:
    model = plain_model(layers.Rescaling(-1 / 255, offset=1.0))
    source = read_source(saved(model, tmp_path), None, None, {"value_range": (0.0, 255.0)})
    assert isinstance(source.network.nodes[1].layer, BatchNormalization)
    assert np.allclose(streamed(source, VIDEO)[0], answers(model, VIDEO), atol=1e-4)


def test_an_image_that_is_read_scaled_and_not(tmp_path: Path) -> None:
    clip = keras.Input((None, *SIZE, 3))
    scaled = layers.Rescaling(1 / 255)(clip)
    again = layers.Rescaling([2.0, 1.0, 0.5], offset=0.5)(scaled)
    x = layers.Concatenate()([layers.Conv3D(2, 1)(x) for x in (scaled, again, clip, scaled)])
    model = randomised(keras.Model(clip, layers.Dense(3)(pooled(x))), 3)
    source = read_source(saved(model, tmp_path))
    expected = answers(model, VIDEO)
    assert np.abs(streamed(source, VIDEO)[0] - expected).max() <= 1e-4 * np.abs(expected).max()


@pytest.mark.parametrize(
    ("scaling", "overrides", "reason"),
    [
        ((), {}, r"--value-range what 0 and 255 become .* --mean and --std"),
        ((), {"mean": (0.5, 0.5, 0.5)}, "--value-range"),
        ((layers.Rescaling(2.0, offset=-1.0),), {}, "--value-range"),
        ((), {"value_range": (1.0, 0.0)}, "reach from 1 to 0"),
        ((), {"value_range": (0.0, 1.0), "std": (0.0, 1.0, 1.0)}, "--std has to be 3 numbers"),
        ((), {"value_range": (0.0, 1.0), "mean": (0.0, 1.0)}, "--mean has to be 3 numbers"),
        ((), {"value_range": (0.0, float("nan"))}, "--value-range has to be 2 numbers"),
        ((), {"value_range": "0,1"}, "--value-range has to be 2 numbers"),
        ((), {"value_range": (0.0, 1.0), "num_classes": 4}, "has num classes 3, not 4"),
        ((), {"value_range": (0.0, 1.0), "image_size": 64}, "has image size 8 x 10, not 64"),
        ((), {"value_range": (0.0, 1.0), "gating": "sigmoid"}, "there is no gating to choose"),
    ],
)
def test_what_the_user_has_to_say(
    scaling: Any, overrides: dict[str, object], reason: str, tmp_path: Path
) -> None:
    with pytest.raises(ConversionError, match=reason):
        read_source(saved(plain_model(*scaling), tmp_path), None, None, overrides)


def test_frames_of_any_size(tmp_path: Path) -> None:
    path = saved(plain_model(layers.Rescaling(1 / 255), size=(None, None)), tmp_path)
    with pytest.raises(ConversionError, match=r"layer clip \(InputLayer\) .* --image-size"):
        read_source(path)
    assert read_source(path, None, None, {"image_size": 16}).network.image_size == (16, 16)
    with pytest.raises(ConversionError, match=r"holds functional.*, not movinet-a0-stream"):
        read_source(path, None, "movinet-a0-stream", {"image_size": 16})


@keras.saving.register_keras_serializable("own")
class Shift(layers.Layer):
    """Gives the frame before the last, and a factor of each channel."""

    def __init__(self, frames: int = 1, **options: Any) -> None:
        super().__init__(**options)
        self.frames = frames

    def build(self, shape: Any) -> None:
        self.factor = self.add_weight(shape=(shape[-1],), name="factor")

    def call(self, x: Any) -> Any:
        late = keras.ops.pad(x, ((0, 0), (self.frames, 0), *((0, 0),) * (len(x.shape) - 2)))
        return self.factor * late[:, : -self.frames]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "frames": self.frames}


@pytest.mark.parametrize("by_name", [False, True])
def test_a_layer_of_ones_own(
    by_name: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(translating, "_registered", {})
    clip = keras.Input((None, *SIZE, 3))
    x = Shift(2, name="mine")(pooled(layers.Rescaling(1 / 255)(clip)))
    model = randomised(keras.Model(clip, layers.Dense(3)(x)), 4)
    path = saved(model, tmp_path)
    with pytest.raises(
        ConversionError,
        match=r"layer mine \(Shift\) is no layer of Keras., and no code of a file is run;"
        r' register\("Shift", translate\)',
    ):
        read_source(path)

    def translate(layer: Any, inputs: Any, emitter: Any) -> Any:
        late = emitter.add(layer, Delay(layer.config["frames"]), inputs[0], suffix="late")
        factor = layer.weights[0].reshape(1, 1, 1, -1)
        channels = late.shape[2]
        convolution = Convolution(channels, depthwise=True)
        return emitter.add(layer, convolution, late, weights={"kernel": factor})

    register("Shift" if by_name else Shift, translate)
    source = read_source(path)
    assert np.abs(streamed(source, VIDEO)[0] - answers(model, VIDEO)).max() <= 1e-5


def test_what_a_layer_of_keras_means_so_far(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mean over the clip has several meanings in a stream; the user chooses one."""
    monkeypatch.setattr(translating, "_registered", {})

    def mean(layer: Any, inputs: Any, emitter: Any) -> Any:
        return emitter.add(layer, WindowMean(3), inputs[0])

    register("GlobalAveragePooling1D", mean)
    clip = keras.Input((None, *SIZE, 3))
    x = layers.GlobalAveragePooling1D()(pooled(layers.Rescaling(1 / 255)(clip)))
    model = randomised(keras.Model(clip, layers.Dense(3)(x)), 4)
    found = streamed(read_source(saved(model, tmp_path)), VIDEO)[0]
    assert np.allclose(found[2], answers(model, VIDEO[:3])[0], atol=1e-5)
    register("GlobalAveragePooling1D", lambda *_: None)
    with pytest.raises(ConversionError, match="registered translation that returns no value"):
        read_source(saved(model, tmp_path))


def test_models_that_are_not_functional(tmp_path: Path) -> None:
    @keras.saving.register_keras_serializable("own")
    class Own(keras.Model):
        def call(self, x: Any) -> Any:
            return x

    path = tmp_path / "m.keras"
    model = Own()
    model.build((None, None, *SIZE, 3))
    model.save(path)
    with pytest.raises(ConversionError, match=r"holds a Own, .* keras\.Model\(inputs, outputs\)"):
        read_source(path)
    image = keras.Input((*SIZE, 3))
    y = layers.GlobalAveragePooling2D()(layers.Rescaling(1 / 255)(image))
    keras.Model(image, layers.Dense(3)(y)).save(path)
    with pytest.raises(ConversionError, match=r"becomes one of clips as TimeDistributed\(model\)"):
        read_source(path)
    first, second = keras.Input((None, *SIZE, 3)), keras.Input((None, *SIZE, 3))
    keras.Model([first, second], pooled(layers.Add()([first, second]))).save(path)
    with pytest.raises(ConversionError, match="its model has 2 inputs, and a stream has one image"):
        read_source(path)
    keras.Model(first, [pooled(first), layers.ReLU()(pooled(first))]).save(path)
    with pytest.raises(ConversionError, match="its model has 2 outputs"):
        read_source(path)


def test_a_model_as_the_last_layer(tmp_path: Path) -> None:
    """Keras counts the calls of functional models from one, where they are the end."""
    vectors = keras.Input((None, 3))
    head = keras.Model(vectors, layers.Dense(4)(vectors), name="head")
    clip = keras.Input((None, *SIZE, 3))
    x = pooled(layers.Rescaling(1 / 255)(clip))
    model = randomised(keras.Model(clip, head(x)), 4)
    source = read_source(saved(model, tmp_path))
    assert np.allclose(streamed(source, VIDEO)[0], answers(model, VIDEO), atol=1e-5)
    assert source.network.nodes[-1].name.startswith("head.dense")


def test_a_model_in_a_program(tmp_path: Path) -> None:
    model = plain_model()
    told: Any = {"value_range": (0, 255), "mean": [120.0] * 3, "std": [60.0] * 3}
    source = from_keras(model, frames_per_second=8.0, **told)
    assert (source.name, source.format, source.frames_per_second) == (model.name, "keras", 8.0)
    again = from_keras(str(saved(model, tmp_path)), frames_per_second=8.0, **told)
    assert (again.network, again.name) == (source.network, "m.keras")
    with pytest.raises(ConversionError, match="a int is no model of Keras'"):
        from_keras(3)


def test_a_sequential_model(tmp_path: Path) -> None:
    model = keras.Sequential(
        [
            keras.Input((None, *SIZE, 3)),
            layers.Rescaling(1 / 255),
            layers.TimeDistributed(layers.GlobalAveragePooling2D()),
            layers.GRU(3),
            layers.Dense(2),
        ]
    )
    randomised(model, 5)
    source = read_isolated(saved(model, tmp_path))
    found = streamed(source, VIDEO)[0]
    assert np.allclose(found[-1], answers(model, VIDEO)[0], atol=1e-5)


Edit = Callable[[dict[str, Any]], object]


def edited(path: Path, edit: Edit | None = None, weights: Any = None, config: Any = None) -> Path:
    """A file with other content."""
    with zipfile.ZipFile(path) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    if edit is not None:
        described = json.loads(content["config.json"])
        edit(described)
        content["config.json"] = json.dumps(described).encode()
    if config is not None:
        content["config.json"] = config
    if weights is not None:
        buffer = io.BytesIO(content["model.weights.h5"])
        with h5py.File(buffer, "r+") as file:
            weights(file)
        content["model.weights.h5"] = buffer.getvalue()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in content.items():
            archive.writestr(name, data)
    return path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return saved(plain_model(layers.Rescaling(1 / 255, name="scaling")), tmp_path)


def of_layer(described: dict[str, Any], name: str) -> Any:
    return next(item for item in described["config"]["layers"] if item["name"] == name)


def put(name: str, field: str, value: Any) -> Edit:
    return lambda described: of_layer(described, name)["config"].update({field: value})


def reads(name: str, other: str) -> Edit:
    def edit(described: dict[str, Any]) -> None:
        for node in of_layer(described, name)["inbound_nodes"]:
            node["args"][0]["config"]["keras_history"][0] = other

    return edit


LIES: dict[str, tuple[Edit, str]] = {
    "cycle": (reads("stem", "logits"), "go in a circle"),
    "no layer": (reads("stem", "nothing"), "cannot be used: .*nothing"),
    "no names": (lambda d: d["config"].pop("layers"), "cannot be used: 'layers'"),
    "two names": (lambda d: d["config"]["layers"].append(of_layer(d, "stem")), "one name"),
    "no list": (lambda d: d["config"].update(layers=3), "has no layers"),
    "no class": (lambda d: of_layer(d, "stem").update(class_name=[]), r"\[\] is no name"),
    "no config": (lambda d: of_layer(d, "stem").update(config=[]), "is described by list"),
    "custom": (lambda d: of_layer(d, "stem").update(module="evil"), "is no layer of Keras'"),
    "disguised": (
        lambda d: of_layer(d, "stem").update(registered_name="own>Conv3D"),
        "is no layer of Keras'",
    ),
    "lambda": (lambda d: of_layer(d, "stem").update(class_name="Lambda"), "holds code"),
    "negative": (put("stem", "filters", -4), "has -4 as filters"),
    "huge": (put("stem", "filters", 2**40), "has 1099511627776 as filters"),
    "float": (put("stem", "filters", 4.0), r"has 4\.0 as filters"),
    "bool": (put("stem", "filters", True), "has True as filters"),
    "none": (put("stem", "kernel_size", None), "has None as kernel_size"),
    "long": (put("stem", "kernel_size", [1] * 999), "as kernel_size"),
    "padding": (put("stem", "padding", "round"), "has 'round' as padding"),
    "list padding": (put("stem", "padding", ["same"]), "as padding"),
    "dilation": (put("stem", "dilation_rate", [1, 0, 1]), "as dilation_rate"),
    "window": (put("stem", "kernel_size", [1, 9, 9]), "cannot be|weights of"),
    "groups": (put("stem", "groups", 2), "has 2 groups, which do not divide 3"),
    "activation": (put("stem", "activation", "magic"), "has the activation 'magic'; there are"),
    "own activation": (
        put("stem", "activation", {"class_name": "function", "config": "mine"}),
        "has the activation 'mine'",
    ),
    "channels first": (put("stem", "data_format", "channels_first"), "has channels first"),
    "half": (put("stem", "dtype", "float16"), "is of the dtype policy float16"),
    "int8": (
        put("stem", "dtype", {"config": {"name": "int8_from_float32"}}),
        "is of the dtype policy int8_from_float32",
    ),
    "use bias": (put("stem", "use_bias", False), "has 2 arrays in the file and needs 1"),
    "units": (put("logits", "units", 5), r"has weights of \[4, 3\] where \[4, 5\] fit"),
    "scale": (put("scaling", "scale", float("nan")), "has nan as scale"),
    "scales": (put("scaling", "scale", [1, 2]), "as scale"),
    "shape": (put("clip", "batch_shape", [None, None, 8, 10]), "a clip is"),
    "sizes": (put("clip", "batch_shape", [None, None, 2**40, 1, 3]), "which is no clip"),
    "text": (put("clip", "batch_shape", "abc"), "which is no shape"),
    "several": (
        lambda d: of_layer(d, "stem")["inbound_nodes"][0]["args"][0]["config"].update(
            keras_history=["scaling", 0, 1]
        ),
        "several values",
    ),
    "history": (
        lambda d: of_layer(d, "stem")["inbound_nodes"][0]["args"][0]["config"].update(
            keras_history=["scaling", -1, 0]
        ),
        "is no place of a tensor",
    ),
    "extra": (
        lambda d: of_layer(d, "stem")["inbound_nodes"][0]["kwargs"].update(mask=1),
        "is called with mask besides",
    ),
    "training": (
        lambda d: of_layer(d, "stem")["inbound_nodes"][0]["kwargs"].update(training=True),
        "is called with training besides",
    ),
    "constant": (
        lambda d: of_layer(d, "stem")["inbound_nodes"][0]["args"].append(2.0),
        "is called with a constant besides",
    ),
    "two": (
        lambda d: of_layer(d, "stem")["inbound_nodes"][0]["args"].append(
            of_layer(d, "stem")["inbound_nodes"][0]["args"][0]
        ),
        r"layer stem \(Conv3D\) reads 2 values, and can read 1",
    ),
    "old": (
        lambda d: of_layer(d, "stem").update(inbound_nodes=[[["scaling", 0, 0, {}]]]),
        "in the way of Keras 2",
    ),
    "name": (lambda d: of_layer(d, "stem").update(name="st\nem"), "cannot be used|is no text"),
}


@pytest.mark.parametrize("name", LIES)
def test_descriptions_that_lie(name: str, path: Path) -> None:
    edit, reason = LIES[name]
    with pytest.raises(ConversionError, match=reason) as error:
        read_source(edited(path, edit))
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 1000


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        (b"", "is damaged or no file of Keras'"),
        (b"\xff\xfe", "is damaged"),
        (b"[1, 2", "is damaged"),
        (b"[" * 100_000 + b"]" * 100_000, "is damaged"),
        (b"[]", "cannot be used"),
        (b"null", "cannot be used"),
        (b'{"class_name": "Functional"}', "cannot be used"),
        (b'{"class_name": "Functional", "module": "keras", "config": {}}', "cannot be used"),
        (b" " * (2**24 + 1), "describes its model in 16777217 bytes"),
    ],
)
def test_no_description(config: bytes, reason: str, path: Path) -> None:
    with pytest.raises(ConversionError, match=reason):
        read_source(edited(path, config=config))


def test_models_within_models(path: Path) -> None:
    def deep(described: dict[str, Any]) -> None:
        inner = of_layer(described, "logits")
        for _ in range(60):
            inner = {
                "module": "keras",
                "class_name": "TimeDistributed",
                "registered_name": None,
                "name": "deep",
                "inbound_nodes": of_layer(described, "logits")["inbound_nodes"],
                "config": {"name": "deep", "layer": inner},
            }
        described["config"]["layers"][-1] = inner

    with pytest.raises(ConversionError, match="more than 16 models are within each other"):
        read_source(edited(path, deep))


def test_models_that_call_models_that_call_models(tmp_path: Path) -> None:
    """Fourteen files' lines make a million calls."""
    inner: Any = layers.ReLU()
    for _ in range(14):
        entry = keras.Input((None, 3))
        x = entry
        for _ in range(3):
            x = inner(x)
        inner = keras.Model(entry, x)
    clip = keras.Input((None, *SIZE, 3))
    path = tmp_path / "m.keras"
    keras.Model(clip, inner(pooled(layers.Rescaling(1 / 255)(clip)))).save(path)
    with pytest.raises(ConversionError, match=r"more than \d+ (nodes|calls)"):
        read_source(path)


def dropped(name: str) -> Callable[[h5py.File], object]:
    return lambda file: file.pop(name)


def replaced(name: str, value: Any) -> Callable[[h5py.File], object]:
    def replace(file: h5py.File) -> None:
        del file[name]
        file[name] = value

    return replace


def linked(file: h5py.File) -> None:
    del file["layers/dense/vars/0"]
    file["layers/dense/vars/0"] = h5py.ExternalLink("/etc/passwd", "x")


def renamed(file: h5py.File) -> None:
    file["layers/dense/vars"].attrs["name"] = "another"


def huge(file: h5py.File) -> None:
    del file["layers/dense/vars/0"]
    file.create_dataset("layers/dense/vars/0", (2**20, 2**10), "f4", chunks=True)


@pytest.mark.parametrize(
    ("weights", "reason"),
    [
        (dropped("layers/dense/vars/0"), r"layer logits \(Dense\) has 0 arrays in the file"),
        (dropped("layers/conv3d"), r"layer stem \(Conv3D\) has 0 arrays in the file and needs 2"),
        (replaced("layers/dense/vars/0", np.zeros((4, 2))), r"has weights of \[4, 2\]"),
        (replaced("layers/dense/vars/1", np.zeros(9)), r"has weights of \[9\] where \[3\] fit"),
        (replaced("layers/dense/vars/1", np.full(3, np.nan)), "that are NaN or infinite"),
        (replaced("layers/dense/vars/1", np.full(3, 1e300)), "that are NaN or infinite"),
        (replaced("layers/dense/vars/1", b"abc"), "which are no numbers"),
        (linked, r"layer logits \(Dense\) has 0 arrays in the file and needs 2"),
        (renamed, "the arrays of logits are those of another"),
        (huge, "of weights; more than"),
    ],
)
def test_weights_that_do_not_fit(weights: Any, reason: str, path: Path) -> None:
    with pytest.raises(ConversionError, match=reason):
        read_source(edited(path, weights=weights))


def test_a_crop_that_would_take_all_memory(tmp_path: Path) -> None:
    clip = keras.Input((None, 4096, 4096, 3))
    x = layers.Dense(8)(layers.Rescaling(1 / 255)(clip))
    x = layers.Cropping3D(((0, 0), (2000, 2095), (2000, 2095)))(x)
    path = saved(keras.Model(clip, layers.Dense(2)(pooled(x))), tmp_path)
    with pytest.raises(ConversionError, match=r"MB of weights; more than"):
        read_source(path)


def test_whole_models_of_keras_2(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "m.h5", "w") as file:
        file.attrs["model_config"] = json.dumps({"class_name": "Functional", "config": {}})
        file["model_weights/dense/kernel:0"] = np.zeros((2, 3), np.float32)
    with pytest.raises(ConversionError, match=r"in the way of Keras 2, .* save it as \.keras"):
        read_source(tmp_path / "m.h5")


def test_files_of_keras_2(path: Path) -> None:
    with zipfile.ZipFile(path, "a") as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    content["metadata.json"] = b'{"keras_version": "2.15.0"}'
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in content.items():
            archive.writestr(name, data)
    with pytest.raises(
        ConversionError, match=r"was written by Keras 2\.15\.0; load it with Keras 3"
    ):
        read_source(path)


@pytest.mark.parametrize("seed", range(40))
def test_damaged_files_are_refused_or_read(seed: int, path: Path) -> None:
    """Anything but a crash; what is read can be streamed."""
    choice = random.Random(seed)

    def scramble(described: dict[str, Any]) -> None:
        for _ in range(choice.randint(1, 3)):
            _scrambled(described, choice)

    with contextlib.suppress(ConversionError):
        assert read_source(edited(path, scramble)).network.nodes


def _scrambled(described: Any, choice: random.Random) -> None:
    """Puts something else at some place of a description."""
    odd = (None, -1, 0, 2**70, 1.5, "", "x/y", [], {}, [[]], True, float("inf"))
    while True:
        keys = list(described) if isinstance(described, dict) else list(range(len(described)))
        key = choice.choice(keys)
        below = described[key]
        if not isinstance(below, dict | list) or not below or choice.random() < 0.1:
            described[key] = choice.choice(odd)
            return
        described = below


STATES = {"conv3d_zeropadding": (5, 497_664), "td_mobilenetv2": (2, 1_792)}
"""(how many, bytes): of each kernel over time, what it reads, (k − 1) · dilation frames of it."""


@golden
@pytest.mark.parametrize("name", STATES)
def test_the_reference_models_in_int8(name: str, tmp_path: Path) -> None:
    told = {"value_range": (-1.0, 1.0)} if name == "td_mobilenetv2" else {}
    source = read_source(GOLDENS / name / "model.keras", None, None, told)
    recorded = np.load(GOLDENS / name / "stream.npz")
    frames, logits = recorded["frames"], recorded["logits"]
    clip = write_lossless(frames, tmp_path / "clip.mkv")
    conversion = convert_source(
        source, tmp_path / "m.tflite", precision=Precision.INT8, calibration_videos=(clip,)
    )
    assert conversion.report is not None
    assert conversion.report.partitions == 1
    with movistream.load(tmp_path / "m.tflite") as model, model.stream() as stream:
        found = np.stack([stream.step(frame).logits for frame in frames])
    lengths = np.linalg.norm(found, axis=1) * np.linalg.norm(logits, axis=1)
    assert ((found * logits).sum(axis=1) / lengths).mean() >= 0.99


@golden
@pytest.mark.parametrize("name", STATES)
def test_the_reference_models(name: str, tmp_path: Path) -> None:
    told = {"value_range": (-1.0, 1.0)} if name == "td_mobilenetv2" else {}
    source = read_source(GOLDENS / name / "model.keras", None, None, told)
    states = network_states(source.network)
    size = sum(4 * state.frames * int(np.prod(state.shape)) for state in states)
    assert (len(states), size) == STATES[name]
    recorded = np.load(GOLDENS / name / "stream.npz")
    frames, logits = recorded["frames"], recorded["logits"]
    found, again = streamed(source, frames)
    np.testing.assert_array_equal(found, again)
    assert np.abs(found - logits).max() <= 1e-4 * np.abs(logits).max()
    conversion = convert_source(source, tmp_path / "m.tflite")
    assert conversion.manifest.provenance is not None
