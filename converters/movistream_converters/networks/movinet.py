"""MoViNet A0 to A5, T0 and N0, described on the layers of :mod:`.ir.network`.

Source of the architectures: arXiv 2103.11511, tables 8 to 14, as released in TensorFlow Model
Garden (``official/projects/movinet``). A *stream* model is causal, a *base* model is not. N0, for
small images and few classes, is this project's own.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from movistream_converters.ir.builder import NetworkBuilder
from movistream_converters.ir.layers import (
    Activation,
    ActivationFunction,
    Add,
    BatchNormalization,
    Concatenate,
    Convolution,
    Multiply,
    Pool,
    PositionalEncoding,
    Scale,
    SpatialMean,
    TemporalMean,
)
from movistream_converters.ir.network import Network
from movistream_converters.ir.tags import SKIP, SQUEEZE_EXCITE, stage

SQUEEZE_RATIO = 0.25
CHANNEL_DIVISOR = 8


class ConvolutionType(str, Enum):
    """How a (time, height, width) kernel is built.

    ``2plus1d`` and ``3d_2plus1d`` compute the same function, a spatial then a temporal kernel,
    and differ in how checkpoints store it; ``3d`` is one joint kernel.
    """

    SEPARATE_2D = "2plus1d"
    SEPARATE_3D = "3d_2plus1d"
    JOINT = "3d"


class SqueezeExciteType(str, Enum):
    """What squeeze-excite looks at: time and space, space, both concatenated, or no gate."""

    SPACE_TIME = "3d"
    SPACE = "2d"
    BOTH = "2plus3d"
    NONE = "none"


@dataclass(frozen=True)
class LayerSpec:
    """One block of a stage: its temporal and spatial kernel sizes and its expansion channels.

    Attributes:
        squeeze_excite: whether it has a gate, in a network whose type of squeeze-excite is not
            ``none``.
    """

    kernel_frames: int
    kernel_size: int
    expand_filters: int
    squeeze_excite: bool = True


@dataclass(frozen=True)
class Stage:
    """Consecutive blocks with one output width; the first block carries the stride."""

    filters: int
    stride: int
    layers: tuple[LayerSpec, ...]


@dataclass(frozen=True)
class Architecture:
    """One member of the family, with the settings that its released stream model was trained at."""

    stem_filters: int
    stages: tuple[Stage, ...]
    head_filters: int
    hidden_filters: int
    image_size: int = 172
    frames_per_second: int = 5
    clip_frames: int = 50
    stream_head_activation: ActivationFunction = ActivationFunction.SWISH
    stream_positional_encoding: bool = False
    stream_activation: ActivationFunction = ActivationFunction.HARD_SWISH
    stream_se_type: SqueezeExciteType = SqueezeExciteType.BOTH


def _stage(filters: int, stride: int, layers: str) -> Stage:
    """``"53:184"`` is a kernel of 5 frames and 3 × 3 pixels on 184 expansion channels."""
    parsed = (layer.split(":") for layer in layers.split())
    return Stage(filters, stride, tuple(LayerSpec(int(k[0]), int(k[1]), int(e)) for k, e in parsed))


ARCHITECTURES: dict[str, Architecture] = {
    "a0": Architecture(
        stem_filters=8,
        stages=(
            _stage(8, 2, "15:24"),
            _stage(32, 2, "33:80 33:80 33:80"),
            _stage(56, 2, "53:184 33:112 33:184"),
            _stage(56, 1, "53:184 33:184 33:184 33:184"),
            _stage(104, 2, "53:384 15:280 15:280 15:344"),
        ),
        head_filters=480,
        hidden_filters=2048,
        image_size=172,
        frames_per_second=5,
        clip_frames=50,
    ),
    "a1": Architecture(
        stem_filters=16,
        stages=(
            _stage(16, 2, "15:40 33:40"),
            _stage(40, 2, "33:96 33:120 33:96 33:96"),
            _stage(64, 2, "53:216 33:128 33:216 33:168 33:216"),
            _stage(64, 1, "53:216 33:216 33:216 33:128 15:128 33:216"),
            _stage(136, 2, "53:456 15:360 15:360 15:360 15:456 33:456 13:544"),
        ),
        head_filters=600,
        hidden_filters=2048,
        image_size=172,
        frames_per_second=5,
        clip_frames=50,
        stream_head_activation=ActivationFunction.HARD_SWISH,
    ),
    "a2": Architecture(
        stem_filters=16,
        stages=(
            _stage(16, 2, "15:40 33:40 33:64"),
            _stage(40, 2, "33:96 33:120 33:96 33:96 33:120"),
            _stage(72, 2, "53:240 33:160 33:240 33:192 33:240"),
            _stage(72, 1, "53:240 33:240 33:240 33:240 15:144 33:240"),
            _stage(144, 2, "53:480 15:384 15:384 15:480 15:480 33:480 13:576"),
        ),
        head_filters=640,
        hidden_filters=2048,
        image_size=224,
        frames_per_second=5,
        clip_frames=50,
    ),
    "a3": Architecture(
        stem_filters=16,
        stages=(
            _stage(16, 2, "15:40 33:40 33:64 33:40"),
            _stage(48, 2, "33:112 33:144 33:112 15:112 33:144 33:144"),
            _stage(80, 2, "53:240 33:152 33:240 33:192 33:240"),
            _stage(88, 1, "53:264 33:264 33:264 33:264 15:160 33:264 33:264 33:264"),
            _stage(
                168,
                2,
                "53:560 15:448 15:448 15:560 15:560 33:560 15:448 15:448 33:560 13:672",
            ),
        ),
        head_filters=744,
        hidden_filters=2048,
        image_size=256,
        frames_per_second=12,
        clip_frames=120,
        stream_positional_encoding=True,
    ),
    "a4": Architecture(
        stem_filters=24,
        stages=(
            _stage(24, 2, "15:64 33:64 33:96 33:64 33:96 33:64"),
            _stage(56, 2, "33:168 33:168 33:136 33:136 33:168 33:168 33:168 15:136 33:136"),
            _stage(96, 2, "53:320 33:160 33:320 33:192 33:320 33:160 33:320 33:256 33:320"),
            _stage(
                96,
                1,
                "53:320 33:320 33:320 33:320 15:192 33:320 33:320 33:192 33:320 33:320",
            ),
            _stage(
                192,
                2,
                "53:640 15:512 15:512 15:640 15:640 33:640 15:512 15:512 15:640 "
                "15:768 15:640 33:640 33:768",
            ),
        ),
        head_filters=856,
        hidden_filters=2048,
        image_size=290,
        frames_per_second=8,
        clip_frames=80,
        stream_head_activation=ActivationFunction.HARD_SWISH,
        stream_positional_encoding=True,
    ),
    "a5": Architecture(
        stem_filters=24,
        stages=(
            _stage(24, 2, "15:64 15:64 33:96 33:64 33:96 33:64"),
            _stage(
                64,
                2,
                "53:192 33:152 33:152 33:152 33:192 33:192 33:192 33:152 33:152 33:192 33:192",
            ),
            _stage(
                112,
                2,
                "53:376 33:224 33:376 33:376 33:296 33:376 33:224 33:376 33:376 "
                "33:296 33:376 33:376 33:376",
            ),
            _stage(
                120,
                1,
                "53:376 33:376 33:376 33:376 15:224 33:376 33:376 33:224 33:376 33:376 33:376",
            ),
            _stage(
                224,
                2,
                "53:744 33:744 15:600 15:600 15:744 15:744 33:744 15:896 15:600 "
                "15:600 15:896 15:744 33:744 15:896 15:600 15:600 15:744 33:744",
            ),
        ),
        head_filters=992,
        hidden_filters=2048,
        image_size=320,
        frames_per_second=12,
        clip_frames=120,
        stream_positional_encoding=True,
    ),
    "t0": Architecture(
        stem_filters=8,
        stages=(
            _stage(8, 2, "15:16"),
            _stage(32, 2, "33:72 15:72"),
            _stage(56, 2, "53:112 15:112 33:112"),
            _stage(56, 1, "53:184 15:184 33:184 33:184"),
            _stage(104, 2, "53:344 15:344 15:344 33:344"),
        ),
        head_filters=240,
        hidden_filters=1024,
        image_size=172,
        frames_per_second=5,
        clip_frames=50,
    ),
    "n0": Architecture(
        stem_filters=8,
        stages=(
            _stage(16, 2, "35:16"),
            _stage(32, 2, "33:72"),
            _stage(48, 2, "33:112 33:112"),
            _stage(64, 2, "33:144"),
        ),
        head_filters=128,
        hidden_filters=128,
        image_size=96,
        frames_per_second=10,
        clip_frames=20,
    ),
}


CUSTOM = "custom"
"""In place of an architecture's name, where a table of one's own describes the blocks."""


@dataclass(frozen=True)
class MovinetOptions:
    """Everything that decides a MoViNet's graph.

    Attributes:
        architecture: a key of :data:`ARCHITECTURES`, or :data:`CUSTOM`.
        causal: True for a stream model.
        image_size: height and width of the input in pixels.
        frames_per_second: the rate of the frames that the network was trained on.
        horizon_frames: after so many frames, its running means forget; None: never. See
            :class:`.ir.layers.TemporalMean`.
        table: of a custom network's blocks.
    """

    architecture: str
    causal: bool
    convolution_type: ConvolutionType
    se_type: SqueezeExciteType
    activation: ActivationFunction
    gating: ActivationFunction
    head_activation: ActivationFunction
    positional_encoding: bool
    num_classes: int
    image_size: int
    frames_per_second: float
    horizon_frames: int | None = None
    table: Architecture | None = None

    @property
    def spec(self) -> Architecture:
        """The table of its blocks."""
        return ARCHITECTURES[self.architecture] if self.table is None else self.table

    @property
    def name(self) -> str:
        """Such as ``movinet-a0-stream``."""
        return f"movinet-{self.architecture}-{'stream' if self.causal else 'base'}"


def default_options(
    architecture: str, *, causal: bool = True, table: Architecture | None = None
) -> MovinetOptions:
    """The options of the released Kinetics-600 model of an architecture.

    T0 and N0 were never released; they take A0's, and so do custom networks.

    Args:
        table: of a custom network.
    """
    spec = ARCHITECTURES[architecture] if table is None else table
    return MovinetOptions(
        architecture=architecture,
        causal=causal,
        convolution_type=ConvolutionType.SEPARATE_2D if causal else ConvolutionType.JOINT,
        se_type=spec.stream_se_type if causal else SqueezeExciteType.SPACE_TIME,
        activation=spec.stream_activation if causal else ActivationFunction.SWISH,
        gating=ActivationFunction.HARD_SIGMOID if causal else ActivationFunction.SIGMOID,
        head_activation=spec.stream_head_activation if causal else ActivationFunction.SWISH,
        positional_encoding=causal and spec.stream_positional_encoding,
        num_classes=600,
        image_size=spec.image_size,
        frames_per_second=float(spec.frames_per_second),
        table=table,
    )


def make_divisible(value: float, divisor: int = CHANNEL_DIVISOR) -> int:
    """The nearest multiple of divisor, never below it nor more than 10 % under the value."""
    rounded = max(divisor, int(value + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < 0.9 * value else rounded


class _Builder(NetworkBuilder):
    """What MoViNets are built of."""

    def __init__(self, options: MovinetOptions) -> None:
        size = options.image_size
        super().__init__(options.name, (size, size), causal=options.causal)
        self.options = options

    def convolution(
        self, name: str, layer: Convolution, *, activate: bool = True, state: str = ""
    ) -> str:
        """Convolution, batch norm and activation."""
        self.add(f"{name}.conv", layer, state=state)
        last = self.add(f"{name}.bn", BatchNormalization())
        return self.add(f"{name}.act", Activation(self.options.activation)) if activate else last

    def feature(self, block: str, spec: LayerSpec, stride: int) -> str:
        """The depthwise convolution over space and time."""
        filters, size, frames = spec.expand_filters, spec.kernel_size, spec.kernel_frames
        strides = (stride, stride)
        if self.options.convolution_type is ConvolutionType.JOINT:
            layer = Convolution(filters, (frames, size, size), strides, depthwise=True)
            return self.convolution(f"{block}.feature", layer, state=block)
        layer = Convolution(filters, (1, size, size), strides, depthwise=True)
        last = self.convolution(f"{block}.feature", layer)
        if frames > 1:
            layer = Convolution(filters, (frames, 1, 1), depthwise=True)
            last = self.convolution(f"{block}.feature_temporal", layer, state=block)
        return last

    def squeeze_excite(self, block: str, feature: str, filters: int) -> str:
        """Gates the feature's channels by their means over space, time or both."""
        se_type = self.options.se_type
        space = self.add(f"{block}.se.space", SpatialMean(), feature)
        if se_type is not SqueezeExciteType.SPACE:
            mean = TemporalMean(self.options.horizon_frames)
            pool = self.add(f"{block}.se.pool", mean, space, state=block)
        if se_type is SqueezeExciteType.BOTH:
            self.add(f"{block}.se.concat", Concatenate(), pool, space)
        if self.options.positional_encoding:
            self.add(f"{block}.se.position", PositionalEncoding(), state=block)
        width = 2 if se_type is SqueezeExciteType.BOTH else 1
        hidden = make_divisible(SQUEEZE_RATIO * filters * width)
        self.add(f"{block}.se.reduce", Convolution(hidden, bias=True))
        self.add(f"{block}.se.act", Activation(self.options.activation))
        self.add(f"{block}.se.expand", Convolution(filters, bias=True))
        gate = self.add(f"{block}.se.gate", Activation(self.options.gating))
        return self.add(f"{block}.se.multiply", Multiply(), feature, gate)

    def block(self, block: str, spec: LayerSpec, filters: int, stride: int, project: bool) -> str:
        """An inverted bottleneck with a residual connection."""
        entry = self.last
        self.convolution(f"{block}.expansion", Convolution(spec.expand_filters))
        feature = self.feature(block, spec, stride)
        if spec.squeeze_excite and self.options.se_type is not SqueezeExciteType.NONE:
            with self.tagged(SQUEEZE_EXCITE):
                self.squeeze_excite(block, feature, spec.expand_filters)
        self.convolution(f"{block}.projection", Convolution(filters), activate=False)
        residual = self.add(f"{block}.rezero", Scale())
        if project:
            with self.tagged(SKIP):
                if stride > 1:
                    pool = Pool("average", (3, 3), (stride, stride))
                    entry = self.add(f"{block}.skip.pool", pool, entry)
                self.add(f"{block}.skip.conv", Convolution(filters), entry)
                entry = self.add(f"{block}.skip.bn", BatchNormalization())
        return self.add(f"{block}.add", Add(), residual, entry)


def build_movinet(options: MovinetOptions) -> Network:
    """The network that the options describe.

    Node names follow the released models: ``block0_layer1.expansion.conv`` and so on.
    """
    spec = options.spec
    builder = _Builder(options)
    with builder.tagged(stage("stem")):
        builder.convolution("stem", Convolution(spec.stem_filters, (1, 3, 3), (2, 2)))
    channels = spec.stem_filters
    for i, group in enumerate(spec.stages):
        with builder.tagged(stage(f"block{i}")):
            for j, layer in enumerate(group.layers):
                stride = group.stride if j == 0 else 1
                project = stride > 1 or channels != group.filters
                builder.block(f"block{i}_layer{j}", layer, group.filters, stride, project)
                channels = group.filters
    with builder.tagged(stage("head")):
        builder.convolution("head.project", Convolution(spec.head_filters))
        builder.add("head.space", SpatialMean())
        builder.add("head.pool", TemporalMean(options.horizon_frames), state="head")
    with builder.tagged(stage("classifier")):
        builder.add("classifier.hidden", Convolution(spec.hidden_filters, bias=True))
        builder.add("classifier.act", Activation(options.head_activation))
        builder.add("classifier.logits", Convolution(options.num_classes, bias=True))
    return builder.build()
