"""Finds the int8 plan of a network from videos: ranges first, then what is better left float."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from movistream.file.manifest import ImageInput
from movistream_converters.ir.network import Network, temporal_convolutions, warm_up_frames
from movistream_converters.ir.tags import stage_of
from movistream_converters.ir.weights import Weights
from movistream_converters.progress import Progress
from movistream_converters.quantise.fidelity import compare_steps
from movistream_converters.quantise.observation import observe
from movistream_converters.quantise.plan import int8_stages, plan_int8
from movistream_converters.quantise.stepping import clip_logits
from movistream_converters.quantise.videos import Clip, Part, lasting, read_clips, read_frames
from movistream_converters.tflite.layouts import StateLayout
from movistream_converters.tflite.lowering import lower
from movistream_converters.tflite.precision import Precision
from movistream_converters.tflite.quantization import QuantizationPlan

MOST_JUDGED_FRAMES = 240
"""Frames that a decision or a report looks at; ranges are taken from every frame."""

STAGE_NOISE_LIMIT = 0.0015
"""A stage that takes more than this from the mean cosine of the logits stays float, by default."""

BASE_NOISE_LIMIT = 0.01
"""States in int8 and kernels in int4 that take more than this, no stage being int8, stay float and
int8. On two videos they took 0.0001 to 0.0017 from five MoViNets, and 0.093 from an untrained X3D.
"""

LOST_COSINE_LIMIT = 0.006
"""A step that takes more than this from the mean cosine in all gets stages of which nothing is
int8, the noisiest first, by default. Kernels in int8 alone take 0.05 from an untrained MobileNetV2.
"""

UNSEEN_LOST_COSINE_LIMIT = 0.002
"""The same of a dynamic step, which sees no videos: of frames that are made up, which show a third
of what videos do."""

STATES, INT4_KERNELS = "states", "int4 kernels"
_LEFT_OUT: tuple[tuple[str, ...], ...] = ((), (INT4_KERNELS,), (STATES,), (STATES, INT4_KERNELS))


@dataclass(frozen=True)
class Calibration:
    """What videos said.

    Attributes:
        plan: of the int8 or dynamic step.
        clips: the first frames of the videos; of a dynamic step, none.
        frames: seen.
        stage_noise: what each stage takes from the mean cosine of the logits when it is int8; of
            states and int4 kernels that were left out, what all of them take.
        float_stages: those that stay float for it; and ``states`` or ``int4 kernels``, if these are
            no such numbers.
    """

    plan: QuantizationPlan
    clips: tuple[Clip, ...]
    frames: int
    stage_noise: Mapping[str, float]
    float_stages: tuple[str, ...]
    float32_stages: tuple[str, ...] = ()


def judged_frames(network: Network) -> int:
    """How long a video is at least, so that half of what a network says to it means something."""
    return max(1, 2 * warm_up_frames(network))


def calibrate(
    network: Network,
    weights: Weights,
    videos: tuple[Path | Part, ...],
    image: ImageInput,
    progress: Progress,
    stage_noise_limit: float = STAGE_NOISE_LIMIT,
) -> Calibration:
    """Streams the videos through the float32 step, and tries each stage in int8.

    Args:
        stage_noise_limit: a stage that takes more than this from the mean cosine of the logits
            stays float; with 1, none does, nor do states.

    Raises:
        VideoError: if a video cannot be read.
    """
    frames = 0

    def on_frame() -> None:
        nonlocal frames
        frames += 1
        if frames % len(videos) == 0:
            progress("calibrate", frames, 0)

    progress("calibrate", 0, 0)
    least = judged_frames(network)
    streamed = (lasting(read_frames(video, image), least) for video in videos)
    observed = observe(network, weights, streamed, on_frame)
    clips = read_clips(videos, image, MOST_JUDGED_FRAMES, least_frames=least)
    stages = int8_stages(network)
    reference = clip_logits(lower(network, weights, StateLayout.FRAMES), clips)

    def lost_cosine(plan: QuantizationPlan) -> float:
        step = lower(network, weights, StateLayout.FRAMES, Precision.INT8, plan)
        return 1.0 - compare_steps(reference, step, clips).mean_cosine

    def planned(computed: Iterable[str], left_out: tuple[str, ...]) -> QuantizationPlan:
        nodes = frozenset().union(*(stages[stage] for stage in computed))
        return without(network, plan_int8(network, observed, nodes), left_out)

    progress("choose", 0, len(stages))
    base: dict[tuple[str, ...], float] = {}
    for left_out in _LEFT_OUT:
        base[left_out] = lost_cosine(planned((), left_out))
        if base[left_out] <= max(BASE_NOISE_LIMIT, stage_noise_limit):
            break
    left_out = min(base, key=lambda parts: base[parts])
    noise = {}
    for done, stage in enumerate(stages, start=1):
        noise[stage] = lost_cosine(planned((stage,), left_out)) - base[left_out]
        progress("choose", done, len(stages))
    chosen = [stage for stage in stages if noise[stage] <= stage_noise_limit]

    def with_float32(whole: Sequence[str]) -> QuantizationPlan:
        plan = planned((stage for stage in chosen if stage not in whole), left_out)
        return in_float32(network, plan, frozenset(whole))

    limit = max(LOST_COSINE_LIMIT, stage_noise_limit)
    float32_stages = _noisiest(noise, limit, lambda whole: lost_cosine(with_float32(whole)))
    float_stages = [stage for stage in stages if stage not in chosen or stage in float32_stages]
    noise.update(dict.fromkeys(left_out, base[()]))
    return Calibration(
        with_float32(float32_stages),
        clips,
        frames,
        noise,
        (*float_stages, *left_out),
        float32_stages,
    )


def spare_noisy(network: Network, weights: Weights, frames: npt.NDArray[np.uint8]) -> Calibration:
    """The plan of a dynamic step: whose kernels stay float32 because it magnifies their noise.

    Most networks need none.

    Args:
        frames: uint8 (frames, height, width, channels) that the step is tried on, made up.
    """
    clips = (Clip("", frames),)
    reference = clip_logits(lower(network, weights, StateLayout.FRAMES), clips)
    stages = tuple(dict.fromkeys(stage_of(node) for node in network.nodes))

    def planned(whole: Iterable[str]) -> QuantizationPlan:
        return in_float32(network, QuantizationPlan(), frozenset(whole))

    def lost_cosine(whole: Iterable[str]) -> float:
        step = lower(network, weights, StateLayout.FRAMES, Precision.DYNAMIC, planned(whole))
        return 1.0 - compare_steps(reference, step, clips).mean_cosine

    if lost_cosine(()) <= UNSEEN_LOST_COSINE_LIMIT:
        return Calibration(planned(()), (), 0, {}, ())
    noise = {stage: lost_cosine(other for other in stages if other != stage) for stage in stages}
    whole = _noisiest(noise, UNSEEN_LOST_COSINE_LIMIT, lost_cosine)
    return Calibration(planned(whole), (), 0, noise, whole, whole)


def _noisiest(
    noise: Mapping[str, float], limit: float, lost: Callable[[Sequence[str]], float]
) -> tuple[str, ...]:
    """The fewest stages without whose noise a step loses no more than a limit, in their order."""
    by_noise = sorted(noise, key=lambda stage: -noise[stage])
    count = first_within(limit, len(by_noise), lambda count: lost(by_noise[:count]))
    return tuple(stage for stage in noise if stage in by_noise[:count])


def first_within(limit: float, most: int, lost: Callable[[int], float]) -> int:
    """The smallest number up to `most` that loses no more than a limit, or else `most`.

    Args:
        lost: by each number, and less the larger it is; asked for few of them.
    """
    if lost(0) <= limit:
        return 0
    return bisect_left(range(most), True, lo=1, key=lambda count: lost(count) <= limit)


def in_float32(
    network: Network, plan: QuantizationPlan, stages: frozenset[str]
) -> QuantizationPlan:
    """A plan in which nothing of some stages is int8: no operators, kernels or states."""
    nodes = frozenset(node.name for node in network.nodes if stage_of(node) in stages)
    kernels = [node for node, _ in temporal_convolutions(network)]
    own = {node.inputs[0] for node in kernels if node.name in nodes}
    others = {node.inputs[0] for node in kernels if node.name not in nodes}
    return replace(
        plan,
        computed=plan.computed - nodes,
        stored=plan.stored - (own - others),
        int4_kernels=plan.int4_kernels - nodes,
        float_kernels=nodes,
    )


def without(
    network: Network, plan: QuantizationPlan, left_out: tuple[str, ...]
) -> QuantizationPlan:
    """A plan without int8 states, or without int4 kernels, which then are int8.

    Args:
        left_out: some of :data:`STATES` and :data:`INT4_KERNELS`.
    """
    if INT4_KERNELS in left_out:
        plan = replace(plan, int4_kernels=frozenset())
    if STATES in left_out:
        # A temporal kernel is int8 over int8 states alone.
        kernels = {node.name for node, _ in temporal_convolutions(network)}
        plan = replace(plan, stored=frozenset(), computed=plan.computed - kernels)
    return plan
