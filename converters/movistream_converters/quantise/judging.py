"""Measures what a file with smaller numbers keeps of its network."""

from __future__ import annotations

from movistream_converters.ir.layers import Activation, Convolution
from movistream_converters.ir.network import Network, consumers
from movistream_converters.ir.weights import Weights
from movistream_converters.progress import Progress, counted
from movistream_converters.quantise.calibration import Calibration
from movistream_converters.quantise.fidelity import compare_steps, layer_signal_to_noise_db
from movistream_converters.quantise.report import QualityReport
from movistream_converters.quantise.stepping import (
    clip_logits,
    partitions,
    step_multiply_adds,
)
from movistream_converters.quantise.videos import Clip
from movistream_converters.tflite.layouts import StateLayout
from movistream_converters.tflite.lowering import StepGraph, lower, lower_layers
from movistream_converters.tflite.quantization import NOTHING_INT8


def judge(
    network: Network,
    weights: Weights,
    step: StepGraph,
    calibration: Calibration | None,
    held_out: tuple[Clip, ...],
    size_bytes: int,
    progress: Progress,
) -> QualityReport:
    """Judges the step as it stands in the default layout; others hold the same numbers."""
    reference = lower(network, weights, StateLayout.FRAMES)
    groups = {"calibration": calibration.clips if calibration else (), "held out": held_out}
    groups = {name: clips for name, clips in groups.items() if clips}
    clips = [clip for group in groups.values() for clip in group]
    on_clip = counted(progress, "judge", 1 + len(clips))
    fidelity = {
        name: compare_steps(clip_logits(reference, group), step, group)
        for name, group in groups.items()
    }
    on_clip()
    plan = NOTHING_INT8 if calibration is None else calibration.plan
    precision = step.graph.precision
    layers_db: dict[str, float] = {}
    if clips:
        hidden = _inside_activations(network)
        ratios = layer_signal_to_noise_db(
            lower_layers(network, weights, StateLayout.FRAMES),
            lower_layers(network, weights, StateLayout.FRAMES, precision, plan),
            clips,
            on_clip,
        )
        layers_db = {name: value for name, value in ratios.items() if name not in hidden}
    return QualityReport(
        precision=precision.value,
        size_bytes=size_bytes,
        partitions=partitions(step),
        multiply_adds_per_frame=step_multiply_adds(step),
        calibration_frames=calibration.frames if calibration else 0,
        stage_noise=calibration.stage_noise if calibration else {},
        float_stages=calibration.float_stages if calibration else (),
        float32_stages=calibration.float32_stages if calibration else (),
        fidelity=fidelity,
        layers_db=layers_db,
    )


def _inside_activations(network: Network) -> set[str]:
    """Convolutions that only an activation reads: what it cuts off is no loss."""
    readers = consumers(network)
    return {
        node.name
        for node in network.nodes
        if isinstance(node.layer, Convolution)
        and readers[node.name]
        and all(isinstance(reader.layer, Activation) for reader in readers[node.name])
    }
