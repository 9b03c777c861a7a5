"""Compares a written file with the network that it was made from, frame by frame."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

import movistream
from movistream.file.manifest import State, Verification
from movistream_converters.ir.layers import PositionalEncoding, WindowMean
from movistream_converters.ir.network import Network, horizon_of, image_of, warm_up_frames
from movistream_converters.ir.states import (
    CLOCK,
    clock_name,
    network_states,
    position_name,
    window_name,
)
from movistream_converters.ir.weights import Weights
from movistream_converters.reference.execution import Tensor, run_clip
from movistream_converters.reference.images import seen
from movistream_converters.tflite.layouts import StateLayout

_FRAMES = 8


def verified_frames(network: Network) -> int:
    """How many frames show that a file is faithful: some beyond its warm-up."""
    return _FRAMES + warm_up_frames(network)


def verify(
    path: Path,
    network: Network,
    weights: Weights,
    layout: StateLayout,
    frames: Sequence[npt.NDArray[np.uint8]],
    on_frame: Callable[[], None] = lambda: None,
) -> Verification:
    """Runs frames through both, then resets the file and replays them.

    Every frame's logits and every state after it are compared.

    Args:
        frames: uint8 (height, width, channels), of the network's size.
        on_frame: called after each of the 2 · len(frames) frames.
    """
    expected = _reference(network, weights, frames)
    logit_error, state_errors = 0.0, {"": 0.0}
    with (
        movistream.load(path, arithmetic="float32", trust="always") as model,
        model.stream() as stream,
    ):
        states = {state.name: state for state in model.manifest.states}
        # What rounding takes from float32 is next to nothing.
        remainders = {
            name: np.zeros(state.shape, np.float32)
            for name, state in states.items()
            if state.role == "remainder"
        }
        for _replay in range(2):
            stream.reset()
            for frame, (logits, reference_states) in zip(frames, expected, strict=True):
                result = stream.step(frame)
                logit_error = max(logit_error, relative_error(result.logits, logits))
                tensors = stream.snapshot().tensors
                values = state_values(layout, network, reference_states)
                for name, value in {**values, **remainders}.items():
                    stored = np.stack([tensors[tensor] for tensor in states[name].inputs])
                    found = _meaning(states[name], stored)
                    error = relative_error(found.reshape(-1), value.reshape(-1))
                    state_errors[name] = max(state_errors.get(name, 0.0), error)
                on_frame()
        if missing := set(states) - set(state_errors):
            raise AssertionError(f"states without a reference: {sorted(missing)}")
        worst = max(state_errors, key=lambda name: state_errors[name])
        return Verification(
            frames=2 * len(frames),
            max_logit_error=logit_error,
            max_state_error=state_errors[worst],
            worst_state=worst,
            engine=model.engine,
        )


def clip_error(
    expected: tuple[Network, Weights],
    found: tuple[Network, Weights],
    frames: Sequence[npt.NDArray[np.uint8]],
) -> float:
    """How far two forms of one network differ: the relative error of the logits of a clip.

    Args:
        expected: a network with its weights.
        found: another form of it, with its own.
        frames: uint8 (height, width, channels), of the networks' size.
    """
    clip = np.stack(frames)[None]
    logits = [
        run_clip(network, weights, seen(clip, image_of(network)))[0].numpy()
        for network, weights in (expected, found)
    ]
    return relative_error(logits[1], logits[0])


def relative_error(found: npt.NDArray[np.generic], expected: npt.NDArray[np.generic]) -> float:
    """The largest difference, over the largest expected value (an all-zero one counts as 1).

    Infinite where either holds what is no number.
    """
    difference = np.abs(found.astype(np.float64) - expected.astype(np.float64)).max()
    error = float(difference / (np.abs(expected).max() or 1.0))
    return error if math.isfinite(error) else math.inf


def state_values(
    layout: StateLayout, network: Network, states: Mapping[str, Tensor]
) -> dict[str, npt.NDArray[np.generic]]:
    """What the states of a file should hold, by their names in its manifest.

    Args:
        states: of :func:`.execution.run_clip`, for a batch of one.
    """
    values: dict[str, npt.NDArray[np.generic]] = {}
    seen = float(np.asarray(states[CLOCK]).item()) if CLOCK in states else 0.0
    horizon = horizon_of(network)

    def counted_frames(delay_frames: int) -> float:
        return max(seen - delay_frames, 0.0)

    for state in network_states(network):
        if state.role == "clock":
            continue  # One for the pools stands beside them.
        value = np.asarray(states[state.node])
        if state.role == "buffer":
            values[f"{state.name}_stream_buffer"] = value
        elif layout is StateLayout.FRAMES:
            if state.role == "pool":
                values[f"{state.name}_pool_mean"] = value
                # A stream with a horizon holds it there.
                counted = counted_frames(state.delay_frames)
                held = counted if horizon is None else min(counted, horizon)
                values[clock_name(state.delay_frames)] = np.array([held])
        elif state.role == "pool":
            values[f"{state.name}_pool_buffer"] = value * seen
            values[f"{state.name}_pool_frame_count"] = np.array([seen])
    for node in network.nodes:
        if isinstance(node.layer, WindowMean) and node.layer.frames > 1:
            frames, delay = node.layer.frames, node.delay_frames
            seen_of_window = min(counted_frames(delay), frames)
            values[f"{window_name(frames, delay)}_count"] = np.array([seen_of_window])
        if isinstance(node.layer, PositionalEncoding):
            own = f"{node.state or node.name}_pos_enc_frame_count"
            position = position_name(node.delay_frames)
            index = np.array([counted_frames(node.delay_frames)])
            values[position if layout is StateLayout.FRAMES else own] = index
    return values


def _meaning(state: State, stored: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
    """What the stored numbers of a state stand for."""
    if stored.dtype != np.int8:
        return stored
    meaning: npt.NDArray[np.float32] = stored.astype(np.float32) - np.float32(state.initial)
    meaning *= np.float32(state.scale)
    return meaning


def synthetic_frames(network: Network, count: int | None = None) -> list[npt.NDArray[np.uint8]]:
    """Frames of noise over moving gradients; by default as many as :func:`verified_frames` says."""
    generator = np.random.default_rng(0)
    height, width = network.image_size
    rows, columns = np.mgrid[0:height, 0:width]
    channels = image_of(network).channels

    def gradient(i: int, channel: int) -> npt.NDArray[np.int64]:
        kinds = (rows + 9 * i, columns - 5 * i, rows + columns + 7 * i)
        gradient: npt.NDArray[np.int64] = kinds[channel % 3] + 31 * (channel // 3)
        return gradient

    gradients = (
        np.stack([gradient(i, channel) for channel in range(channels)], axis=-1)
        for i in range(verified_frames(network) if count is None else count)
    )
    return [
        ((gradient + generator.integers(0, 96, gradient.shape)) % 256).astype(np.uint8)
        for gradient in gradients
    ]


def _reference(
    network: Network, weights: Weights, frames: Sequence[npt.NDArray[np.uint8]]
) -> list[tuple[npt.NDArray[np.float32], dict[str, Tensor]]]:
    """The network's logits and states after each frame."""
    after_frames = []
    states: dict[str, Tensor] | None = None
    for frame in frames:
        images = seen(frame[None, None], image_of(network))
        logits, states = run_clip(network, weights, images, states)
        after_frames.append((logits.numpy()[0, 0], states))
    return after_frames
