"""A model file as an editable tree, and back to bytes whose digest is right."""

from __future__ import annotations

import json
import re
import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from movistream.errors import ModelError
from movistream.file import manifest
from movistream.file.manifest import METADATA_NAME
from tests.fuzz.writer import write

_DIGEST = re.compile(rb'"digest":"[0-9a-f]{64}"\}')
_OPEN = b'"digest":"' + b"0" * 64 + b'"}'

CANNOT_BE_PACKED = (
    TypeError,
    AttributeError,
    OverflowError,
    struct.error,
    ValueError,
    MemoryError,
)
"""What is raised for values that a file cannot hold."""


@dataclass
class FileTree:
    """A file taken apart.

    Attributes:
        model: the schema's ``ModelT``, its manifest apart.
        manifest: JSON as Python has it, written back into its metadata entry; None for a file
            without one. May be made bytes, which are written as they are.
    """

    model: Any
    manifest: Any

    @property
    def graph(self) -> Any:
        """The graph that the manifest is about."""
        return self.model.subgraphs[0]


def seal(data: bytes) -> bytes:
    """The same with the digest that its content asks for, if it has a manifest with one."""
    opened = data
    for found in list(_DIGEST.finditer(data))[-1:]:
        opened = data[: found.start()] + _OPEN + data[found.end() :]
    try:
        return manifest.seal(opened)
    except ModelError:
        return data


def taken_apart(data: bytes) -> FileTree:
    """A whole file as a tree."""
    model = schema.ModelT.InitFromPackedBuf(data)
    described = None
    entry = manifest_entry(model)
    if entry is not None:
        described = json.loads(bytes(model.buffers[entry.buffer].data))
    return FileTree(model, described)


def put_together(tree: FileTree) -> bytes:
    """A tree as a sealed file.

    Raises:
        CANNOT_BE_PACKED: if it holds what the format has no room for.
    """
    entry = manifest_entry(tree.model)
    if entry is not None and entry.buffer < len(tree.model.buffers):
        text = tree.manifest
        if not isinstance(text, bytes):
            text = json.dumps(text, separators=(",", ":")).encode()
        tree.model.buffers[entry.buffer].data = np.frombuffer(text, np.uint8)
    return seal(write(tree.model))


def manifest_entry(model: Any) -> Any:
    """The metadata entry that names the manifest, or None."""
    for entry in model.metadata or ():
        if entry.name in (METADATA_NAME, METADATA_NAME.encode()):
            return entry
    return None
