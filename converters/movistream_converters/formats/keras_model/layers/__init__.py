"""What each layer of Keras' means to a stream: a table of translations by class name."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from movistream_converters.formats.keras_model.emitting import Translate
from movistream_converters.formats.keras_model.layers import (
    convolutions,
    joining,
    pointwise,
    pools,
    recurrent,
    shaping,
    wrappers,
)

TABLE: Mapping[str, Translate] = MappingProxyType(
    {
        **pointwise.TABLE,
        **convolutions.TABLE,
        **pools.TABLE,
        **joining.TABLE,
        **shaping.TABLE,
        **recurrent.TABLE,
        **wrappers.TABLE,
    }
)
"""By class name; :data:`.description.OPERATION` stands before functions of ``keras.ops``."""
