"""The quality report: how much a file with smaller numbers keeps of its network."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from movistream.file.manifest import Verification
from movistream.system.output import replaced_when_done
from movistream_converters.quantise.calibration import INT4_KERNELS
from movistream_converters.quantise.fidelity import Fidelity

_WORST_LAYERS = 5
_TERMINAL_WIDTH = 100


@dataclass(frozen=True)
class QualityReport:
    """What was measured of a file.

    Attributes:
        precision: of the file.
        size_bytes: of the file.
        partitions: parts that an engine runs a step in; 1 is best.
        multiply_adds_per_frame: of the file's convolutions and dense layers, as ``movistream
            inspect`` counts them: what the operators compute, which is more than the network's
            layers need where int8 operators give two pixels at a time.
        calibration_frames: frames that the ranges of int8 numbers come from.
        stage_noise: what each stage in int8 takes from the mean cosine; empty where none is int8.
        float_stages: stages that stay float because they take too much.
        float32_stages: those of them whose kernels and states are float32 too.
        fidelity: against the float32 step, by ``calibration`` and ``held out``.
        layers_db: signal over noise of each node's output, in decibels, by name.
        verification: how the file was compared with its network, and that with its source program;
            None if it was not.
    """

    precision: str
    size_bytes: int
    partitions: int
    multiply_adds_per_frame: int
    calibration_frames: int
    stage_noise: Mapping[str, float]
    float_stages: tuple[str, ...]
    float32_stages: tuple[str, ...]
    fidelity: Mapping[str, Fidelity]
    layers_db: Mapping[str, float]
    verification: Verification | None = None

    @property
    def judged(self) -> Fidelity | None:
        """On held-out clips where there are some, else on those of the calibration."""
        return self.fidelity.get("held out") or self.fidelity.get("calibration")

    @property
    def worst_layers(self) -> list[tuple[str, float]]:
        """Names and decibels, the worst first."""
        return sorted(self.layers_db.items(), key=lambda item: item[1])[:_WORST_LAYERS]


def print_report(report: QualityReport, console: Console | None = None) -> None:
    """Writes the report to the terminal."""
    console = console or Console(width=_TERMINAL_WIDTH)
    plural = "" if report.partitions == 1 else "s"
    console.print(
        f"{report.precision}: {report.size_bytes / 1e6:.2f} MB, {report.partitions}"
        f" partition{plural}, {report.multiply_adds_per_frame / 1e6:.1f} M multiply-adds a frame",
        highlight=False,
    )
    if report.fidelity:
        table = Table(box=box.SIMPLE_HEAD, title="against float32, frame by frame")
        headings = ("clips", "frames", "mean cosine", "worst", "top-1 agreement", "mean KL, nats")
        for heading in headings:
            table.add_column(heading, justify="left" if heading == "clips" else "right")
        for name, fidelity in report.fidelity.items():
            table.add_row(
                Text(f"{name} ({len(fidelity.clips)})"),
                str(fidelity.frames),
                f"{fidelity.mean_cosine:.4f}",
                f"{fidelity.worst_cosine:.4f}",
                f"{fidelity.agreement:.3f}",
                f"{fidelity.mean_divergence:.4f}",
            )
        console.print(table)
    if report.layers_db:
        worst = ", ".join(f"{name} {value:.0f} dB" for name, value in report.worst_layers)
        console.print(f"noisiest layers: {worst}", highlight=False)
    for stage in report.float_stages:
        noise = f"{report.stage_noise[stage]:.4f} of the cosine"
        if stage == INT4_KERNELS:
            line = f"no int4 kernels: they take {noise}"
        elif stage in report.float32_stages:
            line = f"{stage} is float32, its kernels too: int8 there takes {noise}"
        else:
            line = f"{stage} stays float: int8 there takes {noise}"
        console.print(line, highlight=False)


def write_report(report: QualityReport, output: Path) -> tuple[Path, ...]:
    """Writes ``NAME.report.json`` beside the output, and ``NAME.report.png`` if clips were judged.

    Returns:
        Their paths.

    Raises:
        ConversionError: if they cannot be written.
    """
    json_path = output.with_suffix(".report.json")
    with replaced_when_done(json_path) as part:
        part.write_text(report_json(report), encoding="utf-8")
    if report.judged is None:
        return (json_path,)
    picture = output.with_suffix(".report.png")
    with replaced_when_done(picture) as part:
        draw_report(report, part)
    return json_path, picture


def report_json(report: QualityReport) -> str:
    """The whole report, every frame included."""
    content: dict[str, Any] = {
        "precision": report.precision,
        "size_bytes": report.size_bytes,
        "partitions": report.partitions,
        "multiply_adds_per_frame": report.multiply_adds_per_frame,
        "calibration_frames": report.calibration_frames,
        "float_stages": list(report.float_stages),
        "float32_stages": list(report.float32_stages),
        "stage_noise": dict(report.stage_noise),
        "fidelity": {
            name: {
                "frames": fidelity.frames,
                "mean_cosine": fidelity.mean_cosine,
                "worst_cosine": fidelity.worst_cosine,
                "top1_agreement": fidelity.agreement,
                "mean_divergence_nats": fidelity.mean_divergence,
                "clips": [
                    {
                        "name": clip.name,
                        "cosine": clip.cosine.tolist(),
                        "top1_agreement": clip.agreement.tolist(),
                        "divergence_nats": clip.divergence.tolist(),
                    }
                    for clip in fidelity.clips
                ],
            }
            for name, fidelity in report.fidelity.items()
        },
        "layers_signal_to_noise_db": {
            name: value if math.isfinite(value) else None
            for name, value in report.layers_db.items()
        },
        "verification": msgspec.to_builtins(report.verification),
    }
    return json.dumps(content, indent=1) + "\n"


def draw_report(report: QualityReport, path: Path) -> None:
    """A picture: cosine of every frame above, signal over noise of every layer below."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 7), layout="constrained")
    FigureCanvasAgg(figure)
    frames, layers = figure.subplots(2, 1)
    start = 0
    for name, fidelity in report.fidelity.items():
        cosine = np.concatenate([clip.cosine for clip in fidelity.clips])
        label = f"{name}: mean {fidelity.mean_cosine:.4f}"
        frames.plot(np.arange(start, start + len(cosine)), cosine, label=label, linewidth=1)
        start += len(cosine)
    frames.set(title="Logits of each frame against float32", xlabel="frame", ylabel="cosine")
    frames.legend(loc="lower right")
    names = [name for name, value in report.layers_db.items() if math.isfinite(value)]
    layers.plot([report.layers_db[name] for name in names], marker=".", linewidth=0.8)
    every = max(1, len(names) // 24)
    layers.set_xticks(range(0, len(names), every), names[::every], rotation=90, fontsize=6)
    layers.set(title="Signal over noise of each layer", ylabel="dB")
    for axes in (frames, layers):
        axes.grid(alpha=0.3)
    figure.savefig(path, dpi=120, format="png", metadata={"Software": None})
