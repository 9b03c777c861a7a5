"""``movistream completion``: what lets a shell complete commands, options and names."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

_SHELLS = ("bash", "zsh", "fish")


@click.command()
@click.argument("shell", type=click.Choice(_SHELLS))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print what makes SHELL complete movistream's words with the tab key.

    \b
    bash:  movistream completion bash >> ~/.bashrc
    zsh:   movistream completion zsh >> ~/.zshrc
    fish:  movistream completion fish > ~/.config/fish/completions/movistream.fish
    """
    kind = get_completion_class(shell)
    assert kind is not None
    command_line = context.find_root().command
    click.echo(kind(command_line, {}, "movistream", "_MOVISTREAM_COMPLETE").source())
