"""Recognises a MoViNet and its options from what a file shows."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from movistream.file.manifest import MOST_FRAMES_PER_SECOND
from movistream_converters.errors import ConversionError
from movistream_converters.formats.limits import MOST_WEIGHT_BYTES, weight_bytes
from movistream_converters.formats.meta_json import NAME as META_JSON
from movistream_converters.formats.meta_json import description_beside
from movistream_converters.formats.movinet_table import (
    is_table,
    layers_of_shapes,
    read_table,
    table_of_shapes,
)
from movistream_converters.formats.source import Finding, option_text
from movistream_converters.ir.layers import ActivationFunction
from movistream_converters.ir.network import Network, NetworkError, weight_shapes
from movistream_converters.networks.movinet import (
    ARCHITECTURES,
    CUSTOM,
    Architecture,
    ConvolutionType,
    LayerSpec,
    MovinetOptions,
    SqueezeExciteType,
    build_movinet,
    default_options,
)

IMAGE_SIZES = range(32, 2049)
"""Pixels per side."""

OPTIONS = (
    "convolution_type",
    "se_type",
    "positional_encoding",
    "num_classes",
    "activation",
    "gating",
    "head_activation",
    "image_size",
    "frames_per_second",
    "horizon_frames",
)
"""What decides a network beside its architecture: fields of :class:`.MovinetOptions`."""

_PUBLISHED_WITHOUT_GATES = ("a0", "a1", "a2")
"""Of these, models without squeeze-excite were published, for int8: their activations are relu6."""

_RELU6_WITHOUT_GATES = ("activation", "head_activation")

GUESSABLE = frozenset(OPTIONS) - {"convolution_type", "positional_encoding", "num_classes"}
"""Options that weights may not show."""


@dataclass(frozen=True)
class Evidence:
    """What a file says of its network.

    Attributes:
        table: of its blocks, as far as it is seen.
        strides_are_shown: whether the file shows the table's strides.
        where: what kind of file it is, as the findings name it.
        shown: options that the file shows outright, by name.
        customs: what to guess in place of the released models' default, and why.
    """

    layers: tuple[LayerSpec, ...]
    table: Architecture | None
    convolution_type: ConvolutionType
    se_types: tuple[SqueezeExciteType, ...]
    positional_encoding: bool
    num_classes: int | None
    where: str = "the checkpoint"
    strides_are_shown: bool = False
    shown: Mapping[str, object] = field(default_factory=dict)
    customs: Mapping[str, tuple[object, str]] = field(default_factory=dict)


def evidence_of_shapes(shapes: Mapping[str, tuple[int, ...]]) -> Evidence:
    """What the shapes of weights say by themselves.

    Args:
        shapes: by normalised path, see :mod:`.formats.model_garden.names`.
    """
    layers = layers_of_shapes(shapes)
    ranks = {len(shapes[f"{index}/_feature/_conv/kernel"]) for index in _numbers(layers)}
    reduced = [
        (layer, shapes.get(f"{index}/_attention/_se_reduce/_conv/kernel", ()))
        for index, layer in zip(_numbers(layers), layers, strict=True)
    ]
    se_widths = {kernel[-2] // layer.expand_filters for layer, kernel in reduced if len(kernel) > 1}
    if ranks == {5}:
        separate = any("_conv_temporal" in path for path in shapes)
        convolution_type = ConvolutionType.SEPARATE_3D if separate else ConvolutionType.JOINT
    else:
        convolution_type = ConvolutionType.SEPARATE_2D
    bias = shapes.get("_classifier/_conv/bias")
    return Evidence(
        layers=layers,
        table=table_of_shapes(shapes),
        convolution_type=convolution_type,
        se_types={
            frozenset[int](): (SqueezeExciteType.NONE,),
            frozenset({2}): (SqueezeExciteType.BOTH,),
        }.get(frozenset(se_widths), (SqueezeExciteType.SPACE_TIME, SqueezeExciteType.SPACE)),
        positional_encoding=any("_pos_encoding" in path for path in shapes),
        num_classes=bias[0] if bias else None,
    )


def _numbers(layers: tuple[LayerSpec, ...]) -> range:
    """Of the blocks in paths."""
    return range(1, len(layers) + 1)


def evidence_of_options(options: MovinetOptions, where: str, guessed: Collection[str]) -> Evidence:
    """What a file says that describes its network itself.

    Args:
        guessed: options that were never told, so that they may still be said otherwise; some of
            :data:`GUESSABLE`.
    """
    values = asdict(options)
    return Evidence(
        layers=architecture_layers(options.spec),
        table=options.spec,
        convolution_type=options.convolution_type,
        se_types=() if "se_type" in guessed else (options.se_type,),
        positional_encoding=options.positional_encoding,
        num_classes=options.num_classes,
        where=where,
        strides_are_shown=True,
        shown={name: values[name] for name in OPTIONS if name not in guessed},
        customs={name: (values[name], f"a guess, which {where} keeps") for name in guessed},
    )


def problem_of_options(options: MovinetOptions) -> str | None:
    """Why a network cannot be built as described."""
    if options.table is None and options.architecture not in ARCHITECTURES:
        return f"its architecture {options.architecture!r} is unknown"
    if not options.causal:
        return "it is a base model, which looks at future frames and cannot run frame by frame"
    if options.image_size not in IMAGE_SIZES:
        return f"its image size {options.image_size} is impossible"
    if not 0 < options.frames_per_second <= MOST_FRAMES_PER_SECOND:
        return f"its frame rate {options.frames_per_second} is impossible"
    if options.num_classes < 1:
        return "it has no classes"
    if options.horizon_frames is not None and options.horizon_frames < 1:
        return f"its horizon of {options.horizon_frames} frames is impossible"
    try:
        size = weight_bytes(weight_shapes(build_movinet(options)).values())
    except NetworkError as error:
        return str(error)
    if size > MOST_WEIGHT_BYTES:
        return (
            f"with {options.num_classes} classes it would have {size / 1e6:.0f} MB of weights, more"
            f" than {MOST_WEIGHT_BYTES / 1e6:.0f} MB"
        )
    return None


def architecture_layers(spec: Architecture) -> tuple[LayerSpec, ...]:
    """All blocks, in order."""
    return tuple(layer for stage in spec.stages for layer in stage.layers)


def recognise(
    path: Path,
    evidence: Evidence,
    architecture: str | None,
    overrides: Mapping[str, object],
) -> tuple[MovinetOptions, tuple[Finding, ...]]:
    """The options of a network, and what each was decided by.

    Raises:
        ConversionError: if it is no MoViNet stream model, or does not fit the architecture or the
            overrides.
    """
    options, findings = _recognised(path, evidence, architecture)
    described = description_beside(path)
    told = described.options
    chosen: dict[str, Any] = {}
    default_source = f"the default of {options.name}"

    found: dict[str, tuple[object, ...]] = {
        "convolution_type": (evidence.convolution_type,),
        "se_type": evidence.se_types,
        "positional_encoding": (evidence.positional_encoding,),
        **{option: (value,) for option, value in evidence.shown.items()},
    }
    if evidence.num_classes is not None:
        found["num_classes"] = (evidence.num_classes,)
    for option in OPTIONS:
        candidates = found.get(option, ())
        guessed = False
        if (wanted := overrides.get(option)) is not None:
            if candidates and wanted not in candidates:
                raise ConversionError(
                    f"{path} has {option.replace('_', ' ')} {option_text(candidates[0])}, not"
                    f" {option_text(wanted)}"
                )
            value, source = wanted, "the command"
        elif option in told and (not candidates or told[option] in candidates):
            value, source = told[option], META_JSON
        elif candidates:
            value, source = candidates[0], evidence.where
            if len(candidates) > 1:
                source = f"the default; the shapes would fit {option_text(candidates[1])} too"
                guessed = True
        elif option in evidence.customs:
            (value, source), guessed = evidence.customs[option], True
        elif option in _RELU6_WITHOUT_GATES and _looks_published_for_int8(options, chosen):
            value, guessed = ActivationFunction.RELU6, True
            source = "a guess: the published models without squeeze-excite were trained with it"
        else:
            value, source, guessed = getattr(options, option), default_source, True
        if guessed and option in described.unclear:
            source += f"; {META_JSON} says {described.unclear[option]}, which is no value of it"
        chosen[option] = value
        if value is not None:
            findings.append(Finding(option, value, source, guessed))
    options = replace(options, **chosen)
    if options.se_type is SqueezeExciteType.NONE:
        if overrides.get("gating") is not None:
            raise ConversionError(f"{path} has no squeeze-excite, so a gating has no place in it")
        findings = [finding for finding in findings if finding.option != "gating"]
    if options.table is not None:
        findings.insert(1, Finding("table", options.table, findings[0].source))
    if (problem := problem_of_options(options)) is not None:
        raise ConversionError(f"{path} cannot be converted: {problem}")
    return options, tuple(findings)


def _looks_published_for_int8(options: MovinetOptions, chosen: Mapping[str, object]) -> bool:
    return (
        options.architecture in _PUBLISHED_WITHOUT_GATES
        and chosen["se_type"] is SqueezeExciteType.NONE
    )


def _recognised(
    path: Path, evidence: Evidence, architecture: str | None
) -> tuple[MovinetOptions, list[Finding]]:
    """Default options of the architecture that was told or found, and what told it."""
    if architecture is not None and is_table(architecture):
        options = default_options(CUSTOM, table=read_table(Path(architecture)))
        return options, [Finding("architecture", options.name, "the command")]
    if architecture is not None:
        options = default_options(architecture_key(architecture))
        return options, [Finding("architecture", options.name, "the command")]
    key = next((key for key, spec in ARCHITECTURES.items() if spec == evidence.table), None)
    if key is None and evidence.table is None:
        raise _unknown_architecture(path, evidence)
    if key is not None:
        _refuse_base_model(path, evidence, key)
        options = default_options(key)
        return options, [Finding("architecture", options.name, evidence.where)]
    options = default_options(CUSTOM, table=evidence.table)
    findings = [Finding("architecture", options.name, evidence.where)]
    if not evidence.strides_are_shown:
        strides = " ".join(str(stage.stride) for stage in options.spec.stages)
        source = "a guess: shapes do not show strides; others are told by --arch FILE.toml"
        findings.append(Finding("strides", strides, source))
    return options, findings


def architecture_key(architecture: str) -> str:
    """``a0`` from ``movinet-a0-stream``."""
    match = re.fullmatch(r"(?:movinet-)?([a-z]\d)(?:-(stream|base))?", architecture)
    if match is None or match[1] not in ARCHITECTURES:
        names = ", ".join(f"movinet-{key}-stream" for key in ARCHITECTURES)
        raise ConversionError(
            f"unknown architecture {architecture}; there are {names}, and block tables of one's own"
            " in FILE.toml"
        )
    if match[2] == "base":
        raise ConversionError(
            f"{architecture} is a base model: its convolutions and pools look at future frames, so"
            " it cannot run frame by frame; convert the checkpoint of the stream model,"
            f" movinet-{match[1]}-stream"
        )
    return match[1]


def looks_like(shapes: Mapping[str, tuple[int, ...]], network: Network) -> str:
    """A hint, where the weights are those of another architecture."""
    key = _architecture_of(evidence_of_shapes(shapes).layers)
    name = network.name if key is None else default_options(key).name
    return "" if name == network.name else f"; it looks like {name}"


def _architecture_of(layers: tuple[LayerSpec, ...]) -> str | None:
    """The one architecture that has these blocks."""
    for key, spec in ARCHITECTURES.items():
        if architecture_layers(spec) == layers:
            return key
    return None


def _similarity(spec: Architecture, layers: tuple[LayerSpec, ...]) -> tuple[int, int]:
    known = architecture_layers(spec)
    same = sum(a == b for a, b in zip(known, layers, strict=False))
    return same, -abs(len(known) - len(layers))


def _unknown_architecture(path: Path, evidence: Evidence) -> ConversionError:
    closest = max(ARCHITECTURES, key=lambda key: _similarity(ARCHITECTURES[key], evidence.layers))
    return ConversionError(
        f"{path} is none of the MoViNets that are known ({', '.join(ARCHITECTURES)}): its"
        f" {len(evidence.layers)} blocks are closest to movinet-{closest}-stream; with"
        f" --arch movinet-{closest}-stream the differences are listed"
    )


def _refuse_base_model(path: Path, evidence: Evidence, key: str) -> None:
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
