"""Every number that runtimes in all languages have to share, from Python's own definitions."""

from __future__ import annotations

import hashlib
import inspect
from pathlib import Path
from typing import Any, get_args, get_type_hints

import msgspec

from movistream.engines import arithmetic
from movistream.file import (
    binding,
    flatbuffer,
    graph,
    graph_limits,
    manifest,
    operator_rules,
    operators,
    shape_rules,
    tensors,
)
from movistream.serve.schema import SeenEvent
from movistream.sources import picking
from movistream.stream import agreement, preprocess
from movistream.system import text
from movistream.watch import events, resets, vocabulary
from movistream.watch.resets import ResetOptions
from movistream.watch.scores import ScoreOptions
from movistream.watch.watcher import WatchOptions


def constants() -> dict[str, Any]:
    """By group and name."""
    return {
        "graph_limits": {
            "most_bytes_at_once": graph_limits._MOST_BYTES_AT_ONCE,
            "most_bytes_in_all": graph_limits._MOST_BYTES_IN_ALL,
            "most_weight_bytes": graph_limits._MOST_WEIGHT_BYTES,
            "most_workspace_bytes": graph_limits._MOST_WORKSPACE_BYTES,
            "most_multiply_adds": graph_limits._MOST_MULTIPLY_ADDS,
            "pointer_bytes": graph_limits._POINTER_BYTES,
        },
        "operator_rules": {
            "most_repeated": operator_rules._MOST_REPEATED,
            "smallest_scale": operator_rules._SCALES[0],
            "largest_scale": operator_rules._SCALES[1],
            "finest_sum": operator_rules._FINEST_SUM,
            "coarsest_product": operator_rules._COARSEST_PRODUCT,
            "logistic": operator_rules._FIXED["logistic"],
            "tanh": operator_rules._FIXED["tanh"],
            "only_constant": operator_rules._ONLY_CONSTANT,
            "optional_tensor": tensors.OPTIONAL_TENSOR,
            "same_padding": shape_rules.SAME,
            "shape_rules": sorted(shape_rules.SHAPE_RULES),
        },
        "operators": {
            "table_sha256": _table_digest(),
            "names": sorted(operators.STREAM_OPERATORS),
            "sized_at_run_time": sorted(operators.SIZING_OPERATORS),
        },
        "files": {
            "identifier": graph.FILE_IDENTIFIER.decode(),
            "dtypes": {str(code): name for code, (name, _) in graph._DTYPES.items()},
            "dtype_bits": {name: round(8 * size) for name, size in graph._DTYPES.values()},
            "interface_dtypes": sorted(graph._INTERFACE_DTYPES),
            "largest_tensor_bytes": graph._LARGEST_TENSOR_BYTES,
            "smallest_scale": graph._SMALLEST_SCALE,
            "most_graphs": graph._MOST_GRAPHS,
            "most_operands": graph._MOST_OPERANDS,
            "longest_name": graph._LONGEST_NAME,
            "placeholder_code": graph._PLACEHOLDER_CODE,
            "longest_string_bytes": flatbuffer._LONGEST_STRING_BYTES,
            "most_items": flatbuffer._MOST_ITEMS,
        },
        "manifests": {
            "metadata_name": manifest.METADATA_NAME,
            "signature_key": manifest.SIGNATURE_KEY,
            "digest_digits": len(manifest._EMPTY_DIGEST),
            "largest_bytes": binding._LARGEST_MANIFEST_BYTES,
            "most_pixels": binding._MOST_PIXELS,
            "most_numbers": binding._MOST_NUMBERS,
            "most_frames_per_second": manifest.MOST_FRAMES_PER_SECOND,
            "most_frames": _bound(manifest.FrameCount, "le"),
            "moderate": _bound(manifest.Moderate, "le"),
            "longest_text": _bound(manifest.Text, "max_length"),
            "most_sizes": _bound(manifest.Shape, "max_length"),
            "most_moment_s": _bound(manifest.MomentSeconds, "le"),
            "least_deviation": _bound(get_args(get_args(manifest.Deviations)[0])[0], "ge"),
            "scale": [_bound(manifest.Scale, "ge"), _bound(manifest.Scale, "le")],
            "dtypes": sorted(get_args(manifest.DType)),
            "roles": _words(manifest.State, "role"),
            "activations": sorted(get_args(manifest.Activation)),
            "advances": _words(manifest.State, "advance"),
            "state_layouts": _words(manifest.Manifest, "state_layout"),
            "fits": _words(manifest.ImageInput, "fit"),
            "resizes": _words(manifest.ImageInput, "resize"),
            "schema_versions": _words(manifest.Manifest, "schema_version"),
        },
        "pixels": {
            "luma": preprocess._LUMA.tolist(),
            "byte_zero_point": preprocess._BYTE_ZERO_POINT,
        },
        "arithmetic": {
            "most_float16_frames": arithmetic.MOST_FLOAT16_FRAMES,
            "least_cosine": arithmetic.LEAST_COSINE,
            "agreement_frames": agreement._CHECKED_FRAMES,
        },
        "pacing": {"tie_s": picking._TIE_S},
        "watching": {
            "temperature": ScoreOptions().temperature,
            "smoothing_s": events.DEFAULTS.smoothing_s,
            "enter": events.DEFAULTS.enter[0],
            "leave": events.DEFAULTS.leave[0],
            "shortest_s": events.DEFAULTS.shortest_s,
            "top": WatchOptions().top,
            "reset_on_cut": ResetOptions().scene_cut,
            "reset_after_gap_s": ResetOptions().gap_s or 0,
            "reset_every_s": ResetOptions().every_s or 0,
        },
        "scene_cuts": {
            "grid": resets._GRID,
            "bins": resets._BINS,
            "cut_distance": resets._CUT_DISTANCE,
            "cut_ratio": resets._CUT_RATIO,
            "adaptation": resets._ADAPTATION,
        },
        "results": {
            "version": vocabulary.VERSION,
            "reasons": sorted(get_args(resets.Reason)),
            "event_columns": ["feed", *SeenEvent.__struct_fields__],
            "formula_starts": "".join(text._FORMULA_STARTS),
        },
    }


def _table_digest() -> str:
    table = Path(inspect.getfile(operators)).with_name("tflite.json")
    return hashlib.sha256(table.read_bytes()).hexdigest()


def _bound(annotated: Any, name: str) -> Any:
    """A limit of a type of the manifest's."""
    (bound,) = (
        getattr(meta, name)
        for meta in annotated.__metadata__
        if isinstance(meta, msgspec.Meta) and getattr(meta, name) is not None
    )
    return bound


def _words(of: type, field: str) -> list[Any]:
    """The values that a field of the manifest may have."""
    return sorted(get_args(get_type_hints(of)[field]))
