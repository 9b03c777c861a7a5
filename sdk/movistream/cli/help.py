"""Commands whose help has its options in groups, and options that keep older words."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any, TypeVar

import click

AnyCommand = TypeVar("AnyCommand", bound=Callable[..., Any])


_METAVARS: Mapping[type, str] = MappingProxyType(
    {click.IntRange: "N", click.FloatRange: "NUMBER", click.Path: "FILE"}
)


class Option(click.Option):
    """An option of a group, which may have older words that still work and are not shown.

    Attributes:
        group: the heading under which help shows it; None for the plain ``Options``.
    """

    def __init__(
        self,
        declarations: Sequence[str],
        group: str | None = None,
        old: Sequence[str] = (),
        **rest: Any,
    ) -> None:
        super().__init__([*declarations, *old], **rest)
        self.group = group
        self._old = frozenset(old)
        if self.metavar is None and not self.is_flag:
            self.metavar = next((m for t, m in _METAVARS.items() if isinstance(self.type, t)), None)

    def get_help_record(self, context: click.Context) -> tuple[str, str] | None:
        with self._without_old():
            return super().get_help_record(context)

    def get_error_hint(self, context: click.Context | None) -> str:
        with self._without_old():
            return super().get_error_hint(context)

    @contextmanager
    def _without_old(self) -> Iterator[None]:
        every = self.opts
        self.opts = [name for name in every if name not in self._old]
        try:
            yield
        finally:
            self.opts = every


class Command(click.Command):
    """A command whose help shows each group of options under its heading."""

    def format_options(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        sections: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(context):
            record = parameter.get_help_record(context)
            if record is not None and isinstance(parameter, click.Option):
                heading = getattr(parameter, "group", None) or "Options"
                sections.setdefault(heading, []).append(record)
        for heading, records in sections.items():
            with formatter.section(heading):
                formatter.write_dl(records)


def options(*decorators: Callable[[AnyCommand], AnyCommand]) -> Callable[[AnyCommand], AnyCommand]:
    """Several options as one decorator, in this order."""

    def decorate(command: AnyCommand) -> AnyCommand:
        for decorator in reversed(decorators):
            command = decorator(command)
        return command

    return decorate


def option(
    *declarations: str, group: str | None = None, old: Sequence[str] = (), **rest: Any
) -> Callable[[AnyCommand], AnyCommand]:
    """An :class:`Option`, as a decorator."""
    return click.option(*declarations, cls=Option, group=group, old=old, **rest)
