"""The folder of a training run: its settings, its course and its weights."""

from __future__ import annotations

import csv
import hashlib
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from movistream.system.leftovers import remove_leftovers
from movistream.system.output import replaced_when_done
from movistream_training.errors import TrainingError
from movistream_training.examples import Example
from movistream_training.history import Epoch
from movistream_training.recipe import Recipe


class Settings(msgspec.Struct, frozen=True):
    """All that decides the course of a run.

    Attributes:
        network: its name.
        network_digest: of all of it.
        frames_per_second: that it sees.
        labels: of the classes, in their order.
        recipe: of the training.
        int8_epochs: of training for int8 after it.
        source: name of the weights that it starts from; empty: from nothing.
        examples: a digest of the examples and their division.
        clips_per_batch: in each step.
        frames_per_clip: of each.
        horizon_frames: that answers follow; null for all.
        flips: whether clips are mirrored.
        seed: of everything random.
    """

    network: str
    network_digest: str
    frames_per_second: float
    labels: tuple[str, ...]
    recipe: Recipe
    int8_epochs: int
    source: str
    examples: str
    clips_per_batch: int
    frames_per_clip: int
    horizon_frames: int | None
    flips: bool
    seed: int


@dataclass(frozen=True)
class RunFolder:
    """Where the files of a run are."""

    path: Path

    @property
    def settings(self) -> Path:
        """JSON of :class:`Settings`."""
        return self.path / "run.json"

    @property
    def checkpoint(self) -> Path:
        """What training goes on from."""
        return self.path / "checkpoint.safetensors"

    @property
    def weights(self) -> Path:
        """The best weights, as ``movistream convert`` takes them."""
        return self.path / "weights.safetensors"

    @property
    def int8_weights(self) -> Path:
        """The best weights for int8, if they were trained."""
        return self.path / "weights.int8.safetensors"

    @property
    def int8_checkpoint(self) -> Path:
        """What training for int8 goes on from."""
        return self.path / "checkpoint.int8.safetensors"

    @property
    def split(self) -> Path:
        """Which examples were trained on, and which validated."""
        return self.path / "split.csv"

    @property
    def history(self) -> Path:
        """A line per epoch."""
        return self.path / "history.csv"

    @property
    def curves(self) -> Path:
        """Loss and accuracy, a picture."""
        return self.path / "curves.png"

    @property
    def confusion(self) -> Path:
        """Which class was taken for which, a picture."""
        return self.path / "confusion.png"

    @property
    def precision_recall(self) -> Path:
        """How precision falls as recall rises, by class, a picture."""
        return self.path / "precision_recall.png"

    @property
    def frames(self) -> Path:
        """A folder of decoded frames, while a network learns from recordings."""
        return self.path / "frames"

    @property
    def skipped(self) -> Path:
        """Videos that could not be decoded, and why."""
        return self.path / "skipped.txt"

    @property
    def tensorboard(self) -> Path:
        """A folder that TensorBoard reads."""
        return self.path / "tensorboard"


def open_run(path: Path, settings: Settings) -> RunFolder:
    """Begins a run in a new or empty folder, or goes on with one of the same settings.

    Raises:
        TrainingError: if the folder holds something else, or a run of other settings.
    """
    run = RunFolder(path)
    if path.exists() and not path.is_dir():
        raise TrainingError(f"{path} is a file; name a folder for the run")
    remove_leftovers(path)
    if run.settings.exists():
        found = _read_settings(run)
        if found != settings:
            names = [
                field
                for field in settings.__struct_fields__
                if getattr(found, field) != getattr(settings, field)
            ]
            raise TrainingError(
                f"{path} holds a run with other settings ({', '.join(names)}): go on with the same"
                " command, or name another folder"
            )
        return run
    if path.exists() and any(path.iterdir()):
        raise TrainingError(f"{path} is not empty, and holds no run; name another folder")
    path.mkdir(parents=True, exist_ok=True)
    with replaced_when_done(run.settings) as part:
        part.write_bytes(msgspec.json.format(msgspec.json.encode(settings)))
    return run


def _read_settings(run: RunFolder) -> Settings:
    try:
        return msgspec.json.decode(run.settings.read_bytes(), type=Settings)
    except (msgspec.DecodeError, RecursionError) as error:
        raise TrainingError(
            f"{run.settings} is damaged, or another version's, whose runs cannot be gone on with:"
            f" {error}"
        ) from None


def write_split(path: Path, sides: Mapping[str, Sequence[Example]]) -> None:
    """Writes which examples go where, as a table that can be read as a data set again.

    Args:
        sides: by the name of the split.
    """
    rows = [
        {
            "path": str(example.path.resolve()),
            "label": example.label,
            "start": f"{example.start_s:g}",
            "end": "" if example.end_s is None else f"{example.end_s:g}",
            "split": split,
        }
        for split, examples in sides.items()
        for example in examples
    ]
    write_table(path, rows)


def examples_digest(sides: Mapping[str, Sequence[Example]]) -> str:
    """What tells examples and their division from others.

    Args:
        sides: by the name of the split.
    """
    lines = [
        f"{split} {example.path.resolve()} {example.label} {example.start_s} {example.end_s}"
        for split, side in sides.items()
        for example in side
    ]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def write_history(run: RunFolder, history: Sequence[Epoch]) -> None:
    """Writes a line per epoch."""
    write_table(run.history, [msgspec.structs.asdict(epoch) for epoch in history])


def write_table(path: Path, rows: Sequence[Mapping[str, object]]) -> None:
    """Writes a CSV file with a line for each of the rows, of which there is one at least.

    Raises:
        OutputError: if it cannot be written.
    """
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(
        {k: f"{v:.6g}" if isinstance(v, float) and math.isfinite(v) else v for k, v in row.items()}
        for row in rows
    )
    with replaced_when_done(path) as part:
        part.write_text(text.getvalue(), encoding="utf-8")
