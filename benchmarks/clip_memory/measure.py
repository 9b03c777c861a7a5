"""Memory against the length of a clip: MoViNet-A0 as a stream, and as a base model.

    python measure.py TORCH_PYTHON FOLDER PICTURE.png

Measured in a fresh process for every length, as what building the model and running the clip add to
its libraries, beside what the descriptions add up to: weights, activations, states. The base model
runs in PyTorch, the stream in this project's runtime, both in float32.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import click
from matplotlib.figure import Figure

from movistream_converters.convert import convert
from movistream_converters.formats.movinet_options import movinet_source
from movistream_converters.ir.cost import BYTES_PER_VALUE, network_cost, peak_activation_bytes
from movistream_converters.ir.weights import random_weights
from movistream_converters.networks.movinet import build_movinet, default_options
from movistream_converters.tensorflow_import import import_tensorflow

HERE = Path(__file__).parent
LENGTHS = (1, 2, 4, 8, 16, 32, 50, 75, 100, 150, 200, 250, 300)


@click.command()
@click.argument("torch_python", type=click.Path(exists=True))
@click.argument("folder", type=click.Path(path_type=Path))
@click.argument("picture", type=click.Path(path_type=Path))
def main(torch_python: str, folder: Path, picture: Path) -> None:
    """Measure every length and draw PICTURE."""
    import_tensorflow()
    folder.mkdir(parents=True, exist_ok=True)
    stream_options = default_options("a0")
    stream = build_movinet(stream_options)
    weights = random_weights(stream, seed=1)
    model = folder / "a0.tflite"
    convert(movinet_source(stream_options, weights, stream.name), model)
    base = build_movinet(default_options("a0", causal=False))
    cost, base_cost = network_cost(stream), network_cost(base)
    stream_bytes = (
        BYTES_PER_VALUE * cost.parameters + cost.state_bytes + peak_activation_bytes(stream)
    )
    found = []
    for frames in LENGTHS:
        found.append(
            {
                "frames": frames,
                "base_bytes": _measured(torch_python, "clip_torch.py", "a0", frames),
                "base_expected_bytes": BYTES_PER_VALUE * base_cost.parameters
                + peak_activation_bytes(base, frames),
                "stream_bytes": _measured(sys.executable, "stream_tflite.py", str(model), frames),
                "stream_expected_bytes": stream_bytes,
            }
        )
        click.echo(json.dumps(found[-1]))
    (folder / "clip-memory.json").write_text(json.dumps(found, indent=1), encoding="utf-8")
    _draw(found, picture)


def _measured(python: str, script: str, what: str, frames: int) -> int:
    command = [python, str(HERE / script), what, str(frames)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise click.ClickException(f"{' '.join(command)}: {done.stderr.strip()[-400:]}")
    return int(done.stdout)


def _draw(found: list[dict[str, int]], picture: Path) -> None:
    figure = Figure(figsize=(7.5, 4), layout="constrained")
    axes = figure.subplots()
    frames = [each["frames"] for each in found]
    for key, label, color in (
        ("base", "base model, the clip at once (PyTorch)", "#d1495b"),
        ("stream", "stream, frame by frame (movistream)", "#1f6feb"),
    ):
        measured = [each[f"{key}_bytes"] / 1e6 for each in found]
        expected = [each[f"{key}_expected_bytes"] / 1e6 for each in found]
        axes.plot(frames, measured, "o-", color=color, label=label)
        axes.plot(frames, expected, ":", color=color, label="what its description adds up to")
    axes.set(xlabel="frames of the clip", ylabel="memory beside libraries, MB", ylim=(0, None))
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(picture, dpi=120)


if __name__ == "__main__":
    main()
