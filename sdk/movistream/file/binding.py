"""Ties a manifest to the tensors of a file, or writes one for a file that carries none."""

from __future__ import annotations

from pathlib import Path
from typing import cast, get_args

import numpy as np
from msgspec import UNSET

from movistream.errors import ModelError
from movistream.file.flatbuffer import Bytes
from movistream.file.graph import Graph, ModelFile, Signature, Tensor
from movistream.file.manifest import (
    METADATA_NAME,
    DType,
    ImageInput,
    Logits,
    Manifest,
    State,
    decode,
    digest_is_right,
    problem_of_events,
    schema_version_of,
)
from movistream.file.published import published_rate
from movistream.system.text import has_control_characters

_MOST_PIXELS = 2**22
"""Of a network's image, such as 2048 x 2048; it is held several times on its way into an engine."""
_MOST_NUMBERS = 3 * _MOST_PIXELS
"""Of all channels of an image."""
_LARGEST_MANIFEST_BYTES = 2**22
_OTHER_QUANTIZATION = "state {!r} comes out with another quantisation than it goes in with"


def bind(file: ModelFile, data: Bytes, name: str) -> Manifest:
    """The manifest of a file, checked against its graph.

    Args:
        file: what :func:`.graph.read_model_file` read from data.
        data: the file's bytes.
        name: the file's path, for messages, and for the name of a model without manifest.

    Raises:
        ModelError: if the file is damaged, its manifest does not fit its graph, or it is not a
            stream model.
    """
    if METADATA_NAME not in file.metadata:
        return foreign_manifest(file, name)
    try:
        start, size = file.metadata[METADATA_NAME]
        if size > _LARGEST_MANIFEST_BYTES:
            raise ModelError(f"its manifest has {size} bytes, so it is damaged")
        manifest = decode(bytes(data[start : start + size]))
        if not digest_is_right(data, manifest):
            raise ModelError(
                "its content has changed since it was converted, so it is damaged; copy or convert"
                " it again"
            )
        _check_fit(manifest, file)
    except ModelError as error:
        raise ModelError(f"{name}: {error}") from None
    return manifest


def foreign_manifest(file: ModelFile, name: str) -> Manifest:
    """Describes a file without a manifest, such as the published MoViNet stream files.

    A state is an input that has an output of the same name, shape and dtype; the image and the
    logits are what is left. The frame rate is that of the network that has these states, if it is a
    published one.

    Raises:
        ModelError: if the file has no signature or does not follow this pattern.
    """
    if not file.signatures:
        raise ModelError(
            f"{name} has neither a movistream manifest nor a signature, so its states cannot be"
            " told apart; convert the network's checkpoint instead"
        )
    reasons: list[str] = []
    for signature in file.signatures.values():
        try:
            return _manifest_of_signature(signature, name)
        except ModelError as error:
            reasons.append(f"signature {signature.key!r}: {error}")
    raise ModelError(f"{name} is not a stream model: {'; '.join(reasons)}")


def quantization_of(graph: Graph) -> str:
    """``int8``, ``dynamic`` (int8 weights, float activations), ``float16`` or ``float32``."""
    convolutions = [
        operator
        for operator in graph.operators
        if operator.name in ("CONV_2D", "FULLY_CONNECTED", "DEPTHWISE_CONV_2D")
    ]
    operands = [tuple(graph.tensors[i].dtype for i in op.inputs[:2]) for op in convolutions]
    if any(dtypes == ("int8", "int8") for dtypes in operands):
        return "int8"
    if any(dtypes == ("float32", "int8") for dtypes in operands):
        return "dynamic"
    if any(tensor.constant and tensor.dtype == "float16" for tensor in graph.tensors):
        return "float16"
    return "float32"


def _manifest_of_signature(signature: Signature, name: str) -> Manifest:
    carried = [tensor for tensor in signature.inputs if tensor in signature.outputs]
    if not carried:
        raise ModelError("none of its inputs comes back as an output, so nothing is remembered")
    states = tuple(_foreign_state(signature, tensor) for tensor in carried)
    image = _only(signature.inputs.keys() - set(carried), "input", "the image")
    logits = _only(signature.outputs.keys() - set(carried), "output", "the logits")
    image_tensor, logits_tensor = signature.inputs[image], signature.outputs[logits]
    shape = image_tensor.shape
    if not _is_one_frame(shape) or image_tensor.dtype != "float32":
        raise ModelError(
            f"its image input {image!r} is {image_tensor.dtype} {list(shape)}, not one float32"
            " frame (1, height, width, channels) or (1, 1, height, width, channels)"
        )
    if len(logits_tensor.shape) != 2 or logits_tensor.shape[0] != 1:
        raise ModelError(f"its output {logits!r} has shape {list(logits_tensor.shape)}")
    quantization = logits_tensor.quantization
    if quantization and quantization.channels > 1:
        raise ModelError(f"its output {logits!r} is quantised per class")
    if logits_tensor.index in signature.graph.inputs:
        raise ModelError(f"its output {logits!r} is an input too")
    rate = published_rate(states)
    return Manifest(
        name=Path(name).stem,
        signature=signature.key,
        state_layout="foreign",
        input=ImageInput(
            tensor=image,
            shape=shape,
            dtype="float32",
            color_order="RGB" if shape[-1] == 3 else None,
            frames_per_second=rate.frames_per_second if rate else None,
        ),
        logits=Logits(
            tensor=logits,
            classes=logits_tensor.shape[1],
            dtype=_dtype(logits_tensor),
            scale=quantization.scale if quantization else 1.0,
            zero_point=_zero_point(logits_tensor),
        ),
        states=states,
        quantization=quantization_of(signature.graph),
        network={"recognised": rate.network} if rate else {},
    )


def _foreign_state(signature: Signature, name: str) -> State:
    before, after = signature.inputs[name], signature.outputs[name]
    if (before.shape, before.dtype) != (after.shape, after.dtype):
        raise ModelError(
            f"state {name!r} goes in as {before.dtype} {list(before.shape)} and comes out as"
            f" {after.dtype} {list(after.shape)}"
        )
    if before.quantization != after.quantization:
        raise ModelError(_OTHER_QUANTIZATION.format(name))
    passed_on = before.index == after.index
    if after.index in signature.graph.inputs and not passed_on:
        raise ModelError(f"its state {name!r} comes out of another input, unchanged")
    return State(
        name=name.removeprefix("state_"),
        role="clock" if "frame_count" in name else "pool" if "pool" in name else "buffer",
        inputs=(name,),
        output=name,
        advance="keep" if passed_on else "replace",
        shape=before.shape,
        dtype=_dtype(before),
        initial=float(_zero_point(before)),
        scale=before.quantization.scale if before.quantization else 1.0,
    )


def _check_fit(manifest: Manifest, file: ModelFile) -> None:
    signature = file.signatures.get(manifest.signature)
    if signature is None:
        raise ModelError(
            f"its manifest names the signature {manifest.signature!r}, which is not there"
        )
    _check_tensor(signature, "inputs", manifest.input.tensor, manifest.input)
    _check_tensor(signature, "outputs", manifest.logits.tensor, manifest.logits)
    if not _is_one_frame(manifest.input.shape):
        raise ModelError(f"its manifest gives the image the shape {list(manifest.input.shape)}")
    if signature.outputs[manifest.logits.tensor].index in signature.graph.inputs:
        raise ModelError(f"its output {manifest.logits.tensor!r} is an input too")
    inputs, outputs = [manifest.input.tensor], [manifest.logits.tensor]
    for state in manifest.states:
        for tensor in state.inputs:
            _check_tensor(signature, "inputs", tensor, state)
        _check_tensor(signature, "outputs", state.output, state)
        if state.advance != "shift" and len(state.inputs) != 1:
            raise ModelError(f"state {state.name!r} is not shifted but has several inputs")
        output = signature.outputs[state.output]
        if any(signature.inputs[t].quantization != output.quantization for t in state.inputs):
            raise ModelError(_OTHER_QUANTIZATION.format(state.name))
        if not _is_held(state.initial, state.dtype):
            raise ModelError(
                f"state {state.name!r} starts at {state.initial:g}, which {state.dtype} cannot hold"
            )
        if state.advance == "keep" or output.index in signature.graph.inputs:
            raise ModelError(f"state {state.name!r} comes out of an input, unchanged")
        inputs += state.inputs
        outputs.append(state.output)
    for side, named, known in (
        ("inputs", inputs, signature.inputs),
        ("outputs", outputs, signature.outputs),
    ):
        if sorted(named) != sorted(known):
            odd = sorted({n for n in [*named, *known] if named.count(n) != 1 or n not in known})
            raise ModelError(f"its manifest and its signature disagree on the {side} {odd}")
    if len({state.name for state in manifest.states}) != len(manifest.states):
        raise ModelError("its manifest gives two states one name")
    texts = (manifest.name, *manifest.labels, *(state.name for state in manifest.states))
    if any(has_control_characters(text) for text in texts):
        raise ModelError("its manifest holds control characters in its names or labels")
    if manifest.schema_version < schema_version_of(manifest):
        raise ModelError(
            f"its manifest says things that version {manifest.schema_version} of manifests cannot"
        )
    _check_image(manifest, signature)
    if manifest.labels and len(manifest.labels) != manifest.logits.classes:
        raise ModelError(
            f"its manifest has {len(manifest.labels)} labels for {manifest.logits.classes} classes"
        )
    if manifest.events is not None:
        problem = problem_of_events(manifest.events, manifest.logits.classes)
        if problem is not None:
            raise ModelError(f"its manifest {problem}")


def _check_image(manifest: Manifest, signature: Signature) -> None:
    """What is said of an image whose tensor is there."""
    image = manifest.input
    if (image.color_order is None) == (image.channels == 3):
        raise ModelError(
            f"its manifest gives {image.channels} channels the colour order {image.color_order}"
        )
    for name, values in (("mean", image.mean), ("std", image.std)):
        if values is not UNSET and len(values) != image.channels:
            raise ModelError(
                f"its manifest gives {len(values)} numbers as the {name} of {image.channels}"
                " channels"
            )
    low, high = image.value_range
    quantised = image.scale is not UNSET
    plain = image.mean is UNSET and image.std is UNSET
    fits = {
        "float32": low < high,
        "int8": low < high if quantised else plain and (low, high) == (-128, 127),
    }
    if not fits.get(image.dtype, False):
        normalised = "" if plain else " normalised,"
        raise ModelError(
            f"its manifest gives the {image.dtype} image{normalised} the range {low:g} to {high:g}"
        )
    _check_image_quantization(image, signature.inputs[image.tensor])


def _check_image_quantization(image: ImageInput, tensor: Tensor) -> None:
    if image.scale is UNSET:
        if image.zero_point is not UNSET:
            raise ModelError("its manifest gives the image a zero point without a scale")
        return
    zero_point = 0 if image.zero_point is UNSET else image.zero_point
    stored = tensor.quantization
    if (
        image.dtype != "int8"
        or stored is None
        or stored.channels != 1
        or (np.float32(stored.scale), stored.zero_point) != (np.float32(image.scale), zero_point)
    ):
        raise ModelError(
            f"its manifest gives the {image.dtype} image the scale {image.scale:g} and the zero"
            f" point {zero_point}, and the graph others"
        )


def _check_tensor(
    signature: Signature, side: str, name: str, entry: ImageInput | Logits | State
) -> None:
    tensor = getattr(signature, side).get(name)
    if tensor is None:
        raise ModelError(f"its manifest names the tensor {name!r}, which is not in its {side}")
    shape = (1, entry.classes) if isinstance(entry, Logits) else entry.shape
    if (tensor.shape, tensor.dtype) != (shape, entry.dtype):
        raise ModelError(
            f"its manifest says that {name!r} is {entry.dtype} {list(shape)}, and the graph that it"
            f" is {tensor.dtype} {list(tensor.shape)}"
        )


def _is_one_frame(shape: tuple[int, ...]) -> bool:
    """(1, height, width, channels), or one more 1, no larger than it takes several of."""
    return (
        len(shape) in (4, 5)
        and set(shape[:-3]) == {1}
        and shape[-3] * shape[-2] <= _MOST_PIXELS
        and shape[-3] * shape[-2] * shape[-1] <= _MOST_NUMBERS
    )


def _is_held(value: float, dtype: DType) -> bool:
    """Whether a type has a number."""
    if dtype.startswith("float"):
        return True
    limits = np.iinfo(dtype)
    return value.is_integer() and int(limits.min) <= value <= int(limits.max)


def _only(names: set[str], side: str, what: str) -> str:
    if len(names) != 1:
        listed = ", ".join(sorted(names)[:4]) or "none"
        raise ModelError(f"no single {side} is left to be {what} ({listed})")
    return next(iter(names))


def _zero_point(tensor: Tensor) -> int:
    quantization = tensor.quantization
    return quantization.zero_point if quantization else 0


def _dtype(tensor: Tensor) -> DType:
    if tensor.dtype not in get_args(DType):
        raise ModelError(f"tensor {tensor.name!r} is {tensor.dtype}")
    return cast(DType, tensor.dtype)
