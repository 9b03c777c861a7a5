"""Small random causal networks over the whole vocabulary.

A network is drawn from a :class:`random.Random`: a seeded one gives the same network always, and
hypothesis gives one that it can make smaller (:func:`networks`).
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from hypothesis import strategies as st

from movistream_converters.ir.builder import NetworkBuilder
from movistream_converters.ir.layers import (
    RULES,
    Activation,
    ActivationFunction,
    Add,
    AnyLayer,
    BatchNormalization,
    ChannelNormalization,
    Concatenate,
    Convolution,
    Delay,
    Dense,
    Image,
    LayerError,
    LeakyRelu,
    Multiply,
    Padding,
    ParametricRelu,
    Pool,
    PositionalEncoding,
    Previous,
    Scale,
    Shape,
    Slice,
    Softmax,
    SpatialMean,
    TemporalMean,
    WindowMean,
)
from movistream_converters.ir.network import Network, Node, image_of
from movistream_converters.ir.tags import SKIP, SQUEEZE_EXCITE, stage
from movistream_converters.ir.weights import Weights, random_weights
from movistream_converters.reference.execution import run_nodes

FloatArray = np.ndarray

_FUNCTIONS = tuple(ActivationFunction)
_NAMES = ("{n}", "n{n}", "block.layer.n{n}", "block.n{n}.conv", "größe {n}", "one{n}", "clock{n}")
"""Among them what a lowering might call its own tensors."""


def networks() -> st.SearchStrategy[Network]:
    """Networks, for hypothesis."""
    return st.randoms(use_true_random=False).map(random_network)


def random_network(choice: random.Random) -> Network:
    """A causal network of up to some twenty nodes, on frames of up to 14 × 14 pixels."""
    sketch = _Sketch(choice)
    recurrent_logits = choice.random() < 0.1
    classes = choice.randint(2, 7)
    if recurrent_logits:
        sketch.previous("logits", (1, 1, classes))
    for _ in range(choice.randint(2, 9)):
        choice.choice(_STEPS)(sketch)
    _finish(sketch, classes, recurrent_logits)
    return sketch.builder.build()


def pixels(network: Network, frames: int, seed: int) -> np.ndarray:
    """A video of a moving pattern and noise, uint8 (frames, height, width, channels)."""
    generator = np.random.default_rng(seed)
    height, width = network.image_size
    channels = image_of(network).channels
    rows, columns = np.mgrid[0:height, 0:width]
    pattern = [
        127
        + 80 * np.sin(0.7 * rows[..., None] + 0.5 * columns[..., None] + t + np.arange(channels))
        for t in range(frames)
    ]
    noise = generator.integers(-47, 48, (frames, height, width, channels))
    return (np.stack(pattern) + noise).astype(np.uint8)


def as_seen(image: Image, video: np.ndarray) -> FloatArray:
    """What a network sees of a video, float32."""
    low, high = image.value_range
    values = video / 255 * (high - low) + low
    mean = np.array(image.mean or (0.0,) * image.channels)
    std = np.array(image.std or (1.0,) * image.channels)
    return ((values - mean) / std).astype(np.float32)


def well_conditioned_weights(network: Network, seed: int, video: np.ndarray) -> Weights:
    """Random weights, whose kernels give numbers of up to 2 for a video.

    Behind numbers that grow from layer to layer, rounding errors would say little.
    """
    weights = random_weights(network, seed)
    scaled: set[str] = set()
    recurrent = any(isinstance(node.layer, Previous) for node in network.nodes)

    def scale(node: Node, value: Any) -> Any:
        kernel, bias = f"{node.name}.kernel", f"{node.name}.bias"
        largest = float(np.abs(value).max())
        if kernel not in weights or node.name in scaled or not largest:
            return value
        scaled.add(node.name)
        # What is recurrent has seen nothing yet.
        factor = np.float32(min(2 / largest, 1) if recurrent else 2 / largest)
        weights[kernel] *= factor
        if bias in weights:
            weights[bias] *= factor
        return value * factor

    run_nodes(network, weights, as_seen(image_of(network), video)[None], rounded=scale)
    return weights


@dataclass
class _Sketch:
    """A network that is being drawn.

    Attributes:
        shapes: of the nodes so far, by name.
        read: nodes that others read.
        horizon: of all its running means.
    """

    choice: random.Random
    horizon: int | None = None
    builder: NetworkBuilder = field(init=False)
    shapes: dict[str, Shape] = field(default_factory=dict)
    read: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        choice = self.choice
        size = choice.choice([choice.randint(1, 4), choice.randint(5, 14)])
        other = choice.choice([size, choice.randint(1, 14)])
        channels = choice.randint(1, 5)
        image = Image(channels, *choice.choice(_RANGES))
        low, span = image.value_range[0], image.value_range[1] - image.value_range[0]
        if choice.random() < 0.3:
            image = Image(
                channels,
                image.value_range,
                tuple(low + span * choice.uniform(0.2, 0.6) for _ in range(channels)),
                tuple(span * choice.uniform(0.2, 0.5) for _ in range(channels)),
            )
        self.horizon = choice.choice((None, None, choice.randint(1, 4)))
        self.builder = NetworkBuilder("random", (size, other), image)
        self.shapes["image"] = (size, other, channels)

    @property
    def last(self) -> str:
        return self.builder.last

    def source(self) -> str:
        """Mostly the last node, sometimes any."""
        return self.last if self.choice.random() < 0.7 else self.any()

    def any(self) -> str:
        return self.choice.choice(list(self.shapes))

    def shape(self, name: str) -> Shape:
        return self.shapes[name]

    def add(self, layer: AnyLayer, *inputs: str, name: str = "") -> str:
        """Adds a node, unless it does not fit."""
        choice = self.choice
        inputs = inputs or (self.source(),)
        try:
            shape = RULES[type(layer)].shape(layer, tuple(self.shapes[i] for i in inputs))
        except LayerError:
            return self.last
        name = name or choice.choice(_NAMES).format(n=len(self.shapes))
        state = f"s{len(self.shapes)}" if choice.random() < 0.2 else ""
        tags = choice.sample(
            (SQUEEZE_EXCITE, SKIP, stage("a"), stage("b")), choice.choice((0, 0, 1))
        )
        with self.builder.tagged(*tags):
            self.builder.add(name, layer, *inputs, state=state)
        self.shapes[name] = shape
        self.read.update(inputs)
        return name

    def previous(self, node: str, shape: Shape) -> str:
        name = self.builder.previous(f"previous of {len(self.shapes)}", node, shape)
        self.shapes[name] = shape
        return name


_RANGES = (((0.0, 1.0),), ((-1.0, 1.0),), ((0.0, 255.0),), ((0.2, 0.9),))


def _padding(choice: random.Random, kernel: tuple[int, int]) -> Padding:
    most = kernel[0] - 1, kernel[1] - 1
    return choice.choice(
        [
            "same",
            (0, 0, 0, 0),
            (kernel[0] // 2,) * 2 + (kernel[1] // 2,) * 2,
            tuple(choice.randint(0, most[i // 2]) for i in range(4)),  # type: ignore[list-item]
        ]
    )


def _convolution(sketch: _Sketch) -> None:
    choice, source = sketch.choice, sketch.source()
    channels = sketch.shape(source)[2]
    depthwise = choice.random() < 0.3
    groups = 1
    if not depthwise and choice.random() < 0.3:
        groups = choice.choice([g for g in range(1, channels + 1) if channels % g == 0])
    filters = channels if depthwise else groups * choice.randint(1, 2 if groups > 1 else 8)
    if not depthwise and groups == 1 and choice.random() < 0.1:
        filters = 36
    pointwise = choice.random() < 0.3
    size = (1, 1) if pointwise else (choice.randint(1, 4), choice.randint(1, 4))
    layer = Convolution(
        filters,
        (choice.choice((1, 1, 2, 3)), *size),
        choice.choice(((1, 1), (1, 1), (2, 2), (1, 2), (3, 2))),
        depthwise,
        choice.random() < 0.5,
        groups,
        (choice.choice((1, 1, 2)), *choice.choice(((1, 1), (1, 1), (2, 2), (1, 2)))),
        _padding(choice, size),
    )
    _followed(sketch, sketch.add(layer, source))


def _followed(sketch: _Sketch, name: str) -> None:
    """What mostly stands behind a convolution: it may be folded into it."""
    choice = sketch.choice
    for _ in range(choice.choice((0, 0, 1, 1, 2))):
        layer = choice.choice((BatchNormalization(), BatchNormalization(1e-5), Scale()))
        name = sketch.add(layer, name)
    if choice.random() < 0.5:
        sketch.add(Activation(choice.choice(_FUNCTIONS)), name)


def _pool(sketch: _Sketch) -> None:
    choice = sketch.choice
    kind = choice.choice(("average", "max"))
    size = choice.randint(1, 3), choice.randint(1, 3)
    counts = kind == "average" and choice.random() < 0.5
    stride = choice.randint(1, 3), choice.randint(1, 3)
    sketch.add(Pool(kind, size, stride, _padding(choice, size), counts))  # type: ignore[arg-type]


def _pointwise(sketch: _Sketch) -> None:
    choice = sketch.choice
    layers = [
        Activation(choice.choice(_FUNCTIONS)),
        LeakyRelu(choice.choice((0.01, 0.3))),
        ParametricRelu(),
        Softmax(),
        BatchNormalization(),
        Scale(),
    ]
    source = sketch.source()
    if sketch.shape(source)[2] > 3:
        layers.append(ChannelNormalization(1e-2))
    for layer in choice.sample(layers, choice.choice((1, 1, 2))):
        sketch.add(layer, source)


def _joined(sketch: _Sketch) -> None:
    """Two or more nodes that fit each other, or one twice."""
    choice, first = sketch.choice, sketch.source()
    kind = choice.choice((Add, Multiply, Concatenate))
    others = [name for name in sketch.shapes if _fits(kind, sketch, (first, name))]
    inputs = [first, choice.choice(others)]
    choice.shuffle(inputs)
    if kind is Concatenate:
        inputs += [choice.choice(others) for _ in range(choice.choice((0, 0, 1, 4)))]
        inputs = inputs[: 1 if choice.random() < 0.05 else None]
    elif kind is Multiply:
        # A product of two large numbers is a larger one.
        inputs[1] = sketch.add(Activation(ActivationFunction.SIGMOID), inputs[1])
    if _fits(kind, sketch, tuple(inputs)):
        sketch.add(kind(), *inputs)


def _fits(kind: type, sketch: _Sketch, names: tuple[str, ...]) -> bool:
    try:
        RULES[kind].shape(kind(), tuple(sketch.shape(name) for name in names))
    except LayerError:
        return False
    return True


def _slice(sketch: _Sketch) -> None:
    source = sketch.source()
    start = sketch.choice.randrange(sketch.shape(source)[2])
    sketch.add(Slice(start, sketch.choice.randint(start + 1, sketch.shape(source)[2])), source)


def _shift(sketch: _Sketch) -> None:
    """A temporal shift of channels."""
    source = sketch.source()
    channels = sketch.shape(source)[2]
    if channels > 1:
        cut = sketch.choice.randrange(1, channels)
        past = sketch.add(Delay(sketch.choice.randint(1, 2)), sketch.add(Slice(0, cut), source))
        sketch.add(Concatenate(), past, sketch.add(Slice(cut, channels), source))


def _time(sketch: _Sketch) -> None:
    choice, source = sketch.choice, sketch.source()
    layers = [
        Delay(choice.randint(1, 3)),
        WindowMean(choice.randint(1, 4)),
        TemporalMean(sketch.horizon),
        TemporalMean(sketch.horizon),
    ]
    if sketch.shape(source)[2] % 2 == 0:
        layers.append(PositionalEncoding())
    sketch.add(choice.choice(layers), source)
    if choice.random() < 0.2:
        # The same tensor is kept twice.
        sketch.add(choice.choice(layers), source)


def _excite(sketch: _Sketch) -> None:
    """A gate of channels by their means over the frame, over time, or both."""
    choice, source = sketch.choice, sketch.source()
    channels = sketch.shape(source)[2]
    with sketch.builder.tagged(SQUEEZE_EXCITE):
        mean = sketch.add(SpatialMean(), source)
        if choice.random() < 0.5:
            over_time = sketch.add(TemporalMean(sketch.horizon), mean)
            mean = sketch.add(Concatenate(), mean, over_time)
        hidden = sketch.add(Convolution(choice.choice((2, 3, 8)), bias=True), mean)
        hidden = sketch.add(Activation(choice.choice(_FUNCTIONS)), hidden)
        gate = sketch.add(Convolution(channels, bias=True), hidden)
        function = choice.choice(("sigmoid", "hard_sigmoid", "hard_sigmoid_keras"))
        gate = sketch.add(Activation(ActivationFunction(function)), gate)
        product = sketch.add(Multiply(), source, gate)
    if choice.random() < 0.7:
        time = choice.choice((1, 1, 2))
        _followed(sketch, sketch.add(Convolution(choice.randint(1, 6), (time, 1, 1)), product))


def _recurrent(sketch: _Sketch) -> None:
    """h = tanh(W x + U h), of frames or of vectors; sometimes with a gate."""
    choice, source = sketch.choice, sketch.source()
    height, width, _ = sketch.shape(source)
    units = choice.randint(1, 4)
    shape = height, width, units
    kernel = choice.choice(((1, 1, 1), (1, 3, 3)))
    name = f"h{len(sketch.shapes)}"
    before = sketch.previous(name, shape)
    taken = sketch.add(Convolution(units, kernel, bias=True), source)
    kept = sketch.add(Convolution(units, kernel), before)
    total = sketch.add(Add(), taken, kept)
    if choice.random() < 0.5:
        gate = sketch.add(Activation(ActivationFunction.SIGMOID), total)
        total = sketch.add(Multiply(), gate, before)
        total = sketch.add(Add(), total, taken)
    sketch.add(Activation(ActivationFunction.TANH), total, name=name)


def _late(sketch: _Sketch) -> None:
    """What any node gave for the frame before."""
    source = sketch.any()
    sketch.previous(source, sketch.shape(source))


_STEPS = (
    _convolution,
    _convolution,
    _convolution,
    _convolution,
    _pool,
    _pool,
    _pointwise,
    _pointwise,
    _joined,
    _joined,
    _slice,
    _shift,
    _time,
    _time,
    _excite,
    _excite,
    _recurrent,
    _late,
    lambda sketch: sketch.add(SpatialMean()),
    lambda sketch: sketch.add(Dense(sketch.choice.randint(1, 40), sketch.choice.random() < 0.5)),
)


def _finish(sketch: _Sketch, classes: int, recurrent_logits: bool) -> None:
    """Logits, of any kind."""
    choice = sketch.choice
    vector = sketch.last
    unread = [name for name in sketch.shapes if name not in {*sketch.read, vector}]
    if sketch.shape(vector)[:2] != (1, 1) and choice.random() < 0.6:
        vector = sketch.add(SpatialMean(), vector)
        if choice.random() < 0.5:
            vector = sketch.add(TemporalMean(sketch.horizon), vector)
    # What nobody reads has a say too.
    if sketch.shape(vector)[:2] == (1, 1):
        for name in unread:
            vector = sketch.add(Concatenate(), vector, sketch.add(SpatialMean(), name))
    if recurrent_logits:
        vector = sketch.add(Dense(classes), vector)
        bounded = choice.choice((Softmax(), Activation(ActivationFunction.TANH)))
        sketch.add(bounded, vector, name="logits")
        return
    if sketch.shape(vector)[:2] != (1, 1) or choice.random() < 0.8:
        vector = sketch.add(Dense(classes, choice.random() < 0.8), vector)
    for _ in range(choice.choice((0, 0, 0, 1, 2))):
        layers = [
            Delay(1),
            WindowMean(2),
            TemporalMean(sketch.horizon),
            SpatialMean(),
            BatchNormalization(),
            Scale(),
            Softmax(),
            Activation(choice.choice(_FUNCTIONS)),
            Convolution(classes, (choice.choice((1, 2)), 1, 1)),
        ]
        vector = sketch.add(choice.choice(layers), vector)
