"""What each layer of Keras' means to a stream: a table of translations by class name."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from movistream_converters.formats.keras_model.description import KerasLayer, refused
from movistream_converters.formats.keras_model.emitting import Emitter, Translate
from movistream_converters.formats.keras_model.layers import (
    convolutions,
    joining,
    pointwise,
    pools,
    recurrent,
    shaping,
    wrappers,
)
from movistream_converters.formats.keras_model.values import Value


def _of_one(translate: Translate) -> Translate:
    """The translation of a layer that reads one value, such as a cell without a state told."""

    def checked(layer: KerasLayer, inputs: tuple[Value, ...], emitter: Emitter) -> Value:
        if len(inputs) != 1:
            raise refused(layer, f"reads {len(inputs)} values, and can read 1 here")
        return translate(layer, inputs, emitter)

    return checked


TABLE: Mapping[str, Translate] = MappingProxyType(
    {
        **joining.TABLE,
        **{
            name: _of_one(translate)
            for kind in (pointwise, convolutions, pools, shaping, recurrent, wrappers)
            for name, translate in kind.TABLE.items()
        },
    }
)
"""By class name; :data:`.description.OPERATION` stands before functions of ``keras.ops``."""
