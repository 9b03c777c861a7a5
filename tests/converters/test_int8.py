"""Int8: ranges from videos, states that keep their scale, and files as good as they say."""

from __future__ import annotations

import json
import math
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

import movistream
from movistream.errors import VideoError
from movistream.file.graph import ModelFile, Operator, map_file, read_model_file
from movistream.file.inspection import inspect_file
from movistream.file.manifest import SIGNATURE_KEY
from movistream_converters.conversion import Conversion, convert_source
from movistream_converters.errors import ConversionError
from movistream_converters.formats.source import Source
from movistream_converters.ir.builder import NetworkBuilder
from movistream_converters.ir.cost import network_cost
from movistream_converters.ir.layers import (
    Activation,
    ActivationFunction,
    Convolution,
    Dense,
    Image,
    SpatialMean,
)
from movistream_converters.ir.network import Network, Node, node_shapes, weight_shapes
from movistream_converters.ir.passes import fold
from movistream_converters.ir.tags import stage, stage_of
from movistream_converters.networks.movinet import ARCHITECTURES, ConvolutionType, SqueezeExciteType
from movistream_converters.quantise.calibration import (
    LOST_COSINE_LIMIT,
    first_within,
    in_float32,
)
from movistream_converters.quantise.fidelity import compare_steps, layer_signal_to_noise_db
from movistream_converters.quantise.observation import Observed, observe
from movistream_converters.quantise.plan import int8_stages, plan_int8, quantization_error
from movistream_converters.quantise.report import QualityReport, print_report
from movistream_converters.quantise.stepping import clip_logits, partitions
from movistream_converters.quantise.videos import Clip, videos_at
from movistream_converters.tflite import rules
from movistream_converters.tflite.builder import GraphBuilder, QuantizationParameters
from movistream_converters.tflite.layouts import StateLayout
from movistream_converters.tflite.lowering import lower, lower_layers
from movistream_converters.tflite.precision import Precision
from movistream_converters.tflite.quantization import quantization_of_range
from tests.conftest import IMAGE_SIZE, small_checkpoint

RELU6 = ActivationFunction.RELU6


@pytest.fixture(scope="session")
def small_clip(small_frames: np.ndarray) -> Clip:
    return Clip("small", small_frames)


@pytest.fixture(scope="session")
def int8(tmp_path_factory: pytest.TempPathFactory, clip: Path) -> Conversion:
    """A small int8 file, calibrated and judged on every other of the clip's thirty frames."""
    path = tmp_path_factory.mktemp("int8") / "m.tflite"
    return _convert(small_checkpoint(frames_per_second=5.0), path, clip, held_out_videos=(clip,))


def _convert(checkpoint: Source, path: Path, clip: Path, **options: object) -> Conversion:
    videos = {"calibration_videos": (clip,), **options}
    return convert_source(checkpoint, path, precision=Precision.INT8, **videos)  # type: ignore[arg-type]


def _file(path: Path) -> ModelFile:
    with map_file(path) as data:
        return read_model_file(data, str(path))


def test_a_file_is_faithful_to_what_it_was_calibrated_on(int8: Conversion) -> None:
    assert int8.report is not None
    assert set(int8.report.fidelity) == {"calibration", "held out"}
    for fidelity in int8.report.fidelity.values():
        assert fidelity.mean_cosine > 0.99
        assert 0 <= fidelity.mean_divergence < 0.1
    assert int8.report.partitions == 1
    assert int8.manifest.quantization == "int8"


def test_the_report_and_inspect_count_the_same_work(int8: Conversion) -> None:
    """What the operators compute, pairs of pixels with their zeros among it."""
    assert int8.report is not None
    network, _ = fold(small_checkpoint().network, small_checkpoint().weights)
    assert int8.report.multiply_adds_per_frame == inspect_file(int8.path).multiply_adds
    assert int8.report.multiply_adds_per_frame > network_cost(network).multiply_adds_per_frame


def test_states_keep_their_scale_exactly(int8: Conversion) -> None:
    (signature,) = _file(int8.path).signatures.values()
    buffers = [state for state in int8.manifest.states if state.role == "buffer"]
    assert buffers
    for state in buffers:
        assert state.dtype == "int8"
        output = signature.outputs[state.output].quantization
        assert output is not None
        assert (output.scale, output.zero_point) == (state.scale, int(state.initial))
        assert output.channels == 1
        for name in state.inputs:
            assert signature.inputs[name].quantization == output
    assert {s.dtype for s in int8.manifest.states if s.role != "buffer"} == {"float32"}


@pytest.mark.parametrize("layout", StateLayout)
def test_relu6_states_pass_no_conversion(layout: StateLayout, tmp_path: Path, clip: Path) -> None:
    """What an int8 stage remembers goes from one int8 operator into another."""
    checkpoint = small_checkpoint(
        se_type=SqueezeExciteType.NONE, activation=RELU6, head_activation=RELU6
    )
    conversion = _convert(checkpoint, tmp_path / "m.tflite", clip, layout=layout)
    (signature,) = _file(conversion.path).signatures.values()
    operators = signature.graph.operators
    for state in (s for s in conversion.manifest.states if s.role == "buffer"):
        around = [
            o for name in state.inputs for o in _readers(operators, signature.inputs[name].index)
        ]
        output = signature.outputs[state.output].index
        around += [operator for operator in operators if output in operator.outputs]
        assert around
        assert not {"QUANTIZE", "DEQUANTIZE"} & {operator.name for operator in around}, state.name


def _readers(operators: tuple[Operator, ...], tensor: int) -> list[Operator]:
    return [operator for operator in operators if tensor in operator.inputs]


def test_streaming_starts_again_exactly(int8: Conversion, frames: np.ndarray) -> None:
    with movistream.load(int8.path) as model, model.stream() as stream:
        before = [stream.step(frame).logits for frame in frames]
        snapshot = stream.snapshot()
        following = stream.step(frames[0]).logits
        stream.reset()
        assert np.array_equal(before, [stream.step(frame).logits for frame in frames])
        stream.reset()
        stream.restore(snapshot)
        assert np.array_equal(following, stream.step(frames[0]).logits)


def test_the_same_videos_give_the_same_bytes(int8: Conversion, tmp_path: Path, clip: Path) -> None:
    source = small_checkpoint(frames_per_second=5.0)
    again = _convert(source, tmp_path / "m.tflite", clip, held_out_videos=(clip,))
    assert again.path.read_bytes() == int8.path.read_bytes()


def test_the_report_beside_the_file(int8: Conversion) -> None:
    json_path, picture = int8.report_paths
    assert (json_path.name, picture.name) == ("m.report.json", "m.report.png")
    report = json.loads(json_path.read_text())
    assert report["size_bytes"] == int8.path.stat().st_size
    assert len(report["fidelity"]["held out"]["clips"][0]["cosine"]) == 15
    assert report["fidelity"]["calibration"]["mean_cosine"] > 0.99
    assert report["layers_signal_to_noise_db"]["classifier.logits"] > 10
    assert picture.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


@pytest.mark.parametrize("layout", StateLayout)
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_one_partition(architecture: str, layout: StateLayout) -> None:
    """Int8 files of every architecture fall into one part; so do the others in `frames`."""
    checkpoint = small_checkpoint(architecture, image_size=32)
    network, weights = fold(checkpoint.network, checkpoint.weights)
    plan = plan_int8(
        network, _observed(network.nodes), frozenset().union(*int8_stages(network).values())
    )
    assert plan.computed
    step = lower(network, weights, layout, Precision.INT8, plan)
    if layout is StateLayout.FRAMES:
        assert partitions(step) == 1
    assert {state.dtype for state in step.states if state.role == "buffer"} == {"int8"}


@pytest.mark.parametrize("precision", [Precision.FLOAT32, Precision.FLOAT16, Precision.DYNAMIC])
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_one_partition_in_float(architecture: str, precision: Precision) -> None:
    checkpoint = small_checkpoint(architecture, image_size=32)
    network, weights = fold(checkpoint.network, checkpoint.weights)
    assert partitions(lower(network, weights, StateLayout.FRAMES, precision)) == 1


def _observed(nodes: tuple[object, ...]) -> dict[str, Observed]:
    samples = np.linspace(-2, 4, 100, dtype=np.float32)
    return {node.name: Observed(-2.0, 4.0, samples) for node in nodes}  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "options",
    [
        {"convolution_type": ConvolutionType.JOINT},
        {"activation": ActivationFunction.SWISH},
        {"se_type": SqueezeExciteType.SPACE, "gating": ActivationFunction.SIGMOID},
        {"image_size": 49},
    ],
    ids=str,
)
def test_every_option(options: dict[str, object], small_clip: Clip) -> None:
    checkpoint = small_checkpoint(**options)
    network, weights = fold(checkpoint.network, checkpoint.weights)
    size = network.image_size[0]
    frames = np.resize(small_clip.frames, (6, size, size, 3))
    clips = [Clip("c", frames)]
    observed = observe(network, weights, [frames])
    computed = frozenset().union(*int8_stages(network).values())
    step = lower(
        network, weights, StateLayout.FRAMES, Precision.INT8, plan_int8(network, observed, computed)
    )
    reference = clip_logits(lower(network, weights, StateLayout.FRAMES), clips)
    assert compare_steps(reference, step, clips).mean_cosine > 0.98


def test_calibration_sees_everything(small_clip: Clip) -> None:
    checkpoint = small_checkpoint()
    network, weights = fold(checkpoint.network, checkpoint.weights)
    counted = 0

    def on_frame() -> None:
        nonlocal counted
        counted += 1

    observed = observe(network, weights, [small_clip.frames, small_clip.frames[:3]], on_frame)
    assert counted == len(small_clip.frames) + 3
    assert set(observed) == set(node_shapes(network)) - {"image"}
    for seen in observed.values():
        assert seen.low <= seen.samples.min() <= seen.samples.max() <= seen.high


def test_layers_without_loss_have_no_noise(small_clip: Clip) -> None:
    checkpoint = small_checkpoint()
    network, weights = fold(checkpoint.network, checkpoint.weights)
    layers = lower_layers(network, weights, StateLayout.FRAMES)
    ratios = layer_signal_to_noise_db(layers, layers, [small_clip])
    assert set(ratios.values()) == {float("inf")}


def test_what_adds_up_stays_float() -> None:
    checkpoint = small_checkpoint("a0")
    network, _ = fold(checkpoint.network, checkpoint.weights)
    computed = frozenset().union(*int8_stages(network).values())
    assert not {name for name in computed if name.startswith("classifier")}
    assert not {name for name in computed if name.endswith((".add", ".pool", ".skip.conv"))}
    convolutions = {n.name for n in network.nodes if isinstance(n.layer, Convolution)}
    assert len(computed & convolutions) > 30


def test_pairs_of_pixels_change_nothing(small_clip: Clip, monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoint = small_checkpoint("a0")
    network, weights = fold(checkpoint.network, checkpoint.weights)
    observed = observe(network, weights, [small_clip.frames])
    plan = plan_int8(network, observed, frozenset().union(*int8_stages(network).values()))

    def logits() -> tuple[int, list[np.ndarray]]:
        step = lower(network, weights, StateLayout.FRAMES, Precision.INT8, plan)
        return len(step.graph.pack(SIGNATURE_KEY, {})), clip_logits(step, [small_clip])

    size, paired = logits()
    monkeypatch.setattr(rules, "gives_pairs", lambda *_: False)
    size_alone, alone = logits()
    assert size != size_alone
    np.testing.assert_array_equal(paired, alone)


@pytest.mark.parametrize(
    ("layout", "dtype", "value_range"),
    [(StateLayout.FRAMES, "int8", (-128, 127)), (StateLayout.MODEL_GARDEN, "float32", (0, 1))],
)
def test_the_image_is_int8_unless_the_layout_says_float(
    layout: StateLayout, dtype: str, value_range: tuple[int, int], tmp_path: Path, clip: Path
) -> None:
    path = tmp_path / "a0.tflite"
    _convert(small_checkpoint("a0"), path, clip, layout=layout)
    with movistream.load(path) as model:
        image = model.manifest.input
        assert (image.dtype, image.value_range) == (dtype, value_range)


@given(
    low=st.floats(-1e3, 0, width=32),
    high=st.floats(0, 1e3, width=32).filter(lambda value: value > 1e-3),
)
def test_ranges_hold_their_ends_and_zero(low: float, high: float) -> None:
    quantization = quantization_of_range(low, high)
    assert -128 <= quantization.zero_point <= 127
    half_step = quantization.scale * 0.51
    ends = np.array([low, 0.0, high], np.float32)
    assert quantization_error(ends[1:2], quantization) == 0
    assert quantization_error(ends, quantization) <= half_step**2


@pytest.mark.parametrize(
    ("function", "scale"),
    [
        (ActivationFunction.RELU6, 6 / 255),
        (ActivationFunction.SIGMOID, 1 / 255),
        (ActivationFunction.HARD_SIGMOID, 1 / 255),
        (ActivationFunction.HARD_SIGMOID_KERAS, 1 / 255),
        (ActivationFunction.HARD_SIGMOID_SIXTH, 1 / 255),
    ],
)
def test_what_is_known_of_activations_need_not_be_seen(
    function: ActivationFunction, scale: float
) -> None:
    """From 0 up, whatever a calibration saw; a convolution in front of a relu6 gives that too."""
    nodes = (
        Node("image", Image(), ()),
        Node("conv", Convolution(4, (1, 3, 3)), ("image",)),
        Node("act", Activation(function), ("conv",)),
        Node("next", Convolution(4, (1, 3, 3)), ("act",)),
        Node("mean", SpatialMean(), ("next",)),
    )
    samples = np.linspace(-2, 2, 100, dtype=np.float32)
    observed = {node.name: Observed(-2.0, 2.0, samples) for node in nodes}
    computed = frozenset({"conv", "next"})
    plan = plan_int8(Network("n", nodes, (8, 8), causal=True), observed, computed)
    assert plan.tensors["act"] == QuantizationParameters(pytest.approx(scale), -128)
    known = function is ActivationFunction.RELU6
    lowest = (-128 - plan.tensors["conv"].zero_point) * plan.tensors["conv"].scale
    assert lowest == pytest.approx(0.0 if known else -2.0, abs=0.3)
    assert plan.tensors["next"].scale == pytest.approx(4 / 255, rel=0.2)


def test_hard_swish_inputs_reach_where_it_is_zero() -> None:
    """Otherwise everything under the lowest step would come out a little below zero."""
    checkpoint = small_checkpoint("a0")
    network, _ = fold(checkpoint.network, checkpoint.weights)
    computed = frozenset().union(*int8_stages(network).values())
    for high in (0.5, 2.0, 7.3, 40.0):
        samples = np.linspace(-30, high, 1000, dtype=np.float32)
        observed = {node.name: Observed(-30.0, high, samples) for node in network.nodes}
        plan = plan_int8(network, observed, computed)
        quantization = plan.tensors["block1_layer0.expansion.conv"]
        lowest = (-128 - quantization.zero_point) * quantization.scale
        assert -3 - 1.01 * quantization.scale <= lowest <= -3


def test_int4_kernels_are_packed_low_half_first() -> None:
    graph = GraphBuilder()
    kernel = np.array([[7, -7, 1, -1], [0, 3.5, -7, 2]], np.float32)
    tensor = graph.int4_kernel("k", kernel)
    graph.output("k", tensor)
    assert tensor.dtype == "int4"
    data = graph.pack("s", {})
    # Scale 1: 7 and -7 (0x9), 1 and -1 (0xF); 0 and 4 (half to even), -7 and 2.
    assert bytes([0x97, 0xF1, 0x40, 0x29]) in data


def test_refusals(tmp_path: Path, clip: Path) -> None:
    checkpoint, output = small_checkpoint(), tmp_path / "m.tflite"

    def refusal(precision: Precision, **options: object) -> str:
        with pytest.raises(ConversionError) as caught:
            convert_source(checkpoint, output, precision=precision, **options)  # type: ignore[arg-type]
        assert list(tmp_path.iterdir()) == []
        return str(caught.value)

    assert "--calibrate" in refusal(Precision.INT8)
    assert "not calibrated" in refusal(Precision.DYNAMIC, calibration_videos=(clip,))
    assert "judged against" in refusal(Precision.FLOAT32, held_out_videos=(clip,))
    assert "--held-out" in refusal(Precision.FLOAT16, least_cosine=0.9)
    told = refusal(Precision.INT8, calibration_videos=(clip,), least_cosine=0.9999999)
    assert "mean cosine" in told
    assert "noisiest layers" in told
    with pytest.raises(VideoError):
        _convert(checkpoint, output, Path(__file__))
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_decoded_is_skipped_and_listed(clip: Path, tmp_path: Path) -> None:
    """As in training: one damaged video is no reason to look at none."""
    output, damaged = tmp_path / "m.tflite", tmp_path / "damaged.mp4"
    damaged.write_bytes(clip.read_bytes()[:200])
    videos = (damaged, clip)
    whole = _convert(small_checkpoint(), output, clip)
    expected = output.read_bytes()
    conversion = convert_source(
        small_checkpoint(),
        output,
        precision=Precision.INT8,
        calibration_videos=videos,
        held_out_videos=videos,
    )
    assert output.read_bytes() == expected
    assert whole.skipped_videos == ()
    assert [str(damaged) in text for text in conversion.skipped_videos] == [True, True]


def test_videos_in_folders(tmp_path: Path) -> None:
    with pytest.raises(VideoError, match="holds no video"):
        videos_at(tmp_path)
    with pytest.raises(ConversionError, match="does not exist"):
        videos_at(tmp_path / "missing")
    (tmp_path / "b").mkdir()
    for name in ("z.mp4", "b/a.MKV", "notes.txt"):
        (tmp_path / name).touch()
    assert videos_at(tmp_path) == (tmp_path / "b" / "a.MKV", tmp_path / "z.mp4")
    assert videos_at(tmp_path / "notes.txt") == (tmp_path / "notes.txt",)


def test_noisy_stages_stay_float_as_wished(tmp_path: Path, clip: Path) -> None:
    all_float, none_float = (
        _convert(small_checkpoint(), tmp_path / f"{limit}.tflite", clip, stage_noise_limit=limit)
        for limit in (-1.0, 1.0)
    )
    assert all_float.report is not None
    assert none_float.report is not None
    assert set(all_float.report.float_stages) == set(all_float.report.stage_noise)
    assert none_float.report.float_stages == ()
    assert none_float.report.stage_noise == all_float.report.stage_noise
    assert all_float.manifest.input.height == IMAGE_SIZE


@pytest.mark.parametrize("losses", [[0.0], [3.0, 2, 1, 0], [5.0, 5, 1, 1, 0], [3.0, 3, 3]])
@pytest.mark.parametrize("limit", [0.0, 1.0, 2.5, 9.0])
def test_the_fewest_stages_that_keep_within_a_limit(losses: list[float], limit: float) -> None:
    within = (count for count, lost in enumerate(losses) if lost <= limit)
    expected = next(within, len(losses) - 1)
    assert first_within(limit, len(losses) - 1, losses.__getitem__) == expected


def test_a_network_that_magnifies_noise_keeps_its_answers(tmp_path: Path, clip: Path) -> None:
    """Its activations are cut off at six times where they would lie: signs are all that is left."""
    builder = NetworkBuilder("loud", image_size=(32, 32))
    for number in range(8):
        with builder.tagged(stage(f"block{number}")):
            stride = (2, 2) if number < 3 else (1, 1)
            if number % 4 == 1:
                builder.add(f"{number}.time", Convolution(32, (3, 1, 1)))
            builder.add(f"{number}.conv", Convolution(32, (1, 3, 3), stride))
            builder.add(f"{number}.act", Activation(RELU6))
    builder.add("mean", SpatialMean())
    builder.add("logits", Dense(9))
    network, drawn = builder.build(), np.random.default_rng(3)
    weights = {
        name: 8 * drawn.normal(size=shape) * np.sqrt(2 / math.prod(shape[:-1]))
        if name.endswith("kernel")
        else np.zeros(shape)
        for name, shape in weight_shapes(network).items()
    }
    floats = {name: value.astype(np.float32) for name, value in weights.items()}
    source = Source(network, floats, frames_per_second=10)

    def report(limit: float | None) -> QualityReport:
        path = tmp_path / "m.tflite"
        found = _convert(source, path, clip, stage_noise_limit=limit).report
        assert found is not None
        return found

    kept, noisy = report(None), report(0.02)
    assert kept.fidelity["calibration"].mean_cosine >= 1 - LOST_COSINE_LIMIT
    assert noisy.fidelity["calibration"].mean_cosine < 1 - LOST_COSINE_LIMIT
    assert kept.float32_stages
    assert set(kept.float32_stages) <= set(kept.float_stages)
    assert noisy.size_bytes < kept.size_bytes
    assert kept.partitions == 1
    console = Console(file=StringIO(), width=100)
    print_report(kept, console)
    assert "is float32, its kernels too" in console.file.getvalue()  # type: ignore[attr-defined]


def test_nothing_of_a_stage_in_float32_is_int8(small_clip: Clip) -> None:
    """All stages: the step is the float32 one, but for what is in none of them."""
    network, weights = fold(small_checkpoint().network, small_checkpoint().weights)
    observed = observe(network, weights, [small_clip.frames])
    nodes = frozenset().union(*int8_stages(network).values())
    names = frozenset(stage_of(node) for node in network.nodes)
    plan = in_float32(network, plan_int8(network, observed, nodes), names)
    assert not plan.computed
    assert not plan.stored
    assert not plan.int4_kernels
    step = lower(network, weights, StateLayout.FRAMES, Precision.INT8, plan)
    clips = (small_clip,)
    reference = clip_logits(lower(network, weights, StateLayout.FRAMES), clips)
    for found, expected in zip(clip_logits(step, clips), reference, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


def test_only_int8_has_stages(tmp_path: Path) -> None:
    with pytest.raises(ConversionError, match="float16 has no stages in int8: --stage-noise is"):
        convert_source(
            small_checkpoint(),
            tmp_path / "m.tflite",
            precision=Precision.FLOAT16,
            stage_noise_limit=1.0,
        )
    assert not any(tmp_path.iterdir())
