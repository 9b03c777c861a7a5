"""From weights to a .tflite file that carries its states and its manifest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import replace as dataclass_replace
from pathlib import Path
from typing import get_args

import numpy as np
import numpy.typing as npt
from msgspec.structs import replace

import movistream
from movistream.file.labels import check_labels
from movistream.file.manifest import (
    METADATA_NAME,
    MOST_FRAMES_PER_SECOND,
    SIGNATURE_KEY,
    Activation,
    ImageInput,
    Logits,
    Manifest,
    ProgramComparison,
    Provenance,
    Verification,
    digest_of,
    encode,
    schema_version_of,
    seal,
)
from movistream.stream.trust import CONVERTED_HERE, remember
from movistream.system.output import check_output, replaced_when_done
from movistream.system.text import printable
from movistream_converters.errors import ConversionError, UnfaithfulError
from movistream_converters.formats.movinet_options import manifest_options
from movistream_converters.formats.source import Source, SourceProgram
from movistream_converters.ir import document
from movistream_converters.ir.network import (
    Network,
    classes_of,
    horizon_of,
    receptive_field_frames,
    warm_up_frames,
    weight_shapes,
    with_horizon,
)
from movistream_converters.ir.passes import fold
from movistream_converters.ir.weights import Weights, mismatch, non_finite
from movistream_converters.progress import Progress, counted, ignore_progress
from movistream_converters.quantise.calibration import (
    MOST_JUDGED_FRAMES,
    STAGE_NOISE_LIMIT,
    calibrate,
    judged_frames,
    spare_noisy,
)
from movistream_converters.quantise.judging import judge
from movistream_converters.quantise.plan import nominal_int8
from movistream_converters.quantise.report import QualityReport, write_report
from movistream_converters.quantise.stepping import clip_logits
from movistream_converters.quantise.videos import (
    Clip,
    Frame,
    Part,
    decodable,
    image_input,
    lasting,
    read_clips,
    videos_at,
)
from movistream_converters.reference.source_program import (
    compare_program,
    compared_frames,
    stream_of_file,
)
from movistream_converters.reference.stored_kernels import with_stored_kernels
from movistream_converters.reference.verification import (
    clip_error,
    synthetic_frames,
    verified_frames,
    verify,
)
from movistream_converters.tflite.layouts import StateLayout
from movistream_converters.tflite.lowering import StepGraph, lower
from movistream_converters.tflite.precision import ERROR_LIMITS, Precision
from movistream_converters.tflite.quantization import NOTHING_INT8

_EXAMPLE_CLIPS = 2
"""That the source program is given."""


@dataclass(frozen=True)
class Conversion:
    """A file that was written.

    Attributes:
        path: of the file.
        size_bytes: of the file.
        manifest: that it carries.
        report: what a precision below float32 costs; None for float32.
        report_paths: of the report's JSON and, where clips were judged, its picture.
        skipped_videos: what is wrong with each video that could not be decoded.
    """

    path: Path
    size_bytes: int
    manifest: Manifest
    report: QualityReport | None = None
    report_paths: tuple[Path, ...] = ()
    skipped_videos: tuple[str, ...] = ()


def convert_source(
    source: Source,
    output: Path | str,
    *,
    labels: Sequence[str] = (),
    layout: StateLayout = StateLayout.FRAMES,
    precision: Precision | str = Precision.FLOAT32,
    calibration_videos: Sequence[Path | Part | str] = (),
    held_out_videos: Sequence[Path | Part | str] = (),
    stage_noise_limit: float | None = None,
    least_cosine: float | None = None,
    horizon_s: float | None = None,
    verified: bool = True,
    progress: Progress = ignore_progress,
) -> Conversion:
    """Lowers a network and writes it; the output appears only when it is whole and verified.

    The same source, videos and options give the same bytes. A precision below float32 gets a
    report beside the file: ``NAME.report.json`` and, with videos, ``NAME.report.png``.

    Args:
        source: what a reader of :mod:`.formats` returned, or one's own network with its weights.
        output: path of the .tflite file; an existing file is replaced.
        labels: one per class; by default those of the source, if it has any.
        layout: of the states.
        precision: of the weights, and of what is computed with them: ``float32``, ``float16``,
            ``dynamic`` or ``int8``.
        calibration_videos: what int8 takes its ranges from, files or folders; for int8 alone.
        held_out_videos: what the report judges the file on besides.
        stage_noise_limit: a stage that takes more than this from the mean cosine of the logits,
            when it is int8, stays float; with 1, none does. None: 0.0015. For int8 alone.
        least_cosine: refuse a file whose logits have a lower mean cosine with those of float32, on
            the held-out videos or else those of the calibration.
        horizon_s: seconds after which running means forget, in the runtime's streams by default;
            None for as the network was trained, which mostly is never. For the layout ``frames``.
        verified: whether to compare the file with the network before it appears, and its float32
            step with the program that the network was read from, if the source has one.

    Raises:
        ConversionError: if the output cannot be written, the file is not faithful, or int8 has no
            videos to be calibrated on.
        LabelsError: if the labels are not one per class.
        VideoError: if no video of those for a purpose can be decoded; some that cannot are skipped.
    """
    if precision not in set(Precision):
        known = ", ".join(Precision)
        raise ConversionError(f"there is no precision {precision!r}; there are {known}")
    precision, output = Precision(precision), Path(output)
    calibration_videos, held_out_videos = _videos(calibration_videos), _videos(held_out_videos)
    labels = tuple(labels) or source.labels
    source = dataclass_replace(source, name=source.name or source.network.name)
    if labels:
        check_labels(labels, classes_of(source.network))
    check_output(output)
    _check_precision(
        precision, calibration_videos, held_out_videos, stage_noise_limit, least_cosine
    )
    source = _with_horizon(source, horizon_s, layout)
    network, weights = fold(source.network, source.weights)
    if names := non_finite(weights):
        raise ConversionError(
            f"{source.name} has weights that cannot be folded: {names[0]} becomes infinite or NaN;"
            " a variance may be negative"
        )
    calibration_videos, undecodable = decodable(calibration_videos)
    held_out_videos, others = decodable(held_out_videos)
    calibration = None
    image = image_input(source.network, source.frames_per_second)
    if precision is Precision.INT8:
        limit = STAGE_NOISE_LIMIT if stage_noise_limit is None else stage_noise_limit
        calibration = calibrate(network, weights, calibration_videos, image, progress, limit)
    elif precision is Precision.DYNAMIC:
        calibration = spare_noisy(network, weights, np.stack(synthetic_frames(network)))
    progress("lower", 0, 1)
    plan = NOTHING_INT8 if calibration is None else calibration.plan
    try:
        step = lower(network, weights, layout, precision, plan)
    except OverflowError as error:
        raise ConversionError(f"{source.name} does not fit {precision.value}: {error}") from None
    except ValueError as error:
        raise ConversionError(f"{source.name} cannot be lowered: {error}") from None
    provenance = Provenance(
        source=source.name,
        source_format=source.format,
        converter=f"movistream {movistream.__version__}",
    )
    manifest = _manifest(source, step, layout, precision, labels, provenance)
    progress("lower", 1, 1)
    held_out: tuple[Clip, ...] = ()
    if precision is not Precision.FLOAT32:
        held_out = _clips(held_out_videos, source.network, image, progress)
    report: QualityReport | None = None
    report_paths: tuple[Path, ...] = ()
    verification: Verification | None = None
    with replaced_when_done(output) as part:
        if verified:
            part.write_bytes(seal(_pack(step, manifest, source.network)))
            frames = (
                list(calibration.clips[0].frames[: verified_frames(network)])
                if calibration and calibration.clips
                else None
            )
            folded = (network, weights)
            verification = _verify(part, source, folded, layout, precision, frames, progress)
            if source.program is not None:
                examples = (calibration.clips if calibration else held_out)[:_EXAMPLE_CLIPS]
                compared = _compare_program(
                    part, source, source.program, precision, examples, progress
                )
                verification = replace(verification, source_program=compared)
            provenance = replace(provenance, verification=verification)
            manifest = replace(manifest, provenance=provenance)
            manifest = replace(manifest, schema_version=schema_version_of(manifest))
        packed = _pack(step, manifest, source.network)
        data = seal(packed)
        part.write_bytes(data)
        if precision is not Precision.FLOAT32:
            report = judge(network, weights, step, calibration, held_out, len(data), progress)
            report = dataclass_replace(report, verification=verification)
            _check_cosine(report, least_cosine)
            report_paths = write_report(report, output)
    remember(digest_of(packed), CONVERTED_HERE)
    skipped = (*undecodable, *others)
    return Conversion(output, len(data), manifest, report, report_paths, skipped)


def convert(
    network: Network,
    weights: Weights,
    output: Path | str,
    *,
    labels: Sequence[str] = (),
    frames_per_second: float | None = None,
    activation_of_scores: Activation = "softmax",
    precision: Precision | str = Precision.FLOAT32,
    calibration_videos: Sequence[Path | str] = (),
    held_out_videos: Sequence[Path | str] = (),
    horizon_s: float | None = None,
    progress: Progress = ignore_progress,
) -> Conversion:
    """Writes a network of one's own as a .tflite file, verified frame by frame.

    As :func:`convert_source` does it, which says what the file, its report and the errors are. What
    a reader returned is better given to that, which compares it with the program that it was.

    Args:
        network: causal, as a :class:`.ir.builder.NetworkBuilder` builds it.
        weights: finite numbers by the names, and of the shapes, that
            :func:`.ir.network.weight_shapes` gives; they are kept as float32.
        output: path of the file; an existing one is replaced.
        labels: one per class, or none.
        frames_per_second: that the network was trained to see; None: every frame.
        activation_of_scores: ``sigmoid`` where several classes may be at once, or none; ``softmax``
            where one is right.
        precision: ``float32``, ``float16``, ``dynamic`` or ``int8``.
        calibration_videos: files, or folders of them, that int8 takes its ranges from.
        held_out_videos: what the report judges the file on besides.
        horizon_s: seconds after which running means forget; None: as the network says.
        progress: is told how far the conversion is.

    Raises:
        ConversionError: if the weights are not the network's, or the file cannot be made from it.
        LabelsError: if the labels are not one per class.
        VideoError: if a video cannot be read.
    """
    shapes = {name: np.shape(value) for name, value in weights.items()}
    if others := [name for name, value in weights.items() if np.asarray(value).dtype.kind != "f"]:
        raise ConversionError(f"the weights {printable(others[0])} are no floating-point numbers")
    if wrong := mismatch(weight_shapes(network), shapes):
        raise ConversionError(
            f"the weights do not fit {printable(network.name)}:\n{wrong.describe()}"
        )
    if frames_per_second is not None and not 0 < frames_per_second <= MOST_FRAMES_PER_SECOND:
        raise ConversionError(
            f"{frames_per_second} frames per second are none of a network; a rate is above 0 and at"
            f" most {MOST_FRAMES_PER_SECOND}"
        )
    with np.errstate(over="ignore"):
        kept = {name: np.asarray(value, np.float32) for name, value in weights.items()}
    if names := non_finite(kept):
        raise ConversionError(f"{printable(names[0])} has weights that are no finite numbers")
    if activation_of_scores not in get_args(Activation):
        raise ConversionError(
            f"scores are made of logits by {' or '.join(get_args(Activation))}, not"
            f" {activation_of_scores!r}"
        )
    source = Source(
        network,
        kept,
        labels=tuple(labels),
        frames_per_second=frames_per_second,
        activation=activation_of_scores,
    )
    return convert_source(
        source,
        output,
        precision=precision,
        calibration_videos=calibration_videos,
        held_out_videos=held_out_videos,
        horizon_s=horizon_s,
        progress=progress,
    )


def nominal_int8_file(source: Source, weights: Weights) -> bytes:
    """An int8 file that has seen no video, to be measured and not to be asked.

    It has the operators, the shapes and the size of what :func:`convert_source` would write, if
    calibration left no stage float.

    Args:
        source: its weights are not looked at.
        weights: in their place; those of :func:`.ir.weights.random_weights`.
    """
    network, folded = fold(source.network, weights)
    layout, precision = StateLayout.FRAMES, Precision.INT8
    step = lower(network, folded, layout, precision, nominal_int8(network))
    provenance = Provenance(
        source="", source_format="", converter=f"movistream {movistream.__version__}"
    )
    manifest = _manifest(source, step, layout, precision, (), provenance)
    return seal(_pack(step, manifest, source.network))


def _videos(given: Sequence[Path | Part | str]) -> tuple[Path | Part, ...]:
    found: list[Path | Part] = []
    for video in given:
        found += [video] if isinstance(video, Part) else videos_at(Path(video))
    return tuple(found)


def _with_horizon(source: Source, horizon_s: float | None, layout: StateLayout) -> Source:
    """The source, its means made to forget as wished; by default as it was trained."""
    frames = horizon_of(source.network)
    if horizon_s is not None:
        if source.frames_per_second is None:
            raise ConversionError(
                f"{source.name} does not say at what rate it sees frames, so a horizon in seconds"
                " means nothing to it"
            )
        frames = max(1, round(horizon_s * source.frames_per_second))
    if frames is not None and layout is not StateLayout.FRAMES:
        raise ConversionError(
            "only files of the state layout 'frames' can have a horizon"
            + ("" if horizon_s is not None else f", and {source.name} was trained with one")
        )
    return dataclass_replace(source, network=with_horizon(source.network, frames))


def _check_precision(
    precision: Precision,
    calibration: tuple[Path | Part, ...],
    held_out: tuple[Path | Part, ...],
    stage_noise_limit: float | None,
    least_cosine: float | None,
) -> None:
    if precision is Precision.INT8 and not calibration:
        raise ConversionError(
            "int8 needs videos to take its ranges from, like those that the model will see: name a"
            " file or a folder with --calibrate. A few short ones are enough to begin with; dynamic"
            " needs none"
        )
    if precision is not Precision.INT8 and calibration:
        raise ConversionError(
            f"{precision.value} is not calibrated: --calibrate goes with --precision int8; judge"
            " any precision on videos with --held-out"
        )
    if precision is not Precision.INT8 and stage_noise_limit is not None:
        raise ConversionError(f"{precision.value} has no stages in int8: --stage-noise is for int8")
    if precision is Precision.FLOAT32 and (held_out or least_cosine is not None):
        raise ConversionError("float32 is what other precisions are judged against")
    if least_cosine is not None and not (calibration or held_out):
        raise ConversionError("a cosine needs videos to be measured on: name some with --held-out")


def _clips(
    videos: tuple[Path | Part, ...], network: Network, image: ImageInput, progress: Progress
) -> tuple[Clip, ...]:
    if not videos:
        return ()
    on_clip = counted(progress, "decode", len(videos))
    return read_clips(videos, image, MOST_JUDGED_FRAMES, on_clip, judged_frames(network))


def _check_cosine(report: QualityReport, least_cosine: float | None) -> None:
    if least_cosine is None or report.judged is None:
        return
    if not report.judged.mean_cosine >= least_cosine:
        worst = ", ".join(name for name, _ in report.worst_layers)
        advice = (
            "; calibrate on more videos like those that the model will see, or take dynamic"
            if report.precision == Precision.INT8.value
            else ""
        )
        raise ConversionError(
            f"the mean cosine with float32 is {report.judged.mean_cosine:.6f}, below"
            f" {least_cosine:g}; nothing was written. The noisiest layers are {worst}{advice}"
        )


def _pack(step: StepGraph, manifest: Manifest, network: Network) -> bytes:
    """The file, its manifest still open, with the network that can be read back from it."""
    entries = {
        document.METADATA_NAME: document.encode_network(network),
        METADATA_NAME: encode(manifest),
    }
    return step.graph.pack(manifest.signature, entries)


def _verify(
    part: Path,
    source: Source,
    folded: tuple[Network, Weights],
    layout: StateLayout,
    precision: Precision,
    frames: Sequence[Frame] | None,
    progress: Progress,
) -> Verification:
    network, weights = source.network, source.weights
    frames = synthetic_frames(network) if frames is None else frames
    if precision is not Precision.FLOAT32:
        error = clip_error((network, weights), folded, frames)
        if not error <= ERROR_LIMITS[Precision.FLOAT32].logits:
            raise UnfaithfulError(
                f"folded, the network's logits differ by {error:.1e} of their largest value"
            )
        network, weights = folded[0], with_stored_kernels(part, *folded, precision)
    on_frame = counted(progress, "verify", 2 * len(frames))
    verification = verify(part, network, weights, layout, frames, on_frame)
    limits = ERROR_LIMITS[precision]
    logits, states = verification.max_logit_error, verification.max_state_error
    if not (logits <= limits.logits and states <= limits.states):
        raise UnfaithfulError(
            f"logits differ by {logits:.1e} and state {verification.worst_state} by {states:.1e} of"
            " their largest value"
        )
    return verification


def _compare_program(
    part: Path,
    source: Source,
    program: SourceProgram,
    precision: Precision,
    examples: Sequence[Clip],
    progress: Progress,
) -> ProgramComparison:
    """How far the float32 step is from the program: the file, or what smaller numbers stand for."""
    count = compared_frames(program, source.network)
    clips = [np.stack(list(lasting(clip.frames, count))[:count]) for clip in examples]
    clips = clips or [np.stack(synthetic_frames(source.network, count))]
    if precision is Precision.FLOAT32:
        stream = stream_of_file(part)
    else:
        step = lower(*fold(with_horizon(source.network, None), source.weights), StateLayout.FRAMES)

        def stream(frames: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
            return clip_logits(step, [Clip("", frames)])[0]

    progress("program", 0, 1)
    compared = compare_program(program, source.network, clips, stream)
    progress("program", 1, 1)
    return compared


def _manifest(
    source: Source,
    step: StepGraph,
    layout: StateLayout,
    precision: Precision,
    labels: tuple[str, ...],
    provenance: Provenance,
) -> Manifest:
    classes = classes_of(source.network)
    manifest = Manifest(
        name=source.network.name,
        signature=SIGNATURE_KEY,
        state_layout=layout.value,
        input=replace(step.image, frames_per_second=source.frames_per_second),
        logits=Logits("logits", classes, "float32", activation=source.activation),
        states=step.states,
        receptive_field_frames=receptive_field_frames(source.network),
        network=manifest_options(source),
        horizon_frames=horizon_of(source.network),
        delay_frames=source.network.delay_frames,
        warm_up_frames=warm_up_frames(source.network),
        labels=labels,
        quantization=precision.value,
        events=source.events,
        provenance=provenance,
    )
    return replace(manifest, schema_version=schema_version_of(manifest))
