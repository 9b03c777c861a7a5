"""Loading a model file."""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from movistream.engines.arithmetic import (
    ARITHMETICS,
    LEAST_COSINE,
    Arithmetic,
    cpu_computes_float16,
    float16_obstacle,
)
from movistream.engines.identity import engine_identity
from movistream.engines.options import EngineOptions
from movistream.engines.weight_cache import weight_cache_file
from movistream.errors import EngineError, EngineUnavailableError, MovistreamError
from movistream.file.binding import bind
from movistream.file.graph import map_file, read_model_file
from movistream.file.inspection import multiply_adds
from movistream.file.labels import check_labels, labels_from
from movistream.file.manifest import Manifest
from movistream.file.names import find_model
from movistream.file.operators import SIZING_OPERATORS
from movistream.stream.agreement import lowest_cosine
from movistream.stream.file_trial import try_file
from movistream.stream.model import AnyModel
from movistream.stream.trust import is_known, remember
from movistream.system.cpu import usable_cores

_logger = logging.getLogger(__name__)

MOST_THREADS = 128
"""Engines crash on absurd numbers of threads."""
_MOST_DEFAULT_THREADS = 4
_TRUSTS = ("known", "always", "never")


def load_as(
    kind: type[AnyModel],
    path: str | os.PathLike[str],
    *,
    threads: int | None = None,
    engine: str = "auto",
    labels: str | os.PathLike[str] | Sequence[str] | None = None,
    weight_cache: str | os.PathLike[str] | None = None,
    arithmetic: str = "auto",
    check_arithmetic: bool = False,
    trust: str = "known",
) -> AnyModel:
    """Loads a .tflite stream model, see :func:`movistream.load`.

    Args:
        kind: of what is returned; floors above this one have models that can do more.
    """
    path = find_model(path)
    names = None if labels is None else labels_from(labels)
    threads = default_threads() if threads is None else threads
    if not isinstance(threads, int) or not 1 <= threads <= MOST_THREADS:
        raise MovistreamError(f"threads is a number from 1 to {MOST_THREADS}, not {threads!r}")
    if trust not in _TRUSTS:
        raise MovistreamError(f"trust is {', '.join(_TRUSTS)}, not {trust!r}")
    data = map_file(path)
    with data:
        file = read_model_file(data, str(path))
        manifest = bind(file, data, str(path))
        fingerprint = manifest.digest or hashlib.sha256(data).hexdigest()
    float16 = _may_use_float16(arithmetic, manifest, path)
    operators = {operator.name for graph in file.graphs for operator in graph.operators}
    has_sizes_at_run_time = not SIZING_OPERATORS.isdisjoint(operators)
    if trust != "always":
        how = "\n".join([engine, arithmetic, engine_identity()])
        if trust == "never" or not is_known(fingerprint, how):
            graph = file.signatures[manifest.signature].graph
            _logger.info("%s is not known on this machine: it is tried in a child process", path)
            work = sum(multiply_adds(graph, operator) for operator in graph.operators)
            try_file(path, fingerprint, engine, threads, arithmetic, work)
            if not remember(fingerprint, how):
                _logger.info("no place to remember that %s has passed: it is tried each time", path)
    if names is not None:
        given = isinstance(labels, (str, os.PathLike))
        origin = f"the labels {labels}" if given else "the given labels"
        check_labels(names, manifest.logits.classes, origin)
        manifest = msgspec.structs.replace(manifest, labels=names)

    cache = None if weight_cache is None else weight_cache_file(weight_cache, fingerprint)

    def opened(arithmetic: Arithmetic) -> AnyModel:
        options = EngineOptions(threads, arithmetic, cache, has_sizes_at_run_time)
        return kind(path, manifest, engine, options, fingerprint)

    if not float16:
        if check_arithmetic:
            _logger.warning(
                "%s is computed in float32: there is no float16 arithmetic here to compare", path
            )
        return opened("float32")
    try:
        return _checked(opened) if check_arithmetic else opened("float16")
    except EngineUnavailableError as error:
        if arithmetic != "auto":
            raise
        _logger.info("%s is computed in float32: %s", path, error)
        return opened("float32")


def default_threads() -> int:
    """Cores that this process may use, at most 4: small layers gain nothing from more."""
    return min(usable_cores(), _MOST_DEFAULT_THREADS)


def _may_use_float16(arithmetic: str, manifest: Manifest, path: Path) -> bool:
    """Whether to try it; an engine may still turn out not to have it."""
    if arithmetic not in ARITHMETICS:
        raise MovistreamError(f"arithmetic is {', '.join(ARITHMETICS)}, not {arithmetic!r}")
    obstacle = float16_obstacle(manifest)
    if arithmetic == "auto":
        if obstacle is not None:
            return False
        if not cpu_computes_float16():
            _logger.info("%s is computed in float32: this CPU has no arithmetic for float16", path)
            return False
        return True
    if arithmetic == "float16":
        if obstacle is not None:
            raise EngineError(f"{path} cannot be computed in float16: {obstacle}")
        if not cpu_computes_float16():
            raise EngineUnavailableError("this CPU has no arithmetic for float16")
    return arithmetic == "float16"


def _checked(opened: Callable[[Arithmetic], AnyModel]) -> AnyModel:
    """The model in float16, if it answers as in float32."""
    model = opened("float16")
    with opened("float32") as exact:
        cosine = lowest_cosine(model, exact)
    if cosine >= LEAST_COSINE:
        return model
    model.close()
    raise EngineUnavailableError(
        f"{model.path} in float16 differs from float32: the cosine of their logits is {cosine:.4f}"
    )
