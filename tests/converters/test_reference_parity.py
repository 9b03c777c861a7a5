"""Against the logits and states that TensorFlow Model Garden's own code gives."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import movistream
from movistream.drawing.video_writer import open_video_writer
from movistream.file.labels import read_labels
from movistream.sources import VideoFile
from movistream.sources.picking import pick_at_rate
from movistream_converters.conversion import convert_source
from movistream_converters.formats.model_garden.checkpoint import read
from movistream_converters.formats.registry import read_source
from movistream_converters.formats.source import Source
from movistream_converters.ir.layers import ActivationFunction
from movistream_converters.reference.verification import relative_error, state_values
from movistream_converters.tflite.layouts import StateLayout
from movistream_converters.tflite.precision import Precision
from tests.sdk.videos import turned

GOLDENS = ("a0_stream", "a3_stream", "k600_a0_stream", "barn_a0_stream")
LIMIT = 1e-5

Reference = Callable[[str], Path]


def _checkpoint(folder: Path) -> Source:
    meta = json.loads((folder / "meta.json").read_text())
    activations = {
        option: ActivationFunction(meta[option])
        for option in ("activation", "head_activation")
        if meta.get("se_type") == "none"
    }
    return read(folder, None, activations)


def _frames(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    stream = np.load(folder / "stream.npz")
    frames = stream if "frames" in stream else np.load(folder.parent / "k600_a0_stream/stream.npz")
    return frames["frames"], stream["logits"]


@pytest.fixture(scope="module", params=GOLDENS)
def golden(request: pytest.FixtureRequest, reference: Reference) -> Path:
    return reference(f"goldens/{request.param}")


@pytest.mark.parametrize("layout", StateLayout)
def test_logits_states_and_resets(golden: Path, layout: StateLayout, tmp_path: Path) -> None:
    frames, logits = _frames(golden)
    path = tmp_path / "m.tflite"
    convert_source(_checkpoint(golden), path, layout=layout, verified=False)
    generator = np.random.default_rng(5)
    with movistream.load(path) as model, model.stream() as stream:
        for _ in range(2):
            found = np.stack([stream.step(frame).logits for frame in frames])
            assert relative_error(found, logits) < LIMIT
            _check_states(golden, layout, stream.snapshot().tensors)
            stream.reset()
        for length in generator.integers(1, len(frames), 10):
            stream.reset()
            found = np.stack([stream.step(frame).logits for frame in frames[:length]])
            assert relative_error(found, logits[:length]) < LIMIT


def _check_states(golden: Path, layout: StateLayout, tensors: Any) -> None:
    path = golden / "final_states.npz"
    if not path.exists() or layout is StateLayout.FRAMES:
        return
    for name, expected in np.load(path).items():
        assert tensors[name].dtype == expected.dtype
        assert tensors[name].shape == expected.shape
        assert relative_error(tensors[name], expected) < LIMIT, name


@pytest.mark.parametrize(
    ("precision", "cosine"), [(Precision.FLOAT16, 0.9999), (Precision.DYNAMIC, 0.999)]
)
def test_smaller_weights(golden: Path, precision: Precision, cosine: float, tmp_path: Path) -> None:
    """Per frame: the same direction, and nearly always the same best class."""
    frames, logits = _frames(golden)
    path = tmp_path / "m.tflite"
    checkpoint = _checkpoint(golden)
    convert_source(checkpoint, path, precision=precision, verified=False)
    with movistream.load(path) as model, model.stream() as stream:
        found = np.stack([stream.step(frame).logits for frame in frames])
    agreement = 0.95
    if precision is Precision.DYNAMIC and golden.name == "a3_stream":
        # Its random weights, 26 blocks deep, magnify every rounding, and two classes nearly tie.
        cosine, agreement = 0.995, 0.85
    lengths = np.linalg.norm(found, axis=1) * np.linalg.norm(logits, axis=1)
    assert ((found * logits).sum(axis=1) / lengths).min() > cosine
    assert (found.argmax(axis=1) == logits.argmax(axis=1)).mean() >= agreement


def test_states_of_the_default_layout(reference: Reference, tmp_path: Path) -> None:
    """The same states as the published ones, seen as frames and means."""
    golden = reference("goldens/a0_stream")
    final = np.load(golden / "final_states.npz")
    frames, _ = _frames(golden)
    path = tmp_path / "m.tflite"
    convert_source(_checkpoint(golden), path, verified=False)
    with movistream.load(path) as model, model.stream() as stream:
        for frame in frames:
            stream.step(frame)
        tensors = stream.snapshot().tensors
        for state in model.manifest.states:
            found = np.concatenate([tensors[name] for name in state.inputs])
            if state.role == "buffer":
                expected = final[f"state_{state.name}"]
            elif state.role == "clock":
                expected = np.array(len(frames))
            else:
                name = state.name.replace("_pool_mean", "_pool_buffer")
                expected = final[f"state_{name}"] / len(frames)
            assert relative_error(found.reshape(-1), expected.reshape(-1)) < LIMIT, state.name


def test_signature_equals_the_published_file(reference: Reference, tmp_path: Path) -> None:
    """Names, shapes and dtypes of Model Garden's own export of the same network."""
    from movistream.file.graph import map_file, read_model_file

    peer = reference("peers/model_garden_a0_stream_f32.tflite")
    path = tmp_path / "m.tflite"
    checkpoint = read(reference("goldens/a0_stream"))
    convert_source(checkpoint, path, layout=StateLayout.MODEL_GARDEN, verified=False)
    described = []
    for file in (path, peer):
        signature = read_model_file(map_file(file), "m").signatures["serving_default"]
        described.append(
            [
                {name: (tensor.shape, tensor.dtype) for name, tensor in side.items()}
                for side in (signature.inputs, signature.outputs)
            ]
        )
    assert described[0] == described[1]


def test_carving_ice(reference: Reference, tmp_path: Path) -> None:
    """Real Kinetics-600 weights on a real clip."""
    path = tmp_path / "k600.tflite"
    labels = read_labels(reference("kinetics600_labels.txt"))
    convert_source(_checkpoint(reference("goldens/k600_a0_stream")), path, labels=labels)
    with (
        movistream.load(path) as model,
        model.stream() as stream,
        VideoFile(reference("clips/carving_ice.mp4")) as video,
    ):
        results = [stream.step(frame.image) for frame in pick_at_rate(video, 5)]
    best = results[-1].top(1)[0]
    assert best.label == "carving ice"
    assert best.score > 0.9


def test_a_turned_clip_has_the_same_label(reference: Reference, tmp_path: Path) -> None:
    """Stored on its side, with a note that says so, as phones do."""
    path, sideways = tmp_path / "k600.tflite", tmp_path / "sideways.mp4"
    labels = read_labels(reference("kinetics600_labels.txt"))
    convert_source(
        _checkpoint(reference("goldens/k600_a0_stream")), path, labels=labels, verified=False
    )
    with (
        VideoFile(reference("clips/carving_ice.mp4")) as video,
        open_video_writer(sideways) as writer,
    ):
        for frame in video:
            writer.write(np.ascontiguousarray(np.rot90(frame.image)), frame.time_s)
    clip = tmp_path / "turned.mp4"
    clip.write_bytes(turned(sideways.read_bytes(), 1))
    best = []
    with movistream.load(path) as model:
        for source in (reference("clips/carving_ice.mp4"), clip):
            with movistream.StreamPool(model, [source]) as pool:
                best += [item.top[0] for item in pool if isinstance(item, movistream.Step)][-1:]
    assert best[0].label == best[1].label == "carving ice"
    assert best[1].score == pytest.approx(best[0].score, abs=0.01)


def test_a_long_stream(reference: Reference, tmp_path: Path) -> None:
    """1,500 steps on a looped clip, every fifth frame of it."""
    golden = reference("goldens/k600_a0_stream")
    expected = np.load(golden / "long_stream.npz")
    path = tmp_path / "k600.tflite"
    convert_source(_checkpoint(golden), path, verified=False)
    with VideoFile(reference("clips/carving_ice.mp4")) as video:
        frames = [frame.image for frame in video]
    with movistream.load(path) as model, model.stream() as stream:
        for step in range(1500):
            logits = stream.step(frames[5 * step % len(frames)]).logits
            if str(step) in expected:
                assert relative_error(logits, expected[str(step)]) < LIMIT, step


def test_reference_states_cover_the_file(reference: Reference) -> None:
    """Every state of either layout has a value to be compared with."""
    from movistream_converters.reference.execution import initial_states

    checkpoint = read(reference("goldens/a3_stream"))
    states = initial_states(checkpoint.network)
    values = state_values(StateLayout.MODEL_GARDEN, checkpoint.network, states)
    assert len(values) == 124


def test_a_state_dict(reference: Reference, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    folder = reference("goldens/a0_stream_pytorch")
    source = read_source(folder / "a0_stream_statedict.pt")
    frames, _ = _frames(reference("goldens/a0_stream"))
    logits = np.load(folder / "stream.npz")["logits"]
    path = convert_source(source, tmp_path / "m.tflite", verified=False).path
    with movistream.load(path) as model, model.stream() as stream:
        found = np.stack([stream.step(frame).logits for frame in frames])
    assert relative_error(found, logits) < LIMIT
