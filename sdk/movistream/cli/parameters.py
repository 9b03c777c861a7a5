"""Kinds of command-line values."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

from movistream.errors import MovistreamError
from movistream.file.names import MODEL_SUFFIX, find_model, named_models
from movistream.sources import is_recorded
from movistream.stream.preprocess import Region

_SIZE = re.compile(r"([1-9]\d{0,4})x([1-9]\d{0,4})")
_REGION_NUMBERS = 4

if TYPE_CHECKING:
    _ParamType = click.ParamType[Any]
else:
    _ParamType = click.ParamType


class _Size(_ParamType):
    name = "WxH"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int]:
        found = _SIZE.fullmatch(str(value))
        if not found:
            self.fail(f"{value!r} is no size such as 640x480", param, ctx)
        return int(found[1]), int(found[2])


class _Region(_ParamType):
    name = "X,Y,W,H"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Region:
        numbers = str(value).split(",")
        if len(numbers) != _REGION_NUMBERS or not all(n.strip().isdecimal() for n in numbers):
            self.fail(f"{value!r} is no region such as 0,0,320,240", param, ctx)
        try:
            return Region(*map(int, numbers))
        except MovistreamError as error:
            self.fail(str(error), param, ctx)


class _Model(_ParamType):
    """A .tflite file by its path, or by the name of a model."""

    name = "model"

    def convert(
        self,
        value: str | os.PathLike[str],
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> Path:
        return find_model(value)

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Names of models, and files."""
        names = [model.name for model in named_models() if model.name.startswith(incomplete)]
        return [*map(CompletionItem, names), CompletionItem(incomplete, type="file")]


class _Number(click.FloatRange):
    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        number: float = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail("it is not a number", param, ctx)
        return number


MODEL = _Model()
SIZE = _Size()
REGION = _Region()
SECONDS = _Number(min=0)
SOME_SECONDS = _Number(min=0, min_open=True)
SCORE = _Number(min=0, max=1)
POSITIVE = _Number(min=0, min_open=True)
FRAMES_PER_SECOND = _Number(min=0, min_open=True, max=1000)
PATH = click.Path(path_type=Path)


def models_and_sources(words: Sequence[str]) -> tuple[list[Path], tuple[str, ...]]:
    """Divides words of a command line: .tflite files and names of models, and all others.

    What exists, and what is called as a camera is, is a source.
    """
    names = {named.name for named in named_models()}
    is_model = [
        word.endswith(MODEL_SUFFIX)
        or (word in names and is_recorded(word) and not Path(word).exists())
        for word in words
    ]
    models = [find_model(word) for word, own in zip(words, is_model, strict=True) if own]
    return models, tuple(word for word, own in zip(words, is_model, strict=True) if not own)
