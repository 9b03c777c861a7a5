"""Attention over the last frames, written out: each frame weighs what it and those before it hold.

Source: PyTorch's documentation of ``scaled_dot_product_attention`` (arXiv 1706.03762).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from movistream_converters.formats.exported_program.call import Call, Rule, Value
from movistream_converters.formats.exported_program.constants import check_size, reduced
from movistream_converters.formats.exported_program.time import whole
from movistream_converters.formats.exported_program.values import Frames
from movistream_converters.ir.layers import Add, Concatenate, Dense, Multiply, Softmax

_MOST_FRAMES = 64
_HIDDEN = 100.0
"""What is taken from the weights' logarithms of frames from before the clip."""


def _attention(call: Call) -> Value:
    names = ("query", "key", "value")
    if call.get("dropout_p", 0.0) or call.get("enable_gqa", False):
        call.refuse("drops out or shares heads, which is not followed")
    values = [_vectors(call, call.get(name)) for name in names]
    if len({(v.dimensions, v.split, v.shape, v.lead, v.length) for v in values}) > 1:
        call.refuse("brings together vectors of different frames or heads, which is not followed")
    query = values[0]
    heads = query.split[0] if query.split else 1
    frames = _window(call, query.length)
    scale = call.get("scale", None) or 1 / math.sqrt(query.shape[2] // heads)
    node = _written(call, values, heads, frames, float(scale))
    return replace(query, node=node)


def _vectors(call: Call, value: Any) -> Frames:
    """A value of vectors, with channels in heads or not."""
    if not isinstance(value, Frames):
        call.refuse("works on a constant where frames should be")
    bare = whole(call, call.plain(replace(value, split=())))
    axes = [axis for dimension in value.dimensions for axis in dimension]
    if not value.is_vector or axes not in (["T", "C"], ["C0", "T", "C1"]):
        call.refuse(
            f"attends to something else than vectors of frames, {list(value.sizes)}, which the"
            " vocabulary lacks"
        )
    return replace(bare, split=value.split)


def _window(call: Call, length: int) -> int:
    """How many frames each one sees, itself included."""
    mask = call.array("attn_mask")
    if mask is None:
        if not call.get("is_causal", False):
            call.sees_all()
        return _told(call)
    shown = np.asarray(reduced(call, mask))
    if shown.dtype != np.bool_:
        if np.any((shown != 0) & (shown > -_HIDDEN)):
            call.refuse("weighs frames by numbers that its mask adds, which is not followed")
        shown = shown == 0
    check_size(call, (*mask.shape[:-2], length, length))
    shown = np.broadcast_to(shown, (*mask.shape[:-2], length, length)).reshape(-1, length, length)
    if np.any(np.triu(shown, 1)):
        call.sees_all()
    frames = int(shown[0, -1].sum())
    if not all(np.array_equal(each, _band(length, frames)) for each in shown):
        call.refuse("has a mask that is not the same for all frames, which is not followed")
    return frames if frames < length else _told(call)


def _band(length: int, frames: int) -> npt.NDArray[np.bool_]:
    lower = np.tril(np.ones((length, length), np.bool_))
    return lower & ~np.tril(lower, -frames)


def _told(call: Call) -> int:
    run = call.run
    if not isinstance(run.window, int):
        call.refuse(
            "attends to all frames so far, and a stream keeps only some: say how many with --window"
            " FRAMES, or let a mask hide what was before those"
        )
    run.used_window = True
    return run.window


def _written(call: Call, values: list[Frames], heads: int, frames: int, scale: float) -> str:
    if not 1 <= frames <= _MOST_FRAMES:
        call.refuse(f"attends to {frames} frames; {_MOST_FRAMES} are read")
    check_size(call, (frames * heads, frames * heads))
    query, keys, numbers = values
    channels, first = query.shape[2], max(-query.lead, 0)
    writing = call.run.writing
    of_head = np.repeat(np.eye(heads, dtype=np.float32), channels // heads, axis=0)

    def dense(name: str, source: str, kernel: Any, bias: Any = None) -> str:
        weights = {"kernel": kernel[None, None]} | ({} if bias is None else {"bias": bias})
        layer = Dense(kernel.shape[1], bias is not None)
        return call.add(layer, source, weights=weights, part=name)

    products = []
    for frame in range(frames):
        key = writing.delayed(keys.node, frame)
        product = call.add(Multiply(), query.node, key, part=f"product_{frame}")
        products.append(dense(f"score_{frame}", product, of_head * scale))
    scores = call.add(Concatenate(), *products, part="scores") if frames > 1 else products[0]
    # From (frame, head) to (head, frame).
    order = np.arange(frames * heads).reshape(frames, heads).T.reshape(-1)
    turned = np.eye(frames * heads, dtype=np.float32)[order].T
    if frames > 1:
        begun = [writing.begun(first + frame) for frame in range(frames)]
        shown = call.add(Concatenate(), *begun, part="shown")
        hidden = np.tile(np.eye(frames, dtype=np.float32), (1, heads)) * _HIDDEN
        bias = np.full(frames * heads, -_HIDDEN)
        mask = dense("hidden", shown, hidden, bias)
        scores = call.add(Add(), dense("by_head", scores, turned), mask, part="seen")
    parts = [
        call.add(
            Softmax(),
            writing.sliced(scores, head * frames, (head + 1) * frames),
            part=f"weights_{head}",
        )
        for head in range(heads)
    ]
    weights = call.add(Concatenate(), *parts, part="weights") if heads > 1 else parts[0]
    total = ""
    for frame in range(frames):
        chosen = np.zeros((heads * frames, channels), np.float32)
        for head in range(heads):
            chosen[head * frames + frame] = of_head[:, head]
        weight = dense(f"weight_{frame}", weights, chosen)
        seen = writing.delayed(numbers.node, frame)
        part = call.add(Multiply(), weight, seen, part=f"part_{frame}")
        total = call.add(Add(), total, part, part=f"sum_{frame}") if total else part
    return total


RULES: Mapping[str, Rule] = MappingProxyType({"scaled_dot_product_attention": _attention})
