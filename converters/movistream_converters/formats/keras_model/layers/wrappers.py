"""Layers that hold other layers: models, and what applies a layer to each frame."""

from __future__ import annotations

from dataclasses import replace

from movistream_converters.formats.keras_model.description import (
    FUNCTIONAL,
    SEQUENTIAL,
    KerasLayer,
    refused,
)
from movistream_converters.formats.keras_model.emitting import Emitter
from movistream_converters.formats.keras_model.translating import translate, translate_model
from movistream_converters.formats.keras_model.values import Value


def _model(layer: KerasLayer, inputs: tuple[Value, ...], emitter: Emitter) -> Value:
    if layer.model is None:
        raise refused(layer, "is described without its layers")
    with emitter.within(layer):
        return translate_model(layer.model, inputs[0], emitter)


def _time_distributed(layer: KerasLayer, inputs: tuple[Value, ...], emitter: Emitter) -> Value:
    value = inputs[0]
    if layer.inner is None:
        raise refused(layer, "is described without its layer")
    if not value.has_time:
        raise refused(layer, f"reads {list(value.dims)} without time, and goes along time")
    if value.zeros_before:
        value = emitter.plain(layer, value)
    frame = replace(value, has_time=False)
    inner = layer.inner
    if inner.model is None:
        # What people named is the wrapper; its layer's name was made up.
        inner = replace(inner, name=layer.name)
    return replace(translate(inner, (frame,), emitter), has_time=True)


TABLE = {FUNCTIONAL: _model, SEQUENTIAL: _model, "TimeDistributed": _time_distributed}
