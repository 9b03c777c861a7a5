"""A .tflite file of this project as a source: it says itself what network it holds.

The network stands in a metadata entry of its own, whatever it is. Files of older versions have
none: their manifests say the options of a MoViNet. Weights are read as the lowering left them
(:mod:`.named`), and what :mod:`movistream_converters.ir.passes` folded together is taken apart.
Scales that went into kernels stay there, and are one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path

import msgspec
import numpy as np

from movistream.file.manifest import Manifest
from movistream_converters.errors import ConversionError
from movistream_converters.formats.described import described_findings, read_document
from movistream_converters.formats.movinet_options import GUESSED
from movistream_converters.formats.recognition import (
    evidence_of_options,
    problem_of_options,
    recognise,
)
from movistream_converters.formats.source import Source
from movistream_converters.formats.tflite.graph import TracedGraph
from movistream_converters.formats.tflite.named import NamedGraph, folded_weights, named_graph
from movistream_converters.ir.layers import ActivationFunction
from movistream_converters.ir.network import Network, weight_shapes
from movistream_converters.ir.passes import fold, unfold
from movistream_converters.ir.weights import Weights, non_finite
from movistream_converters.networks.movinet import CUSTOM, MovinetOptions, build_movinet

_WHERE = "the manifest"


def read(
    path: Path,
    graph: TracedGraph,
    manifest: Manifest,
    document: bytes | None,
    architecture: str | None,
    overrides: Mapping[str, object],
) -> Source:
    """The network that a file describes, with the weights of its graph.

    Args:
        path: of the file, for messages.
        manifest: that fits the graph.
        document: of the network, if the file holds one.

    Raises:
        ConversionError: if the graph is not as the file describes it, or does not fit the
            architecture or the overrides.
    """
    network = None if document is None else read_document(path, document)
    rate = manifest.input.frames_per_second
    if network is not None and not _says_movinet(manifest):
        findings = described_findings(path, network, rate, architecture, overrides, _WHERE)
    else:
        described = _options(path, manifest)
        evidence = evidence_of_options(described, _WHERE, guessed=())
        options, findings = recognise(path, evidence, architecture, overrides)
        guesses = str(manifest.network.get(GUESSED, "")).split()
        findings = tuple(
            replace(f, guessed=True, source=f"a guess, which {_WHERE} keeps")
            if f.option in guesses
            else f
            for f in findings
        )
        network = build_movinet(options) if network is None else network
        rate = options.frames_per_second
    return Source(
        network,
        _weights(named_graph(path, graph), network),
        labels=manifest.labels,
        frames_per_second=rate,
        activation=manifest.logits.activation,
        events=manifest.events,
        findings=findings,
    )


def _says_movinet(manifest: Manifest) -> bool:
    """Whether a manifest's options say all of a network; a block table does not stand there."""
    return manifest.network.get("architecture", CUSTOM) != CUSTOM


def _options(path: Path, manifest: Manifest) -> MovinetOptions:
    known = {field.name for field in fields(MovinetOptions)}
    told = {name: value for name, value in manifest.network.items() if name != GUESSED}
    if unknown := sorted(told.keys() - known):
        raise ConversionError(f"{path} describes its network with unknown options: {unknown}")
    # Without squeeze-excite there is none.
    gating = ActivationFunction.HARD_SIGMOID.value
    try:
        options = msgspec.convert({"gating": gating, **told}, MovinetOptions)
    except msgspec.ValidationError as error:
        raise ConversionError(f"{path} does not describe its network: {error}") from None
    if (problem := problem_of_options(options)) is not None:
        raise ConversionError(f"{path} describes its network wrongly: {problem}")
    return options


def _weights(file: NamedGraph, network: Network) -> Weights:
    shapes = weight_shapes(network)
    # Only the form of the folded network is of interest.
    folded, _ = fold(network, {name: np.ones(shape, np.float32) for name, shape in shapes.items()})
    weights = unfold(network, folded_weights(file, folded))
    if names := non_finite(weights):
        raise ConversionError(f"{file.path} holds NaN or infinite weights, first in {names[0]}")
    return weights
