"""Reads the description of a model.

Format: see :mod:`.description`, and ``keras/src/saving/saving_lib.py`` for the places of arrays
(keras-team/keras, Apache-2.0). Nothing of it is trusted: it may come from a stranger.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy.typing as npt

from movistream.system.text import printable
from movistream_converters.errors import ConversionError
from movistream_converters.formats.keras_model.archive import Archive
from movistream_converters.formats.keras_model.calls import called, chained, name_of
from movistream_converters.formats.keras_model.description import (
    FUNCTIONAL,
    OPERATION,
    SEQUENTIAL,
    KerasLayer,
    Model,
)

OPERATIONS = "keras.src.ops."
_DEEPEST = 16
"""Models and wrappers within each other."""


def described_model(archive: Archive) -> Model:
    """The model of a file.

    Raises:
        ConversionError: if it is neither functional nor sequential, has several inputs or outputs,
            or its description makes no sense.
    """
    try:
        layer = _Reader(archive).layer(archive.described, "", (), is_root=True)
    except (LookupError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise ConversionError(
            f"{archive.path} describes its model in a way that cannot be used:"
            f" {printable(str(error))[:200]}"
        ) from None
    if layer.model is None:
        whose = "is Keras', but no model" if layer.is_keras else "is no class of Keras'"
        raise ConversionError(
            f"{archive.path} holds a {printable(layer.class_name)}, which {whose}: only functional"
            " and sequential models say what they compute without running their code. Build the"
            " model anew with keras.Model(inputs, outputs), and save that"
        )
    return layer.model


@dataclass(frozen=True)
class _Reader:
    """Reads descriptions. Its methods raise what Python raises where they are not as expected."""

    archive: Archive

    def layer(
        self, item: Any, at: str, places: tuple[str, ...], *, is_root: bool = False
    ) -> KerasLayer:
        """A layer.

        Args:
            at: where its arrays are.
            places: names of the models and wrappers around it.
        """
        class_name, config = name_of(item["class_name"]), item["config"]
        if not isinstance(config, dict):
            raise TypeError(f"{class_name} is described by {type(config).__name__}")
        name = name_of(item.get("name") or config.get("name") or "")
        module, registered = item.get("module"), item.get("registered_name")
        is_keras = (
            isinstance(module, str)
            and (module == "keras" or module.startswith("keras."))
            and registered in (None, class_name)
        )
        if is_keras and module.startswith(OPERATIONS):
            class_name = f"{OPERATION}{class_name}"
        inside = places if is_root else (*places, name)
        if len(inside) > _DEEPEST:
            raise ValueError(f"more than {_DEEPEST} models are within each other")
        inner, model = None, None
        if is_keras and class_name in (FUNCTIONAL, SEQUENTIAL):
            model = self.model(class_name, config, at, inside)
        elif isinstance(config.get("layer"), dict):
            inner = self.layer(config["layer"], f"{at}/layer", inside)
        return KerasLayer(
            self.archive.path,
            class_name,
            name,
            "/".join(inside),
            config,
            self.weights(at, name),
            is_keras,
            inner,
            model,
        )

    def weights(self, at: str, name: str) -> tuple[npt.NDArray[Any], ...]:
        """A layer's own arrays."""
        for place in (f"{at}/vars", f"{at}/cell/vars"):
            found: list[npt.NDArray[Any]] = []
            while (key := f"{place}/{len(found)}".lstrip("/")) in self.archive.arrays:
                found.append(self.archive.arrays[key])
            if found:
                known = self.archive.names.get(place)
                if known not in (None, name) and place == f"{at}/vars":
                    raise ValueError(f"the arrays of {name} are those of {known}")
                return tuple(found)
        return ()

    def model(
        self, class_name: str, config: Mapping[str, Any], at: str, places: tuple[str, ...]
    ) -> Model:
        """A model, its layers with their arrays."""
        items = config["layers"]
        if not isinstance(items, list) or not items:
            raise ValueError(f"{'/'.join(places) or 'the model'} has no layers")
        layers = []
        names: dict[str, int] = {}
        prefix = f"{at}/layers" if at else "layers"
        for item in items:
            kind = _snake_case(name_of(item["class_name"]))
            is_layer = not str(item.get("module")).startswith(OPERATIONS)
            number = names.get(kind, 0)
            names[kind] = number + is_layer
            place = f"{prefix}/{kind}_{number}" if number else f"{prefix}/{kind}"
            layers.append(self.layer(item, place, places))
        name = name_of(config.get("name") or "model")
        if class_name == SEQUENTIAL:
            return Model(name, chained(self.archive.path, layers, config, places))
        return Model(name, called(self.archive.path, layers, items, config, places))


def _snake_case(name: str) -> str:
    """As Keras names a layer's arrays by its class."""
    name = re.sub(r"\W+", "", name)
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()
