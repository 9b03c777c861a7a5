"""The converter: a small compiler from checkpoints and networks to .tflite stream models.

checkpoint → :mod:`.formats` → network and weights → :mod:`.ir.passes` → :mod:`.tflite.lowering` →
file. docs/own-network.md begins with a network of one's own.
"""

from typing import TYPE_CHECKING, Any

from movistream_converters.errors import ConversionError
from movistream_converters.ir import layers
from movistream_converters.ir.builder import NetworkBuilder
from movistream_converters.ir.network import Network, NetworkError, weight_shapes
from movistream_converters.ir.weights import random_weights

if TYPE_CHECKING:
    from movistream_converters.conversion import Conversion, convert, convert_source
    from movistream_converters.formats.exported_program.exporting import from_torch
    from movistream_converters.formats.keras_model.from_python import from_keras
    from movistream_converters.formats.keras_model.translating import register
    from movistream_converters.formats.network_file import read_network, write_network

__all__ = [
    "Conversion",
    "ConversionError",
    "Network",
    "NetworkBuilder",
    "NetworkError",
    "convert",
    "convert_source",
    "from_keras",
    "from_torch",
    "layers",
    "random_weights",
    "read_network",
    "register",
    "weight_shapes",
    "write_network",
]


def __getattr__(name: str) -> Any:
    # Commands import this package first, and most of them need no TensorFlow.
    if name in ("Conversion", "convert", "convert_source"):
        from movistream_converters.tensorflow_import import import_tensorflow

        import_tensorflow()
        from movistream_converters import conversion

        return getattr(conversion, name)
    if name in ("read_network", "write_network"):
        from movistream_converters.formats import network_file

        return getattr(network_file, name)
    if name == "from_torch":
        from movistream_converters.formats.exported_program import exporting

        return exporting.from_torch
    if name == "from_keras":
        from movistream_converters.formats.keras_model import from_python

        return from_python.from_keras
    if name == "register":
        from movistream_converters.formats.keras_model import translating

        return translating.register
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
