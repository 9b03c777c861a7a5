"""Which translation a layer has, and how a model's calls are gone through."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from movistream.system.text import printable
from movistream_converters.formats.keras_model.description import KerasLayer, Model, refused
from movistream_converters.formats.keras_model.emitting import Emitter, Translate
from movistream_converters.formats.keras_model.fields import check_common
from movistream_converters.formats.keras_model.values import Value

_registered: dict[str, Translate] = {}

_LOOKS_AHEAD = "sees all frames of a clip, those to come too; take"
_ADVICE: Mapping[str, str] = MappingProxyType(
    {
        "Bidirectional": f"{_LOOKS_AHEAD} its layer alone, which goes forwards",
        **dict.fromkeys(
            ("MultiHeadAttention", "Attention", "AdditiveAttention", "GroupQueryAttention"),
            f"{_LOOKS_AHEAD} causal convolutions or a GRU in its place",
        ),
        "Lambda": "holds code, which is not run; take layers in its place, or a layer class of your"
        " own whose translation you register",
        "Masking": "leaves frames out by their content; a stream answers each frame",
    }
)
"""What is wrong with layers that others take for causal, and what to do."""


def register(layer_class: type | str, translate: Translate) -> None:
    """Tells how a layer of one's own becomes layers of the vocabulary.

    >>> def shift(layer, inputs, emitter):
    ...     return emitter.add(layer, layers.Delay(layer.config["frames"]), inputs[0])
    >>> register("MyShift", shift)

    It goes before what is known of Keras' own layers of that name. Only this process knows it: the
    command line does not.

    Args:
        layer_class: the class, or its name; of a class in a file, only the name is told.
        translate: gets the layer (:class:`.KerasLayer`: its ``config``, its ``weights``), the
            values that it reads (:class:`.Value`: ``shape`` is (height, width, channels)), and the
            :class:`.Emitter`, whose ``add`` gives it nodes; returns what it gives.
    """
    _registered[layer_class if isinstance(layer_class, str) else layer_class.__name__] = translate


def translate_model(model: Model, value: Value, emitter: Emitter) -> Value:
    """What a model gives for a value."""
    values = [value]
    for call in model.calls[1:]:
        layer = call.layer
        _translation(layer, emitter)
        if call.others:
            raise refused(
                layer,
                f"is called with {printable(call.others[0])} besides what it reads; only tensors"
                " of one frame after another can be read",
            )
        if not call.inputs:
            raise refused(layer, "reads nothing")
        values.append(translate(layer, tuple(values[index] for index in call.inputs), emitter))
    return values[-1]


def translate(layer: KerasLayer, inputs: tuple[Value, ...], emitter: Emitter) -> Value:
    """What a layer gives for what it reads.

    Raises:
        ConversionError: if it is not known, or cannot be streamed.
    """
    function = _translation(layer, emitter)
    emitter.count_call(layer)
    check_common(layer)
    value = function(layer, inputs, emitter)
    if not isinstance(value, Value):
        raise refused(layer, "has a registered translation that returns no value")
    return value


def _translation(layer: KerasLayer, emitter: Emitter) -> Translate:
    name = layer.class_name
    if name in _registered:
        return _registered[name]
    if layer.is_keras and name in emitter.table:
        return emitter.table[name]
    advice = "" if not layer.is_keras else _ADVICE.get(name, "")
    own = f'register("{printable(name)}", translate) tells from Python what it is'
    if not layer.is_keras:
        raise refused(layer, f"is no layer of Keras', and no code of a file is run; {own}")
    raise refused(layer, advice or f"is not known to be causal, or has no operators here; {own}")
