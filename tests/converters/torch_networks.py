"""Small causal networks as people write them in PyTorch, for tests that have it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

FRAMES, SIDE, CLASSES = 9, 32, 5

Make: TypeAlias = Callable[[Any], Any]
"""A module, given ``torch``; what it gives is (1, frames, classes) of a clip (1, 3, T, H, W)."""


def _stem(nn: Any, channels: int, activation: Any = None) -> Any:
    layers = (
        nn.Conv2d(3, channels, 3, 2, 1, bias=False),
        nn.BatchNorm2d(channels),
        activation or nn.ReLU(inplace=True),
    )
    return nn.Sequential(*layers)


def _of_each_frame(net: Any, x: Any) -> Any:
    """A network of images over (N, C, T, H, W): (N, T, …)."""
    n, c, t, h, w = x.shape
    y = net(x.transpose(1, 2).reshape(n * t, c, h, w))
    return y.reshape(n, t, *y.shape[1:])


def tcn(torch: Any) -> Any:
    """Of locuslab: weight norm, padding on both sides, Chomp1d."""
    nn = torch.nn
    weight_norm = torch.nn.utils.parametrizations.weight_norm

    class Chomp1d(nn.Module):  # type: ignore[misc]
        def __init__(self, size: int) -> None:
            super().__init__()
            self.size = size

        def forward(self, x: Any) -> Any:
            return x[:, :, : -self.size].contiguous()

    class Block(nn.Module):  # type: ignore[misc]
        def __init__(self, inputs: int, outputs: int, gap: int) -> None:
            super().__init__()
            layers: list[Any] = []
            for count in (inputs, outputs):
                conv = nn.Conv1d(count, outputs, 3, padding=2 * gap, dilation=gap)
                layers += [weight_norm(conv), Chomp1d(2 * gap), nn.ReLU(), nn.Dropout(0.2)]
            self.net = nn.Sequential(*layers)
            self.downsample = nn.Conv1d(inputs, outputs, 1) if inputs != outputs else None
            self.relu = nn.ReLU()

        def forward(self, x: Any) -> Any:
            y = self.net(x)
            res = x if self.downsample is None else self.downsample(x)
            return self.relu(y + res)

    class Net(nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.features = nn.Sequential(_stem(nn, 8), nn.AdaptiveAvgPool2d(1), nn.Flatten())
            self.tcn = nn.Sequential(Block(8, 8, 1), Block(8, 12, 2), Block(12, 12, 4))
            self.head = nn.Linear(12, CLASSES)

        def forward(self, x: Any) -> Any:
            y = _of_each_frame(self.features, x).transpose(1, 2)
            return self.head(self.tcn(y).transpose(1, 2))

    return Net()


def tsm_in_place(torch: Any) -> Any:
    """The shift as TSM's code has it: slices of zeros are written."""
    nn = torch.nn

    class Block(nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(16, 16, 3, padding=1)

        def forward(self, x: Any, segments: int) -> Any:
            nt, c, h, w = x.size()
            y = x.view(nt // segments, segments, c, h, w)
            fold = c // 8
            out = torch.zeros_like(y)
            out[:, 1:, :fold] = y[:, :-1, :fold]
            out[:, 2:, fold : 2 * fold] = y[:, :-2, fold : 2 * fold]
            out[:, :, 2 * fold :] = y[:, :, 2 * fold :]
            return x + self.conv(out.view(nt, c, h, w)).relu()

    class Net(nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.stem = _stem(nn, 16)
            self.blocks = nn.ModuleList([Block(), Block()])
            self.head = nn.Linear(16, CLASSES)

        def forward(self, x: Any) -> Any:
            n, c, t, h, w = x.shape
            y = self.stem(x.transpose(1, 2).reshape(n * t, c, h, w))
            for block in self.blocks:
                y = block(y, t)
            return self.head(y.mean((2, 3))).view(n, t, -1)

    return Net()


def tsm_of_a_copy(torch: Any) -> Any:
    """Some channels of a copy are written over."""
    nn = torch.nn

    class Net(nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv3d(3, 8, (1, 3, 3), (1, 2, 2), (0, 1, 1))
            self.mix = nn.Conv3d(8, 8, 1)
            self.head = nn.Linear(8, CLASSES)

        def forward(self, x: Any) -> Any:
            y = self.conv(x).relu()
            z = y.clone()
            z[:, :2, 1:] = y[:, :2, :-1]
            z[:, :2, 0] = 0
            y = y + self.mix(z)
            return self.head(y.mean((3, 4)).transpose(1, 2))

    return Net()


def conv_gru(torch: Any) -> Any:
    """A loop over frames."""
    nn = torch.nn

    class Cell(nn.Module):  # type: ignore[misc]
        def __init__(self, inputs: int, hidden: int) -> None:
            super().__init__()
            self.hidden = hidden
            self.gates = nn.Conv2d(inputs + hidden, 2 * hidden, 3, padding=1)
            self.candidate = nn.Conv2d(inputs + hidden, hidden, 3, padding=1)

        def forward(self, x: Any, h: Any) -> Any:
            if h is None:
                h = torch.zeros(x.shape[0], self.hidden, *x.shape[2:])
            both = torch.cat([x, h], 1)
            r, z = torch.sigmoid(self.gates(both)).chunk(2, 1)
            n = torch.tanh(self.candidate(torch.cat([x, r * h], 1)))
            return (1 - z) * h + z * n

    class Net(nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.stem, self.cell = _stem(nn, 6), Cell(6, 4)
            self.head = nn.Linear(4, CLASSES)

        def forward(self, x: Any) -> Any:
            y, h, given = _of_each_frame(self.stem, x), None, []
            for frame in range(y.shape[1]):
                h = self.cell(y[:, frame], h)
                given.append(self.head(h.mean((2, 3))))
            return torch.stack(given, dim=1)

    return Net()


def lstm_cell(torch: Any) -> Any:
    """A loop of an LSTM's and a GRU's cell."""
    nn = torch.nn

    class Net(nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.stem = _stem(nn, 6)
            self.one, self.two = nn.LSTMCell(6, 4), nn.GRUCell(4, 5)

        def forward(self, x: Any) -> Any:
            y = _of_each_frame(self.stem, x).mean((3, 4))
            h = c = torch.zeros(y.shape[0], 4)
            g = torch.zeros(y.shape[0], 5)
            given = []
            for v in y.unbind(1):
                h, c = self.one(v, (h, c))
                g = self.two(h, g)
                given.append(g)
            return torch.stack(given, 1)

    return Net()


def r2plus1d(torch: Any) -> Any:
    """Factorised kernels, padded before the clip, and squeeze-excite of each frame."""
    nn, functional = torch.nn, torch.nn.functional

    class Temporal(nn.Module):  # type: ignore[misc]
        def __init__(self, channels: int) -> None:
            super().__init__()
            self.conv = nn.Conv3d(channels, channels, (3, 1, 1), bias=False)

        def forward(self, x: Any) -> Any:
            return self.conv(functional.pad(x, (0, 0, 0, 0, 2, 0)))

    class Gate(nn.Module):  # type: ignore[misc]
        def __init__(self, channels: int) -> None:
            super().__init__()
            self.fc1 = nn.Conv3d(channels, channels // 2, 1)
            self.fc2 = nn.Conv3d(channels // 2, channels, 1)

        def forward(self, x: Any) -> Any:
            s = x.mean((-2, -1), keepdim=True)
            return x * torch.sigmoid(self.fc2(functional.relu(self.fc1(s))))

    class Block(nn.Module):  # type: ignore[misc]
        def __init__(self, inputs: int, outputs: int, stride: int) -> None:
            super().__init__()
            self.space = nn.Conv3d(
                inputs, outputs, (1, 3, 3), (1, stride, stride), (0, 1, 1), bias=False
            )
            self.bn1, self.bn2 = nn.BatchNorm3d(outputs), nn.BatchNorm3d(outputs)
            self.time, self.gate = Temporal(outputs), Gate(outputs)
            self.shortcut = nn.Sequential(
                nn.Conv3d(inputs, outputs, 1, (1, stride, stride), bias=False),
                nn.BatchNorm3d(outputs),
            )

        def forward(self, x: Any) -> Any:
            y = functional.silu(self.bn1(self.space(x)))
            return functional.relu(self.gate(self.bn2(self.time(y))) + self.shortcut(x))

    class Net(nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.blocks = nn.Sequential(Block(3, 8, 2), Block(8, 12, 2))
            self.pool = nn.AdaptiveAvgPool3d((None, 1, 1))
            self.head = nn.Conv3d(12, CLASSES, 1)

        def forward(self, x: Any) -> Any:
            y = self.head(self.pool(self.blocks(x)))
            return y.squeeze(-1).squeeze(-1).permute(0, 2, 1)

    return Net()


def mobilenet_and_gru(torch: Any) -> Any:
    """Inverted residuals of MobileNetV3 on each frame, and a GRU over them."""
    nn = torch.nn

    class SqueezeExcitation(nn.Module):  # type: ignore[misc]
        def __init__(self, channels: int) -> None:
            super().__init__()
            self.avgpool = nn.AdaptiveAvgPool2d(1)
            self.fc1, self.fc2 = nn.Conv2d(channels, 4, 1), nn.Conv2d(4, channels, 1)
            self.activation, self.scale_activation = nn.ReLU(), nn.Hardsigmoid()

        def forward(self, x: Any) -> Any:
            scale = self.activation(self.fc1(self.avgpool(x)))
            return self.scale_activation(self.fc2(scale)) * x

    class InvertedResidual(nn.Module):  # type: ignore[misc]
        def __init__(self, channels: int, expanded: int) -> None:
            super().__init__()
            self.block = nn.Sequential(
                nn.Conv2d(channels, expanded, 1, bias=False),
                nn.BatchNorm2d(expanded, eps=0.001),
                nn.Hardswish(inplace=True),
                nn.Conv2d(expanded, expanded, 5, 1, 2, groups=expanded, bias=False),
                nn.BatchNorm2d(expanded, eps=0.001),
                nn.Hardswish(inplace=True),
                SqueezeExcitation(expanded),
                nn.Conv2d(expanded, channels, 1, bias=False),
                nn.BatchNorm2d(channels, eps=0.001),
            )

        def forward(self, x: Any) -> Any:
            result = self.block(x)
            result += x
            return result

    class Net(nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.features = nn.Sequential(
                _stem(nn, 8, nn.Hardswish(inplace=True)), InvertedResidual(8, 16)
            )
            self.gru = nn.GRU(8, 6, num_layers=2, batch_first=True)
            self.head = nn.Sequential(nn.LayerNorm(6), nn.Linear(6, CLASSES))

        def forward(self, x: Any) -> Any:
            b, c, t, h, w = x.shape
            y = x.permute(0, 2, 1, 3, 4).contiguous().view(b * t, c, h, w)
            y = self.features(y)
            y = torch.flatten(torch.nn.functional.adaptive_avg_pool2d(y, 1), 1)
            y, _ = self.gru(y.view(b, t, -1))
            return self.head(y)

    return Net()


def efficientnet_3d(torch: Any) -> Any:
    """Depthwise separable kernels of 3 frames, and gates of the mean so far."""
    nn, functional = torch.nn, torch.nn.functional

    class CausalConv3d(nn.Conv3d):  # type: ignore[misc]
        def forward(self, x: Any) -> Any:
            x = functional.pad(x, (1, 1, 1, 1, self.kernel_size[0] - 1, 0))
            return super().forward(x)

    class Gate(nn.Module):  # type: ignore[misc]
        def __init__(self, channels: int) -> None:
            super().__init__()
            self.reduce, self.expand = nn.Conv3d(channels, 4, 1), nn.Conv3d(4, channels, 1)

        def forward(self, x: Any) -> Any:
            mean = x.mean([3, 4], keepdim=True)
            count = torch.arange(1, x.shape[2] + 1, dtype=x.dtype).view(1, 1, -1, 1, 1)
            mean = torch.cumsum(mean, 2) / count
            return x * self.expand(functional.silu(self.reduce(mean))).sigmoid()

    class MBConv(nn.Module):  # type: ignore[misc]
        def __init__(self, channels: int) -> None:
            super().__init__()
            wide = 2 * channels
            self.layers = nn.Sequential(
                nn.Conv3d(channels, wide, 1, bias=False),
                nn.BatchNorm3d(wide),
                nn.SiLU(),
                CausalConv3d(wide, wide, 3, groups=wide, bias=False),
                nn.BatchNorm3d(wide),
                nn.SiLU(),
                Gate(wide),
                nn.Conv3d(wide, channels, 1, bias=False),
                nn.BatchNorm3d(channels),
            )

        def forward(self, x: Any) -> Any:
            return x + self.layers(x)

    class Net(nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.stem = CausalConv3d(3, 8, 3, stride=(1, 2, 2), bias=False)
            self.blocks = nn.Sequential(MBConv(8), MBConv(8))
            self.head = nn.Linear(8, CLASSES)

        def forward(self, x: Any) -> Any:
            y = self.blocks(functional.silu(self.stem(x)))
            return self.head(y.mean(dim=(-1, -2)).permute(0, 2, 1))

    return Net()


def cnn_and_lstm(torch: Any) -> Any:
    nn = torch.nn

    class Net(nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.cnn = nn.Sequential(
                nn.Conv2d(3, 8, 5, 2),
                nn.LeakyReLU(0.1),
                nn.MaxPool2d(2),
                nn.Conv2d(8, 6, 3),
                nn.GELU(),
                nn.Flatten(),
                nn.Linear(150, 12),
                nn.ReLU(),
            )
            self.lstm = nn.LSTM(12, 7, num_layers=2, batch_first=True)
            self.fc = nn.Linear(7, CLASSES)

        def forward(self, x: Any) -> Any:
            features = [self.cnn(x[:, :, t, :, :]) for t in range(x.size(2))]
            out, _ = self.lstm(torch.stack(features, dim=0).transpose(0, 1))
            return self.fc(out)

    return Net()


def last_of_lstm(torch: Any) -> Any:
    """The answer to the last frame alone."""
    nn = torch.nn

    class Net(nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.stem = _stem(nn, 6)
            self.lstm = nn.LSTM(6, 7, batch_first=True)
            self.fc = nn.Linear(7, CLASSES)

        def forward(self, x: Any) -> Any:
            out, _ = self.lstm(_of_each_frame(self.stem, x).mean((3, 4)))
            return self.fc(out[:, -1, :])

    return Net()


def wavenet(torch: Any) -> Any:
    """Dilated kernels, gated by tanh · sigmoid, with skips."""
    nn, functional = torch.nn, torch.nn.functional

    class Net(nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.stem = _stem(nn, 8)
            self.filters = nn.ModuleList(nn.Conv1d(8, 8, 2, dilation=2**i) for i in range(3))
            self.gates = nn.ModuleList(nn.Conv1d(8, 8, 2, dilation=2**i) for i in range(3))
            self.skips = nn.ModuleList(nn.Conv1d(8, 10, 1) for _ in range(3))
            self.head = nn.Conv1d(10, CLASSES, 1)

        def forward(self, x: Any) -> Any:
            y = _of_each_frame(self.stem, x).mean((3, 4)).transpose(1, 2)
            skip = 0
            for i, (f, g, s) in enumerate(zip(self.filters, self.gates, self.skips, strict=True)):
                padded = functional.pad(y, (2**i, 0))
                z = torch.tanh(f(padded)) * torch.sigmoid(g(padded))
                skip = skip + s(z)
                y = y + z
            return self.head(functional.relu(skip)).transpose(1, 2)

    return Net()


def difference(torch: Any) -> Any:
    """Two streams: frames, and what has changed since the frame before."""
    nn, functional = torch.nn, torch.nn.functional

    class Net(nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.look, self.motion = _stem(nn, 6), _stem(nn, 6)
            self.head = nn.Linear(12, CLASSES)

        def forward(self, x: Any) -> Any:
            diff = x[:, :, 1:] - x[:, :, :-1]
            diff = functional.pad(diff, (0, 0, 0, 0, 1, 0))
            look, motion = (
                _of_each_frame(net, y).mean((3, 4))
                for net, y in ((self.look, x), (self.motion, diff))
            )
            return self.head(torch.cat([look, motion], dim=-1))

    return Net()


def running_maximum(torch: Any) -> Any:
    """The largest of the last frames."""
    nn, functional = torch.nn, torch.nn.functional

    class Net(nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.stem, self.head = _stem(nn, 8), nn.Linear(8, CLASSES)

        def forward(self, x: Any) -> Any:
            y = _of_each_frame(self.stem, x).mean((3, 4)).transpose(1, 2)
            y = functional.max_pool1d(functional.pad(y, (3, 0)), 4, 1)
            return self.head(y.transpose(1, 2))

    return Net()


def shuffle(torch: Any) -> Any:
    """ShuffleNetV2's units, and a causal depthwise kernel."""
    nn, functional = torch.nn, torch.nn.functional

    def channel_shuffle(x: Any, groups: int) -> Any:
        n, c, h, w = x.size()
        x = x.view(n, groups, c // groups, h, w)
        x = torch.transpose(x, 1, 2).contiguous()
        return x.view(n, c, h, w)

    class Unit(nn.Module):  # type: ignore[misc]
        def __init__(self, channels: int) -> None:
            super().__init__()
            half = channels // 2
            self.branch = nn.Sequential(
                nn.Conv2d(half, half, 1, bias=False),
                nn.BatchNorm2d(half),
                nn.ReLU(inplace=True),
                nn.Conv2d(half, half, 3, 1, 1, groups=half, bias=False),
                nn.BatchNorm2d(half),
            )

        def forward(self, x: Any) -> Any:
            x1, x2 = x.chunk(2, dim=1)
            return channel_shuffle(torch.cat((x1, self.branch(x2)), dim=1), 2)

    class Net(nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.features = nn.Sequential(_stem(nn, 8), nn.MaxPool2d(3, 2, 1), Unit(8), Unit(8))
            self.time = nn.Conv1d(8, 8, 3, groups=8)
            self.head = nn.Linear(8, CLASSES)

        def forward(self, x: Any) -> Any:
            y = _of_each_frame(self.features, x).mean([3, 4])
            y = self.time(functional.pad(y.mT, (2, 0))).mT
            return self.head(y)

    return Net()


def normalised_by_groups(torch: Any) -> Any:
    """Each frame by itself: GroupNorm, Mish, a pixel's LayerNorm, as of ConvNeXt."""
    nn = torch.nn

    class Net(nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.stem = nn.Conv2d(3, 8, 4, 4)
            self.norm = nn.LayerNorm(8)
            self.up, self.down = nn.Linear(8, 16), nn.Linear(16, 8)
            self.gamma = nn.Parameter(torch.full((8,), 0.5))
            self.head = nn.Linear(8, CLASSES)

        def forward(self, x: Any) -> Any:
            n, c, t, h, w = x.shape
            y = self.stem(x.transpose(1, 2).reshape(n * t, c, h, w))
            z = self.norm(y.permute(0, 2, 3, 1))
            z = self.gamma * self.down(nn.functional.gelu(self.up(z)))
            y = y + z.permute(0, 3, 1, 2)
            return self.head(y.mean((-2, -1))).reshape(n, t, -1)

    return Net()


def einsum(torch: Any) -> Any:
    """Products written as sums over letters, and a learned mix of the last frames."""
    nn, functional = torch.nn, torch.nn.functional

    class Net(nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.stem = _stem(nn, 8)
            self.mix = nn.Parameter(torch.rand(8, 6) - 0.5)
            self.head = nn.Parameter(torch.rand(CLASSES, 6) - 0.5)

        def forward(self, x: Any) -> Any:
            y = _of_each_frame(self.stem, x).mean((3, 4))
            y = torch.einsum("btc,cd->btd", y, self.mix).square()
            before = functional.pad(y, (0, 0, 1, 0))[:, :-1]
            y = torch.stack([y, before], dim=-1).sum(-1) + torch.maximum(y, before)
            return torch.einsum("btd,kd->btk", y, self.head)

    return Net()


def windowed_attention(torch: Any) -> Any:
    """Attention over the last frames, with a band as its mask."""
    nn, functional = torch.nn, torch.nn.functional

    class Net(nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.stem, self.qkv = _stem(nn, 8), nn.Linear(8, 24)
            self.out, self.norm = nn.Linear(8, 8), nn.LayerNorm(8)
            self.head = nn.Linear(8, CLASSES)

        def forward(self, x: Any) -> Any:
            y = _of_each_frame(self.stem, x).mean((3, 4))
            b, t, c = y.shape
            q, k, v = self.qkv(self.norm(y)).chunk(3, -1)
            q, k, v = (each.view(b, t, 2, c // 2).transpose(1, 2) for each in (q, k, v))
            i = torch.arange(t)
            mask = (i[:, None] >= i[None, :]) & (i[:, None] - i[None, :] < 4)
            z = functional.scaled_dot_product_attention(q, k, v, attn_mask=mask)
            y = y + self.out(z.transpose(1, 2).reshape(b, t, c))
            return self.head(y)

    return Net()


def transformer(torch: Any) -> Any:
    """An encoder whose mask shows the last frames alone."""
    nn = torch.nn

    class Net(nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.stem = _stem(nn, 8)
            layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, activation="gelu")
            self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
            self.head = nn.Linear(8, CLASSES)

        def forward(self, x: Any) -> Any:
            y = _of_each_frame(self.stem, x).mean((3, 4))
            ones = torch.ones(y.shape[1], y.shape[1])
            mask = torch.triu(ones, 1) + torch.tril(ones, -3)
            mask = mask.masked_fill(mask > 0, float("-inf"))
            return self.head(self.encoder(y, mask=mask, is_causal=False))

    return Net()


def causal_attention(torch: Any) -> Any:
    """Attention to all frames so far, of a stack of queries, keys and values."""
    nn, functional = torch.nn, torch.nn.functional

    class Net(nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.stem, self.qkv = _stem(nn, 8), nn.Linear(8, 24, bias=False)
            self.head = nn.Linear(8, CLASSES)

        def forward(self, x: Any) -> Any:
            y = _of_each_frame(self.stem, x).mean((3, 4))
            b, t, c = y.shape
            qkv = self.qkv(y).reshape(b, t, 3, 2, c // 2).permute(2, 0, 3, 1, 4)
            q, k, v = qkv[0], qkv[1], qkv[2]
            z = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
            return self.head(y + z.transpose(1, 2).reshape(b, t, c))

    return Net()


def states_of_recurrent_layers(torch: Any) -> Any:
    """The answer to the last frame, from each layer's state."""
    nn = torch.nn

    class Net(nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.stem, self.gru = _stem(nn, 6), nn.GRU(6, 7, num_layers=2, batch_first=True)
            self.first, self.last = nn.Linear(7, CLASSES), nn.Linear(7, CLASSES)

        def forward(self, x: Any) -> Any:
            _, h = self.gru(_of_each_frame(self.stem, x).mean((3, 4)))
            return self.first(h[0]) + self.last(h[-1])

    return Net()


NETWORKS: tuple[Make, ...] = (
    tcn,
    tsm_in_place,
    tsm_of_a_copy,
    conv_gru,
    lstm_cell,
    r2plus1d,
    mobilenet_and_gru,
    efficientnet_3d,
    cnn_and_lstm,
    last_of_lstm,
    wavenet,
    difference,
    running_maximum,
    shuffle,
    normalised_by_groups,
    einsum,
    windowed_attention,
    transformer,
    states_of_recurrent_layers,
)
