"""TensorFlow Model Garden checkpoints of MoViNets (``tf.train.Checkpoint``), without its code.

A checkpoint names weights by attribute path, for example
``model/layer_with_weights-0/layer_with_weights-3/_expansion/_conv/_conv/kernel``: the backbone's
layers are numbered (stem, blocks, head), and the classifier stands beside the backbone. Kernels
are stored for one of three convolution types:

- ``2plus1d``: Conv2D (height, width, in, out) and DepthwiseConv2D (height, width, channels, 1);
  temporal kernels (time, 1, channels, 1);
- ``3d_2plus1d``: Conv3D with a singleton axis, grouped kernels (time, height, width, 1, channels);
- ``3d``: the same with joint kernels.

All of them reach the canonical form by a reshape.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from movistream.native_stderr import first_line
from movistream_converters.errors import ConversionError
from movistream_converters.formats.model_garden_names import (
    stored_kernel_shapes,
    variable_paths,
)
from movistream_converters.movinet import (
    ARCHITECTURES,
    Architecture,
    ConvolutionType,
    LayerSpec,
    MovinetOptions,
    SqueezeExciteType,
    build_movinet,
    default_options,
)
from movistream_converters.network import Convolution, Network, weight_shapes
from movistream_converters.weights import Mismatch, Weights, non_finite

# The reader translates its errors into these, by what they say.
_READ_ERRORS = (tf.errors.OpError, RuntimeError, ValueError, LookupError, OSError)
# bfloat16 is of kind V: it is not numpy's own.
_FLOAT_KINDS = "fV"
_SUFFIX = "/.ATTRIBUTES/VARIABLE_VALUE"
_LAYER = re.compile(
    r"^(?P<root>.*?)layer_with_weights-(?P<index>\d+)/"
    r"(?P<rest>_(?:stem|expansion|feature|attention|projection|mobile_bottleneck|skip|project"
    r"|head|classifier)/.+)$"
)
_CLASSIFIER = ("_head/", "_classifier/")


@dataclass(frozen=True)
class Finding:
    """One option of a network, and what it was decided by.

    Attributes:
        source: ``the checkpoint``, ``the command``, or ``the default of NAME``.
    """

    option: str
    value: object
    source: str


@dataclass(frozen=True)
class Checkpoint:
    """A network read from a checkpoint."""

    options: MovinetOptions
    network: Network
    weights: Weights
    findings: tuple[Finding, ...]


def read(
    path: Path, architecture: str | None = None, overrides: Mapping[str, object] | None = None
) -> Checkpoint:
    """Reads a checkpoint and recognises its network.

    Args:
        path: a prefix, a ``.index`` file, or a folder with a ``checkpoint`` file.
        architecture: such as ``movinet-a0-stream``; by default recognised from the shapes.
        overrides: fields of :class:`.MovinetOptions` that the user has set.

    Raises:
        ConversionError: if there is no checkpoint, it is damaged, it is not a MoViNet stream
            model, or it does not fit the architecture or the overrides.
    """
    prefix = checkpoint_prefix(path)
    try:
        reader = tf.train.load_checkpoint(prefix)
        stored_shapes = {
            name: tuple(shape) for name, shape in reader.get_variable_to_shape_map().items()
        }
    except _READ_ERRORS as error:
        raise ConversionError(
            f"{path} is not a readable checkpoint: {first_line(str(error))}"
        ) from None
    shapes, keys = _movinet_variables(path, stored_shapes)
    if not shapes:
        raise ConversionError(
            f"{path} holds no MoViNet: none of its {len(stored_shapes)} variables is named like"
            " a MoViNet layer of TensorFlow Model Garden"
        )
    options, findings = _recognise(path, shapes, architecture, dict(overrides or {}))
    network = build_movinet(options)
    weights = _read_weights(path, reader, network, shapes, keys)
    return Checkpoint(options, network, weights, findings)


def checkpoint_prefix(path: Path) -> str:
    """The prefix that TensorFlow wants, from any of the ways to name a checkpoint.

    Raises:
        ConversionError: if there is no checkpoint.
    """
    if (path / "saved_model.pb").exists():
        raise ConversionError(
            f"{path} is a SavedModel, not a checkpoint; name the checkpoint that it was made from"
        )
    if path.is_dir():
        try:
            latest: str | None = tf.train.latest_checkpoint(str(path))
        except _READ_ERRORS:
            latest = None
        if latest is None:
            raise ConversionError(
                f"{path} is a folder without a usable 'checkpoint' file; name the checkpoint by its"
                " prefix, for example FOLDER/ckpt-1"
            )
        return latest
    if path.name == "checkpoint" and path.is_file():
        return checkpoint_prefix(path.parent)
    prefix = re.sub(r"\.(?:index|data-\d{5}-of-\d{5})$", "", str(path))
    index = Path(f"{prefix}.index")
    if not index.is_file():
        raise ConversionError(
            f"no checkpoint at {path}: expected {index} beside its data files, or a folder with a"
            " 'checkpoint' file"
        )
    if index.stat().st_size == 0:
        raise ConversionError(
            f"{index} is empty: the checkpoint is damaged or was not copied whole"
        )
    return prefix


def _movinet_variables(
    checkpoint: Path,
    stored_shapes: Mapping[str, tuple[int, ...]],
) -> tuple[dict[str, tuple[int, ...]], dict[str, str]]:
    """Shapes and full keys of a checkpoint's MoViNet variables, by normalised path."""
    shapes: dict[str, tuple[int, ...]] = {}
    keys: dict[str, str] = {}
    roots: dict[bool, set[str]] = {False: set(), True: set()}
    for key in sorted(stored_shapes):
        name = key.removesuffix(_SUFFIX)
        match = _LAYER.match(name)
        if match is None or ".OPTIMIZER_SLOT" in key:
            continue
        rest = re.sub(r"(_conv(?:_temporal)?)/_conv/", r"\1/", match["rest"])
        rest = rest.replace("depthwise_kernel", "kernel")
        in_classifier = rest.startswith(_CLASSIFIER)
        roots[in_classifier].add(match["root"])
        path = rest if in_classifier else f"{match['index']}/{rest}"
        shapes[path] = stored_shapes[key]
        keys[path] = key
    if several := next((found for found in roots.values() if len(found) > 1), None):
        raise ConversionError(
            f"{checkpoint} holds {len(several)} MoViNets, at {', '.join(sorted(several))}; save the"
            " one that is meant in a checkpoint of its own"
        )
    return shapes, keys


@dataclass(frozen=True)
class _Evidence:
    """What the shapes of a checkpoint say by themselves."""

    layers: tuple[LayerSpec, ...]
    convolution_type: ConvolutionType
    se_types: tuple[SqueezeExciteType, ...]
    positional_encoding: bool
    num_classes: int | None


def _evidence(shapes: Mapping[str, tuple[int, ...]]) -> _Evidence:
    layers: list[LayerSpec] = []
    ranks: set[int] = set()
    se_widths: set[int] = set()
    index = 1
    while (kernel := shapes.get(f"{index}/_feature/_conv/kernel")) is not None:
        if len(kernel) not in (4, 5) or 0 in kernel:
            break
        ranks.add(len(kernel))
        channels = max(kernel[-2:])
        temporal = shapes.get(f"{index}/_feature/_conv_temporal/kernel")
        frames = temporal[0] if temporal else kernel[0] if len(kernel) == 5 else 1
        layers.append(LayerSpec(frames, kernel[-3], channels))
        reduce = shapes.get(f"{index}/_attention/_se_reduce/_conv/kernel", ())
        if len(reduce) > 1:
            se_widths.add(reduce[-2] // channels)
        index += 1
    if ranks == {5}:
        separate = any("_conv_temporal" in path for path in shapes)
        convolution_type = ConvolutionType.SEPARATE_3D if separate else ConvolutionType.JOINT
    else:
        convolution_type = ConvolutionType.SEPARATE_2D
    bias = shapes.get("_classifier/_conv/bias")
    return _Evidence(
        layers=tuple(layers),
        convolution_type=convolution_type,
        se_types={
            frozenset[int](): (SqueezeExciteType.NONE,),
            frozenset({2}): (SqueezeExciteType.BOTH,),
        }.get(frozenset(se_widths), (SqueezeExciteType.SPACE_TIME, SqueezeExciteType.SPACE)),
        positional_encoding=any("_pos_encoding" in path for path in shapes),
        num_classes=bias[0] if bias else None,
    )


def _architecture_layers(spec: Architecture) -> tuple[LayerSpec, ...]:
    return tuple(layer for stage in spec.stages for layer in stage.layers)


def _recognise(
    path: Path,
    shapes: Mapping[str, tuple[int, ...]],
    architecture: str | None,
    overrides: dict[str, object],
) -> tuple[MovinetOptions, tuple[Finding, ...]]:
    evidence = _evidence(shapes)
    if architecture is not None:
        key = _architecture_key(architecture)
        architecture_source = "the command"
    else:
        key = _matching_architecture(path, evidence)
        _refuse_base_model(path, evidence, key)
        architecture_source = "the checkpoint"
    options = default_options(key)
    chosen: dict[str, Any] = {}
    findings = [Finding("architecture", options.name, architecture_source)]
    default_source = f"the default of {options.name}"

    found: dict[str, tuple[object, ...]] = {
        "convolution_type": (evidence.convolution_type,),
        "se_type": evidence.se_types,
        "positional_encoding": (evidence.positional_encoding,),
    }
    if evidence.num_classes is not None:
        found["num_classes"] = (evidence.num_classes,)
    for option in (
        "convolution_type",
        "se_type",
        "positional_encoding",
        "num_classes",
        "activation",
        "gating",
        "head_activation",
        "image_size",
        "frames_per_second",
    ):
        candidates = found.get(option, ())
        if (wanted := overrides.get(option)) is not None:
            if candidates and wanted not in candidates:
                raise ConversionError(
                    f"{path} has {option.replace('_', ' ')} {_text(candidates[0])} by the shapes"
                    f" of its weights, not {_text(wanted)}"
                )
            value, source = wanted, "the command"
        elif candidates:
            value, source = candidates[0], "the checkpoint"
            if len(candidates) > 1:
                source = f"the default; the shapes would fit {_text(candidates[1])} too"
        else:
            value, source = getattr(options, option), default_source
        chosen[option] = value
        findings.append(Finding(option, value, source))
    options = replace(options, **chosen)
    if options.se_type is SqueezeExciteType.NONE:
        if overrides.get("gating") is not None:
            raise ConversionError(f"{path} has no squeeze-excite, so a gating has no place in it")
        findings = [finding for finding in findings if finding.option != "gating"]
    return options, tuple(findings)


def _architecture_key(architecture: str) -> str:
    """``a0`` from ``movinet-a0-stream``."""
    match = re.fullmatch(r"(?:movinet-)?([a-z]\d)(?:-(stream|base))?", architecture)
    if match is None or match[1] not in ARCHITECTURES:
        names = ", ".join(f"movinet-{key}-stream" for key in ARCHITECTURES)
        raise ConversionError(f"unknown architecture {architecture}; there are {names}")
    if match[2] == "base":
        raise ConversionError(
            f"{architecture} is a base model: its convolutions and pools look at future frames, so"
            " it cannot run frame by frame; convert the checkpoint of the stream model,"
            f" movinet-{match[1]}-stream"
        )
    return match[1]


def _looks_like(shapes: Mapping[str, tuple[int, ...]], network: Network) -> str:
    """A hint, where the weights are those of another architecture."""
    key = _architecture_of(_evidence(shapes).layers)
    name = network.name if key is None else default_options(key).name
    return "" if name == network.name else f"; it looks like {name}"


def _architecture_of(layers: tuple[LayerSpec, ...]) -> str | None:
    """The one architecture that has these blocks."""
    for key, spec in ARCHITECTURES.items():
        if _architecture_layers(spec) == layers:
            return key
    return None


def _similarity(spec: Architecture, layers: tuple[LayerSpec, ...]) -> tuple[int, int]:
    known = _architecture_layers(spec)
    same = sum(a == b for a, b in zip(known, layers, strict=False))
    return same, -abs(len(known) - len(layers))


def _matching_architecture(path: Path, evidence: _Evidence) -> str:
    if (known := _architecture_of(evidence.layers)) is not None:
        return known
    closest = max(ARCHITECTURES, key=lambda key: _similarity(ARCHITECTURES[key], evidence.layers))
    raise ConversionError(
        f"{path} is none of the MoViNets that are known ({', '.join(ARCHITECTURES)}): its"
        f" {len(evidence.layers)} blocks are closest to movinet-{closest}-stream; with"
        f" --arch movinet-{closest}-stream the differences are listed"
    )


def _refuse_base_model(path: Path, evidence: _Evidence, key: str) -> None:
    """Joint 3-D kernels with a gate over space-time are how base models are released."""
    looks_base = (
        evidence.convolution_type is ConvolutionType.JOINT
        and SqueezeExciteType.SPACE_TIME in evidence.se_types
    )
    if looks_base:
        raise ConversionError(
            f"{path} looks like movinet-{key}-base: joint 3-D kernels and squeeze-excite over space"
            " and time. A base model looks at future frames, so it cannot run frame by frame; use"
            f" the stream model's checkpoint. If this one was trained with causal=True, say so with"
            f" --arch movinet-{key}-stream"
        )


def _read_weights(
    path: Path,
    reader: Any,
    network: Network,
    shapes: Mapping[str, tuple[int, ...]],
    keys: Mapping[str, str],
) -> Weights:
    layers = {node.name: node.layer for node in network.nodes}
    paths = variable_paths(network)
    expected_shapes = weight_shapes(network)
    missing, wrong_shape = [], []
    for name, expected in expected_shapes.items():
        found = shapes.get(paths[name])
        node, _, weight = name.rpartition(".")
        layer = layers[node]
        forms = [expected]
        if isinstance(layer, Convolution) and weight == "kernel":
            forms = stored_kernel_shapes(layer, expected)
        if found is None:
            missing.append(name)
        elif found not in forms:
            nearest = next((form for form in forms if len(form) == len(found)), forms[0])
            wrong_shape.append((name, nearest, found))
    unexpected = sorted(set(shapes) - set(paths.values()))
    mismatch = Mismatch(tuple(missing), tuple(unexpected), tuple(wrong_shape))
    if mismatch:
        raise ConversionError(
            f"{path} does not fit {network.name}{_looks_like(shapes, network)}:\n"
            + mismatch.describe()
        )
    weights: Weights = {}
    for name, expected in expected_shapes.items():
        try:
            value = reader.get_tensor(keys[paths[name]])
        except _READ_ERRORS as error:
            raise ConversionError(
                f"{path} is damaged: {keys[paths[name]]} cannot be read: {first_line(str(error))}"
            ) from None
        if value.dtype.kind not in _FLOAT_KINDS:
            raise ConversionError(f"{path} holds {value.dtype} numbers in {keys[paths[name]]}")
        weights[name] = np.asarray(value, np.float32).reshape(expected)
    if names := non_finite(weights):
        raise ConversionError(f"{path} holds NaN or infinite weights, first in {names[0]}")
    return weights


def _text(value: object) -> str:
    return str(getattr(value, "value", value))
