"""Tags that networks give their nodes, and that rules of precision go by."""

from __future__ import annotations

from movistream_converters.ir.network import Node

SQUEEZE_EXCITE = "squeeze-excite"
"""A gate of channels by their means (arXiv 1709.01507)."""

SKIP = "skip"
"""The shortcut of a residual connection."""

_STAGE = "stage:"


def stage(name: str) -> str:
    """The tag of a part of a network that is int8 or float as one."""
    return f"{_STAGE}{name}"


def has_stage(node: Node) -> bool:
    """Whether a node says what part it belongs to."""
    return any(tag.startswith(_STAGE) for tag in node.tags)


def stage_of(node: Node) -> str:
    """The part that a node belongs to; ``network`` for one that has no such tag."""
    stages = (tag.removeprefix(_STAGE) for tag in node.tags if tag.startswith(_STAGE))
    return next(stages, "network")
