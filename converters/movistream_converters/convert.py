"""From a checkpoint to a .tflite file that carries its states and its manifest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from enum import Enum
from pathlib import Path

from msgspec.structs import replace

import movistream
from movistream.labels import check_labels
from movistream.manifest import (
    METADATA_NAME,
    SIGNATURE_KEY,
    ImageInput,
    Logits,
    Manifest,
    Provenance,
    Verification,
    encode,
    seal,
)
from movistream_converters.errors import ConversionError
from movistream_converters.formats.model_garden import Checkpoint
from movistream_converters.layouts import StateLayout
from movistream_converters.lowering import StepGraph, lower
from movistream_converters.movinet import SqueezeExciteType
from movistream_converters.network import receptive_field_frames
from movistream_converters.output import check_output, replaced_when_done
from movistream_converters.passes import fold
from movistream_converters.precision import ERROR_LIMITS, Precision
from movistream_converters.verify import FRAMES, verify
from movistream_converters.weights import non_finite

Progress = Callable[[str, int, int], None]
"""Called with (stage, done, total) as work goes on."""


def _ignore_progress(_stage: str, _done: int, _total: int) -> None:
    """Nobody is watching."""


@dataclass(frozen=True)
class Conversion:
    """A file that was written.

    Attributes:
        path: of the file.
        size_bytes: of the file.
        manifest: that it carries.
    """

    path: Path
    size_bytes: int
    manifest: Manifest


def convert(
    checkpoint: Checkpoint,
    output: Path,
    *,
    source: str,
    labels: Sequence[str] = (),
    layout: StateLayout = StateLayout.FRAMES,
    precision: Precision = Precision.FLOAT32,
    verified: bool = True,
    progress: Progress = _ignore_progress,
) -> Conversion:
    """Lowers a network and writes it; the output appears only when it is whole and verified.

    The same checkpoint and options give the same bytes.

    Args:
        checkpoint: what a reader of :mod:`.formats` returned.
        output: path of the .tflite file; an existing file is replaced.
        source: name of what was read, kept in the manifest.
        labels: one per class, or none.
        layout: of the states.
        precision: of the weights.
        verified: whether to compare the file with the network before it appears.

    Raises:
        ConversionError: if the output cannot be written, or the file is not faithful.
        LabelsError: if the labels are not one per class.
    """
    if labels:
        check_labels(labels, checkpoint.options.num_classes)
    check_output(output)
    progress("lower", 0, 1)
    network, weights = fold(checkpoint.network, checkpoint.weights)
    if names := non_finite(weights):
        raise ConversionError(
            f"{source} has weights that cannot be folded: {names[0]} becomes infinite or NaN; a"
            " variance may be negative"
        )
    try:
        step = lower(network, weights, layout, precision)
    except OverflowError as error:
        raise ConversionError(f"{source} does not fit {precision.value}: {error}") from None
    provenance = Provenance(
        source=source,
        source_format="model-garden",
        converter=f"movistream {movistream.__version__}",
    )
    manifest = _manifest(checkpoint, step, layout, precision, tuple(labels), provenance)
    progress("lower", 1, 1)
    with replaced_when_done(output) as part:
        data = _pack(step, manifest)
        part.write_bytes(data)
        if verified:
            verification = _verify(part, checkpoint, layout, precision, progress)
            provenance = replace(provenance, verification=verification)
            manifest = replace(manifest, provenance=provenance)
            data = _pack(step, manifest)
            part.write_bytes(data)
    return Conversion(output, len(data), manifest)


def _pack(step: StepGraph, manifest: Manifest) -> bytes:
    return seal(step.graph.pack(manifest.signature, {METADATA_NAME: encode(manifest)}))


def _verify(
    part: Path,
    checkpoint: Checkpoint,
    layout: StateLayout,
    precision: Precision,
    progress: Progress,
) -> Verification:
    done = 0

    def on_frame() -> None:
        nonlocal done
        done += 1
        progress("verify", done, 2 * FRAMES)

    progress("verify", 0, 2 * FRAMES)
    verification = verify(part, checkpoint.network, checkpoint.weights, layout, on_frame)
    error = max(verification.max_logit_error, verification.max_state_error)
    limit = ERROR_LIMITS[precision]
    if not error <= limit:
        raise ConversionError(
            f"the converted file is not faithful: logits differ by"
            f" {verification.max_logit_error:.1e} and state {verification.worst_state} by"
            f" {verification.max_state_error:.1e} of their largest value, more than"
            f" {limit:.0e}; nothing was written"
        )
    return verification


def _manifest(
    checkpoint: Checkpoint,
    step: StepGraph,
    layout: StateLayout,
    precision: Precision,
    labels: tuple[str, ...],
    provenance: Provenance,
) -> Manifest:
    options = checkpoint.options
    return Manifest(
        name=options.name,
        signature=SIGNATURE_KEY,
        state_layout=layout.value,
        input=ImageInput(
            tensor="image",
            shape=step.image.shape,
            dtype="float32",
            frames_per_second=options.frames_per_second,
        ),
        logits=Logits(tensor="logits", classes=options.num_classes, dtype="float32"),
        states=step.states,
        receptive_field_frames=receptive_field_frames(checkpoint.network),
        network={
            name: value.value if isinstance(value, Enum) else value
            for name, value in asdict(options).items()
            if name != "gating" or options.se_type is not SqueezeExciteType.NONE
        },
        labels=labels,
        quantization=precision.value,
        provenance=provenance,
    )
