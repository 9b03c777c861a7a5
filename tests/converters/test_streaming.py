"""Streams of networks that see clips: the same features, some frames late."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from msgspec.structs import replace

from movistream_converters.conversion import convert_source
from movistream_converters.errors import ConversionError
from movistream_converters.formats.source import Source
from movistream_converters.ir.builder import NetworkBuilder
from movistream_converters.ir.layers import (
    Add,
    Convolution,
    Delay,
    Dense,
    PositionalEncoding,
    SpatialMean,
    TemporalMean,
    WindowMean,
)
from movistream_converters.ir.network import (
    Network,
    NetworkError,
    Node,
    receptive_field_frames,
    warm_up_frames,
    with_horizon,
)
from movistream_converters.ir.passes import fold
from movistream_converters.ir.states import network_states
from movistream_converters.ir.streaming import as_stream
from movistream_converters.ir.tags import SQUEEZE_EXCITE
from movistream_converters.ir.weights import Weights, random_weights
from movistream_converters.networks.x3d import build_x3d, table_of
from movistream_converters.quantise.calibration import INT4_KERNELS, STATES, without
from movistream_converters.quantise.fidelity import compare_steps
from movistream_converters.quantise.observation import observe
from movistream_converters.quantise.plan import int8_stages, plan_int8
from movistream_converters.quantise.stepping import clip_logits, partitions
from movistream_converters.quantise.videos import Clip, lasting
from movistream_converters.reference.execution import run_clip, run_nodes
from movistream_converters.reference.verification import verify
from movistream_converters.tflite.layouts import LayoutError, StateLayout
from movistream_converters.tflite.lowering import lower
from movistream_converters.tflite.precision import Precision
from tests.converters.clip_networks import (
    IMAGE_SIZE,
    TABLE,
    random_clip_network,
    small_x3d,
)

FRAMES = 24
Images = np.ndarray


def images_of(network: Network, frames: int = FRAMES) -> Images:
    height, width = network.image_size
    shape = (1, frames, height, width, 3)
    return np.random.default_rng(1).normal(size=shape).astype(np.float32)


def step_by_step(network: Network, weights: Weights, images: Images) -> np.ndarray:
    states, logits = None, []
    for index in range(images.shape[1]):
        now, states = run_clip(network, weights, images[:, index : index + 1], states)
        logits.append(np.asarray(now))
    return np.concatenate(logits, axis=1)


def with_gates_of_frames(clip: Network) -> Network:
    """As it is, but gates see each frame alone."""
    gone = {
        node.name: node.inputs[0]
        for node in clip.nodes
        if isinstance(node.layer, TemporalMean) and SQUEEZE_EXCITE in node.tags
    }
    nodes = (
        replace(node, inputs=tuple(gone.get(name, name) for name in node.inputs))
        for node in clip.nodes
        if node.name not in gone
    )
    return replace(clip, nodes=tuple(nodes))


@pytest.mark.parametrize("seed", range(12))
def test_a_stream_says_what_the_whole_video_does(seed: int) -> None:
    clip = random_clip_network(seed)
    weights, images = random_weights(clip, seed), images_of(clip)
    stream = as_stream(clip)
    assert stream.causal
    delay = stream.delay_frames
    expected = np.asarray(run_clip(clip, weights, images)[0])
    found = np.asarray(run_clip(stream, weights, images)[0])
    scale = np.abs(expected).max()
    np.testing.assert_allclose(
        found[:, delay:], expected[:, : FRAMES - delay], atol=1e-5 * scale, rtol=0
    )
    one_by_one = step_by_step(stream, weights, images)
    np.testing.assert_allclose(one_by_one, found, atol=1e-5 * np.abs(found).max(), rtol=0)


def test_seeds_have_delays_and_paths_that_wait() -> None:
    streams = [as_stream(random_clip_network(seed)) for seed in range(12)]
    assert len({stream.delay_frames for stream in streams}) > 4
    waiting = [n for s in streams for n in s.nodes if isinstance(n.layer, Delay)]
    assert len(waiting) > 10
    assert any(node.delay_frames for node in waiting)


@pytest.mark.parametrize("seed", [0, 3, 5])
def test_files_of_streams(seed: int, tmp_path: Path) -> None:
    """Every step of the warm-up too, states included, reset and replayed."""
    stream = as_stream(random_clip_network(seed))
    source = Source(stream, random_weights(stream, seed), name="random")
    conversion = convert_source(source, tmp_path / "m.tflite")
    verification = conversion.manifest.provenance.verification  # type: ignore[union-attr]
    assert verification is not None
    assert verification.frames == 2 * (8 + stream.delay_frames)
    assert max(verification.max_logit_error, verification.max_state_error) < 1e-5
    assert conversion.manifest.delay_frames == stream.delay_frames
    assert conversion.manifest.warm_up_frames == stream.delay_frames


def test_a_stream_of_x3d_sees_the_whole_video() -> None:
    """Features of the head, with gates that see each frame."""
    clip = build_x3d("x3d", TABLE, IMAGE_SIZE)
    weights, images = random_weights(clip, 2), images_of(clip)
    stream = as_stream(clip, 3)
    assert stream.delay_frames == 5
    assert warm_up_frames(stream) == 7
    assert receptive_field_frames(stream) == 1 + 4 + 3 * 2 + 2
    expected = run_nodes(with_gates_of_frames(clip), weights, images)[0]["head.space"]
    found = run_nodes(stream, weights, images)[0]["head.space"]
    scale = np.abs(expected).max()
    np.testing.assert_allclose(found[:, 5:], expected[:, :-5], atol=1e-5 * scale, rtol=0)


def test_published_delays() -> None:
    for name, delay in (("s", 28), ("m", 28), ("l", 57)):
        assert as_stream(build_x3d(name, table_of(name, 2), 64)).delay_frames == delay


@pytest.mark.parametrize("window", [None, 1, 4])
def test_the_mean_begins_with_the_video(window: int | None) -> None:
    builder = NetworkBuilder("mean", (4, 4), causal=False)
    builder.add("kernel", Convolution(3, (5, 1, 1), bias=True))
    builder.add("space", SpatialMean())
    builder.add("mean", TemporalMean())
    builder.add("logits", Dense(2))
    clip = builder.build()
    stream, weights, images = as_stream(clip, window), random_weights(clip, 0), images_of(clip)
    features = np.asarray(run_nodes(clip, weights, images)[0]["space"])[0, :, 0, 0]
    kernel, bias = weights["logits.kernel"][0, 0], weights["logits.bias"]
    logits = np.asarray(run_clip(stream, weights, images)[0])[0]
    assert stream.delay_frames == 2
    for step in range(2, FRAMES):
        first = 0 if window is None else max(0, step - 2 - window + 1)
        wanted = features[first : step - 1].mean(axis=0) @ kernel + bias
        np.testing.assert_allclose(logits[step], wanted, atol=1e-5)


def test_gates_see_a_frame_and_other_means_what_there_was() -> None:
    clip = build_x3d("x3d", TABLE, IMAGE_SIZE)
    means = [n.name for n in as_stream(clip).nodes if isinstance(n.layer, TemporalMean)]
    windows = [n.name for n in as_stream(clip, 4).nodes if isinstance(n.layer, WindowMean)]
    assert means == windows == ["head.pool"]
    assert as_stream(clip, 4).nodes[-1].name == clip.nodes[-1].name


def two_means(*, encoded: bool = False) -> Network:
    """Means at the start and behind a kernel; their sum is the answer."""
    builder = NetworkBuilder("two", (4, 4), causal=False)
    first = builder.add("first", SpatialMean())
    kernel = builder.add("kernel", Convolution(4, (3, 1, 1)), first)
    if encoded:
        builder.add("encoding", PositionalEncoding())
    late = builder.add("late", TemporalMean())
    early = builder.add("early", TemporalMean(), first)
    widened = builder.add("widened", Dense(4), early)
    builder.add("sum", Add(), late, widened)
    builder.add("logits", Dense(2))
    assert kernel
    return builder.build()


@pytest.mark.parametrize("encoded", [False, True])
@pytest.mark.parametrize("horizon", [None, 3])
def test_means_that_begin_at_different_times(
    encoded: bool, horizon: int | None, tmp_path: Path
) -> None:
    """Each has a clock of its own, in the network and in the file, and forgets as it says."""
    stream = with_horizon(as_stream(two_means(encoded=encoded)), horizon)
    clocks = [state.name for state in network_states(stream) if state.role == "clock"]
    assert clocks == ["clock", "clock_1"]
    weights = random_weights(stream, 0)
    source = Source(stream, weights, name="two")
    path = tmp_path / "m.tflite"
    manifest = convert_source(source, path).manifest
    late = {state.name: state.delay_frames for state in manifest.states}
    assert late["clock"] == late["early_pool_mean"] == 0
    assert late["clock_1"] == late["late_pool_mean"] == 1
    assert late.get("position_1") == (1 if encoded else None)
    frames = list((images_of(stream)[0] * 50 + 128).clip(0, 255).astype(np.uint8))
    verification = verify(path, stream, weights, StateLayout.FRAMES, frames)
    assert max(verification.max_logit_error, verification.max_state_error) < 1e-5


def test_an_encoding_counts_the_frames_that_it_sees() -> None:
    clip = two_means(encoded=True)
    weights, images = random_weights(clip, 0), images_of(clip)
    expected = np.asarray(run_nodes(clip, weights, images)[0]["encoding"])
    found = np.asarray(run_nodes(as_stream(clip), weights, images)[0]["encoding"])
    np.testing.assert_allclose(found[:, 1:], expected[:, :-1], atol=1e-5)


def test_a_mean_of_a_mean_is_that_mean() -> None:
    builder = NetworkBuilder("twice", (4, 4), causal=False)
    builder.add("space", SpatialMean())
    builder.add("once", TemporalMean())
    builder.add("logits", Dense(2))
    builder.add("twice", TemporalMean())
    assert [node.name for node in as_stream(builder.build()).nodes] == [
        "image",
        "space",
        "once",
        "logits",
    ]


def test_names_of_delays_are_free() -> None:
    builder = NetworkBuilder("names", (4, 4), causal=False)
    entry = builder.add("entry.delayed_1", SpatialMean())
    builder.add("entry", SpatialMean(), "image")
    kernel = builder.add("kernel", Convolution(3, (3, 1, 1)), "entry")
    summed = builder.add("sum", Add(), kernel, "entry")
    again = builder.add("again", Add(), summed, "entry")
    builder.add("last", Add(), again, entry)
    names = [node.name for node in as_stream(builder.build()).nodes]
    # What two nodes wait for is kept once.
    assert [name for name in names if "delayed" in name] == [
        "entry.delayed_1",
        "entry.delayed_1_",
        "entry.delayed_1.delayed_1",
    ]


def _network(*nodes: Node, causal: bool = False) -> Network:
    builder = NetworkBuilder("odd", (4, 4), causal=causal)
    for node in nodes:
        builder.add(node.name, node.layer, *node.inputs)
    return builder.build()


SPACE = Node("space", SpatialMean())
MEAN = Node("mean", TemporalMean())


@pytest.mark.parametrize(
    ("network", "window", "reason"),
    [
        (_network(SPACE, causal=True), None, "odd is a stream already"),
        (_network(SPACE, MEAN), 0, "a window of 0 frames"),
        (_network(SPACE), 4, "odd has no mean over the clip"),
        (
            _network(SPACE, Node("even", Convolution(3, (4, 1, 1)))),
            None,
            "even sees 4 frames; only",
        ),
        (_network(SPACE, MEAN, Node("k", Convolution(3, (3, 1, 1)))), None, "k sees 3 frames of"),
    ],
)
def test_what_makes_no_stream(network: Network, window: int | None, reason: str) -> None:
    with pytest.raises(NetworkError, match=reason):
        as_stream(network, window)


def test_a_clip_has_no_delays() -> None:
    late = Node("late", SpatialMean(), ("image",), delay_frames=1)
    with pytest.raises(NetworkError, match="late reads with a delay"):
        Network("n", (Node("image", _network(SPACE).nodes[0].layer), late), (4, 4), causal=False)
    with pytest.raises(NetworkError, match="a delay of -1 frames"):
        replace(_network(SPACE, causal=True), delay_frames=-1)


def test_the_other_layout_has_no_place_for_delays(tmp_path: Path) -> None:
    source = small_x3d(None)
    with pytest.raises(LayoutError, match="no place for a delay"):
        lower(source.network, source.weights, StateLayout.MODEL_GARDEN)
    with pytest.raises(ConversionError, match=r"small cannot be lowered: .* only 'frames' has"):
        convert_source(source, tmp_path / "m.tflite", layout=StateLayout.MODEL_GARDEN)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("left_out", [(), (STATES,), (INT4_KERNELS,), (STATES, INT4_KERNELS)])
def test_int8_without_what_takes_too_much(left_out: tuple[str, ...]) -> None:
    """Whatever is left out, the rest is a step that an engine runs as one."""
    source = small_x3d()
    network, weights = fold(source.network, source.weights)
    frames = np.random.default_rng(0).integers(0, 256, (12, IMAGE_SIZE, IMAGE_SIZE, 3), np.uint8)
    observed = observe(network, weights, [frames])
    computed = frozenset[str]().union(*int8_stages(network).values())
    plan = without(network, plan_int8(network, observed, computed), left_out)
    step = lower(network, weights, StateLayout.FRAMES, Precision.INT8, plan)
    assert partitions(step) == 1
    kernels = {state.name: state.dtype for state in step.states if "stem.time" in state.name}
    # What gives the stem's frames is computed in int8 itself.
    assert set(kernels.values()) == {"int8"}
    clips = [Clip("noise", frames)]
    fidelity = compare_steps(
        clip_logits(lower(network, weights, StateLayout.FRAMES), clips), step, clips
    )
    assert fidelity.frames == 12 - warm_up_frames(network)
    assert fidelity.mean_cosine > 0.9


def test_short_videos_last() -> None:
    numbers = [np.full((1, 1, 3), i, np.uint8) for i in range(4)]

    def seen(count: int, least: int) -> list[int]:
        return [int(frame[0, 0, 0]) for frame in lasting(iter(numbers[:count]), least)]

    assert seen(4, 1) == seen(4, 4) == [0, 1, 2, 3]
    assert seen(4, 12) == [0, 1, 2, 3, 2, 1, 0, 1, 2, 3, 2, 1]
    assert seen(2, 5) == [0, 1, 0, 1, 0]
    assert seen(1, 3) == [0, 0, 0]
    assert seen(0, 3) == []
