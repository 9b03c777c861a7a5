"""The manifest: everything that a runtime in any language needs to stream a model file.

It is JSON, kept inside the .tflite file as the metadata entry ``movistream.manifest`` and
described field by field in ``docs/manifest.md``; ``manifest.schema.json`` beside this module is
generated from the classes below. Tensors are named as in the file's signature, never by index.
"""

from __future__ import annotations

import hashlib
import inspect
import mmap
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from movistream.errors import ModelError

METADATA_NAME = "movistream.manifest"
SIGNATURE_KEY = "serving_default"

_EMPTY_DIGEST = "0" * 64

Positive = Annotated[int, Meta(gt=0, le=2**31 - 1)]
MOST_FRAMES_PER_SECOND = 1000

Name = Annotated[str, Meta(min_length=1, max_length=1000)]
Text = Annotated[str, Meta(max_length=1000)]
FramesPerSecond = Annotated[float, Meta(gt=0, le=MOST_FRAMES_PER_SECOND)]
Moderate = Annotated[float, Meta(ge=-1e6, le=1e6)]
Means = Annotated[tuple[Moderate, ...], Meta(min_length=1)]
Deviations = Annotated[tuple[Annotated[float, Meta(ge=1e-6, le=1e6)], ...], Meta(min_length=1)]
Scale = Annotated[float, Meta(ge=1e-15, le=1e15)]
Int8 = Annotated[int, Meta(ge=-128, le=127)]
Int32 = Annotated[int, Meta(ge=-(2**31), le=2**31 - 1)]
FrameCount = Annotated[int, Meta(ge=0, le=2**16)]
Shape = Annotated[tuple[Positive, ...], Meta(max_length=6)]
DType = Literal["float32", "float16", "int8", "uint8", "int16", "int32", "int64"]
Activation = Literal["softmax", "sigmoid"]
Enter = Annotated[float, Meta(gt=0, le=1)]
Leave = Annotated[float, Meta(ge=0, le=1)]
MomentSeconds = Annotated[float, Meta(ge=0, le=3600)]


class ImageInput(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The tensor that takes a frame, and how a frame becomes it.

    A pixel value becomes a number of the value range, v; the network sees (v − mean) / std of its
    channel. Where ``dtype`` is ``int8`` and a scale is given, the tensor holds that number over
    the scale, rounded, plus the zero point; without a scale it holds the pixel value − 128.

    Attributes:
        tensor: the name of the tensor in the signature.
        shape: (1, height, width, channels), or (1, 1, height, width, channels).
        dtype: the type of the tensor, ``float32`` or ``int8``.
        color_order: the order of three channels; null for any other number of them. One channel is
            grey, by the luma weights of BT.601.
        value_range: what the pixel values 0 and 255 become. It is -128 and 127 for int8 without a
            scale.
        fit: which part of a frame is used: the largest centred rectangle of the tensor's aspect
            ratio, not rounded to whole pixels.
        resize: how that part is brought to the tensor's size: by bilinear interpolation between
            pixel centres of the frame, in floating point, without antialiasing. For int8 the
            result is then rounded to the nearest number that the tensor can hold.
        frames_per_second: the rate at which the network was trained to see frames; null if
            unknown.
        mean: the number of each channel that is subtracted, in units of the value range; absent
            for zeros.
        std: the number of each channel that is then divided by, in units of the value range;
            absent for ones.
        scale: the scale of an int8 tensor, as the graph has it; absent where the tensor holds
            pixel values − 128.
        zero_point: the zero point of an int8 tensor, as the graph has it; absent for 0.
    """

    tensor: Name
    shape: Shape
    dtype: DType
    color_order: Literal["RGB"] | None = "RGB"
    value_range: tuple[Moderate, Moderate] = (0.0, 1.0)
    fit: Literal["center_crop"] = "center_crop"
    resize: Literal["bilinear"] = "bilinear"
    frames_per_second: FramesPerSecond | None = None
    mean: Means | UnsetType = UNSET
    std: Deviations | UnsetType = UNSET
    scale: Scale | UnsetType = UNSET
    zero_point: Int8 | UnsetType = UNSET

    @property
    def height(self) -> int:
        """The height of the image in pixels."""
        return self.shape[-3]

    @property
    def width(self) -> int:
        """The width of the image in pixels."""
        return self.shape[-2]

    @property
    def channels(self) -> int:
        """The number of channels of each pixel: 3 are red, green and blue, and 1 is grey."""
        return self.shape[-1]


class State(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Something that is carried from one step to the next.

    Attributes:
        name: the name of the state, which no other state of the file has.
        role: ``buffer`` holds past frames of activations, ``pool`` a running mean or sum,
            ``remainder`` what a mean has lost to rounding and still has to take (files that may
            be computed in float16), ``clock`` the count of frames that a mean divides by,
            ``position`` the count that a positional encoding takes.
        inputs: the tensors that hold it before a step, the oldest frame first.
        output: the tensor that the step returns.
        advance: ``replace``: the output becomes the one input. ``shift``: the oldest input is
            dropped, the others move one place, and the output becomes the newest. ``keep``: the
            input never changes, and the output is to be ignored (foreign files only).
        shape: the shape of each of these tensors.
        dtype: the type of each of these tensors.
        initial: the value of every element after a reset, as it is stored. A quantised zero is
            stored as its zero point.
        scale: what makes a number of a stored int8 element: (stored − initial) · scale. It is 1
            for other types.
        delay_frames: the number of frames until which the state stays as after a reset: the
            outputs of the first so many steps are to be ignored.
    """

    name: Name
    role: Literal["buffer", "pool", "remainder", "clock", "position"]
    inputs: Annotated[tuple[Name, ...], Meta(min_length=1)]
    output: Name
    advance: Literal["replace", "shift", "keep"]
    shape: Shape
    dtype: DType
    initial: Moderate = 0.0
    scale: Moderate = 1.0
    delay_frames: FrameCount = 0


class Logits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The tensor that holds a score for every class.

    Attributes:
        tensor: the name of the tensor in the signature.
        classes: the number of classes. The tensor has the shape (1, classes).
        dtype: the type of the tensor.
        scale: what makes a logit of a stored number: (stored − zero_point) · scale. It is 1 for
            float tensors.
        zero_point: the number that is stored for 0. It is 0 for float tensors.
        activation: what makes scores of logits: ``softmax`` where one class is right, ``sigmoid``
            of each logit where several may be at once, or none; absent for ``softmax``.
    """

    tensor: Name
    classes: Positive
    dtype: DType
    scale: Moderate = 1.0
    zero_point: Int32 = 0
    activation: Activation = "softmax"


class EventDefaults(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When something counts as seen, as it was chosen on validation videos.

    Attributes:
        enter: the score of each class at which an event begins.
        leave: the score of each class below which it ends, not above ``enter``.
        shortest_s: shorter events are not reported, in seconds.
        smoothing_s: scores are averaged over about so many seconds: each new one weighs
            1 − exp(−Δt / smoothing_s), Δt being the seconds since the last; 0 for no averaging.
    """

    enter: Annotated[tuple[Enter, ...], Meta(min_length=1)]
    leave: Annotated[tuple[Leave, ...], Meta(min_length=1)]
    shortest_s: MomentSeconds
    smoothing_s: MomentSeconds


class ProgramComparison(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How far the float32 step was from the program that its network was read from.

    Attributes:
        runner: what runs such programs: ``PyTorch`` or ``Keras``, with its version if it ran this
            one.
        frames: how many answers of the program were compared; 0 if it was not run.
        max_logit_error: the largest difference of a logit, as a share of the largest logit; 0 if
            the program was not run.
        not_run: why the program was not run, so that the file was compared with the network as it
            was read, and no more; empty if the program was run.
    """

    runner: Text
    frames: Annotated[int, Meta(ge=0, le=2**31 - 1)]
    max_logit_error: float
    not_run: Text = ""


class Verification(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How far the file was from its network when it was converted.

    Below float32, that network has the kernels that the file holds.

    Attributes:
        frames: how many frames were compared, the replay included.
        max_logit_error: the largest difference of a logit, as a share of the largest logit.
        max_state_error: the largest difference within a state, as a share of the largest value of
            that state.
        worst_state: the state with that difference.
        engine: the engine that ran the file.
        source_program: how its network was compared with the program that it was read from; absent
            where it was read from none.
    """

    frames: Positive
    max_logit_error: float
    max_state_error: float
    worst_state: str
    engine: str
    source_program: ProgramComparison | UnsetType = UNSET


class Provenance(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a file comes from.

    Attributes:
        source: the file name of what was converted.
        source_format: the kind of that file, such as ``model-garden``.
        converter: the name and version of the program that converted it.
        verification: how the file was compared with its network; null if that was skipped.
    """

    source: Text
    source_format: Text
    converter: Text
    verification: Verification | None = None


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All that is said about a model file.

    Attributes:
        schema_version: the version of this description, see :func:`schema_version_of`. Other
            versions are refused.
        name: the name of the network, such as ``movinet-a0-stream``.
        signature: the key of the signature that all names of tensors refer to.
        state_layout: ``frames``, ``model-garden``, or ``foreign`` for a file that carries no
            manifest and whose states were found by name.
        input: the tensor that takes a frame.
        logits: the tensor that holds the answer.
        states: what is carried from step to step.
        labels: the names of the classes, in the order of the logits; empty if unknown.
        quantization: the numbers that the file computes in: ``float32``, ``float16``, ``dynamic``
            or ``int8``.
        receptive_field_frames: how many frames the temporal convolutions see behind one output; 0
            if unknown.
        horizon_frames: the number of frames after which running means begin to forget, so that
            each new frame weighs 1 / horizon_frames. A runtime puts each clock back to
            horizon_frames − 1 before each step that comes horizon_frames or more after the clock's
            own delay. Null if all frames weigh the same.
        delay_frames: how many frames an answer is late: the logits after a frame are about the
            frame that was so many before it.
        warm_up_frames: how many answers at the start of a video say nothing yet.
        events: when something counts as seen, unless a user says otherwise; null if nobody chose
            that.
        network: the options of the network, by name.
        provenance: where the file comes from; null for a foreign file.
        digest: the SHA-256, in hexadecimal, of the whole file with these 64 digits set to ``0``;
            empty for a foreign file.
    """

    name: Name
    input: ImageInput
    logits: Logits
    states: tuple[State, ...]
    schema_version: Literal[1, 2, 3] = 1
    signature: Name = SIGNATURE_KEY
    state_layout: Literal["frames", "model-garden", "foreign"] = "frames"
    labels: tuple[Text, ...] = ()
    quantization: str = "float32"
    receptive_field_frames: int = 0
    horizon_frames: Positive | None = None
    delay_frames: FrameCount = 0
    warm_up_frames: FrameCount = 0
    events: EventDefaults | None = None
    network: dict[str, str | int | float | bool] = {}
    provenance: Provenance | None = None
    digest: str = ""

    def __repr__(self) -> str:
        return f"<Manifest of {self.name}: {self.logits.classes} classes>"


def schema_version_of(manifest: Manifest) -> Literal[1, 2, 3]:
    """The lowest version whose readers do with the file what its manifest says.

    Version 2 brought other numbers of channels than three, ``mean`` and ``std``, and ``scale`` and
    ``zero_point`` of the image; ``delay_frames`` and ``warm_up_frames``. Version 3 brought
    ``activation`` of the logits, ``events``, and ``source_program`` of the verification.
    """
    provenance = manifest.provenance
    verification = None if provenance is None else provenance.verification
    knows_program = verification is not None and verification.source_program is not UNSET
    if manifest.logits.activation != "softmax" or manifest.events is not None or knows_program:
        return 3
    image = manifest.input
    given = (image.mean, image.std, image.scale, image.zero_point)
    plain = image.channels == 3 and all(value is UNSET for value in given)
    late = [manifest.delay_frames, manifest.warm_up_frames]
    late += [state.delay_frames for state in manifest.states]
    return 1 if plain and not any(late) else 2


def problem_of_events(events: EventDefaults, classes: int) -> str | None:
    """What is wrong with when something counts as seen, of so many classes; None if nothing is."""
    for name, scores in (("enter", events.enter), ("leave", events.leave)):
        if len(scores) != classes:
            return f"has {len(scores)} scores to {name} events for {classes} classes"
    if any(leave > enter for enter, leave in zip(events.enter, events.leave, strict=True)):
        return "ends events above the score at which they begin"
    return None


def encode(manifest: Manifest) -> bytes:
    """The manifest as JSON, its digest left open for :func:`seal`."""
    fields = msgspec.to_builtins(msgspec.structs.replace(manifest, digest=_EMPTY_DIGEST))
    for part in (fields, *fields["states"]):
        for name in ("delay_frames", "warm_up_frames"):
            if not part.get(name):
                part.pop(name, None)  # Readers of version 1 know no such field.
    # Nor this one those of version 2.
    if manifest.logits.activation == "softmax":
        del fields["logits"]["activation"]
    if manifest.events is None:
        del fields["events"]
    return msgspec.json.encode(fields)


def decode(data: bytes) -> Manifest:
    """Reads a manifest and checks it against the schema.

    Raises:
        ModelError: if it is no JSON, or does not follow the schema of this version.
    """
    try:
        return msgspec.json.decode(data, type=Manifest)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ModelError(
            f"the file's manifest cannot be used: {error}. It may be damaged, or written by a newer"
            " version of movistream"
        ) from None


def digest_of(open_file: bytes) -> str:
    """What :func:`seal` puts into a model file that holds an open manifest."""
    return hashlib.sha256(open_file).hexdigest()


def seal(open_file: bytes) -> bytes:
    """Puts the digest into a model file that holds an open manifest."""
    position = _digest_position(open_file, _EMPTY_DIGEST.encode())
    digest = digest_of(open_file).encode()
    return open_file[:position] + digest + open_file[position + len(digest) :]


def digest_is_right(file: bytes | mmap.mmap, manifest: Manifest) -> bool:
    """Whether a file's bytes are those that its manifest was sealed with."""
    try:
        position = _digest_position(file, manifest.digest.encode())
    except ModelError:
        return False
    hasher = hashlib.sha256()
    with memoryview(file) as view:
        hasher.update(view[:position])
        hasher.update(_EMPTY_DIGEST.encode())
        hasher.update(view[position + len(_EMPTY_DIGEST) :])
    return hasher.hexdigest() == manifest.digest


def json_schema(document: type[msgspec.Struct] = Manifest) -> dict[str, Any]:
    """The JSON schema of a manifest, or of another document, described by its classes."""
    schema = msgspec.json.schema(document)
    for definition in schema["$defs"].values():
        definition["description"] = inspect.cleandoc(definition.get("description", ""))
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _digest_position(file: bytes | mmap.mmap, digest: bytes) -> int:
    key = b'"digest":"'
    position = file.rfind(key + digest + b'"}')
    if len(digest) != len(_EMPTY_DIGEST) or position < 0:
        raise ModelError("the file's manifest carries no digest: it is damaged")
    return position + len(key)
