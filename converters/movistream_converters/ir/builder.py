"""Puts a network together, node by node."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from movistream_converters.ir.layers import AnyLayer, Image, Previous
from movistream_converters.ir.network import Network, Node


class NetworkBuilder:
    """Collects nodes, each reading the one before it unless told otherwise.

    >>> builder = NetworkBuilder("tiny", (64, 64))
    >>> builder.add("conv", Convolution(8, (3, 3, 3), (2, 2), bias=True))
    'conv'
    >>> builder.add("mean", SpatialMean())
    'mean'
    >>> builder.add("logits", Dense(5))
    'logits'
    >>> network = builder.build()
    """

    def __init__(
        self,
        name: str,
        image_size: tuple[int, int],
        image: Image | None = None,
        *,
        causal: bool = True,
    ) -> None:
        """Begins with the image.

        Args:
            name: of the network, for people.
            image_size: (height, width) in pixels.
            image: by default three channels in [0, 1].
            causal: False for a network that sees whole clips.
        """
        self._name = name
        self._image_size = image_size
        self._causal = causal
        self._nodes = [Node("image", image or Image())]
        self._tags: tuple[str, ...] = ()

    @property
    def last(self) -> str:
        """The name of the node that was added last."""
        return self._nodes[-1].name

    def add(self, name: str, layer: AnyLayer, *inputs: str, state: str = "") -> str:
        """Adds a node, and returns its name.

        Args:
            name: unique in the network.
            inputs: names of the nodes that it reads; by default the last one.
            state: what its state is called in files; by default as the node.
        """
        self._nodes.append(Node(name, layer, inputs or (self.last,), state, self._tags))
        return name

    def previous(self, name: str, node: str, shape: tuple[int, int, int]) -> str:
        """Adds what a node that comes later gave for the frame before, and returns its own name.

        Args:
            node: the name that the later node will have.
            shape: (height, width, channels) that it will give.
        """
        return self.add(name, Previous(shape), node)

    @contextmanager
    def tagged(self, *tags: str) -> Iterator[None]:
        """Nodes that are added within have these tags, beside those around."""
        outer = self._tags
        self._tags = (*outer, *tags)
        try:
            yield
        finally:
            self._tags = outer

    def build(self) -> Network:
        """The network.

        Raises:
            NetworkError: if the nodes make none.
        """
        return Network(self._name, tuple(self._nodes), self._image_size, self._causal)
