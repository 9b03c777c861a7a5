"""``movistream`` with limits that are sooner reached, so that tests need not wait for them.

Run as a program: limits by their names, as JSON, then the command line.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from typing import Any

from movistream.cli import main
from movistream.serve import server


def run_limited(named: dict[str, Any], arguments: list[str]) -> None:
    """Runs the command line; its server has these limits, and its own ones where none is named."""
    run_server = server.run_server

    def run(model: Any, names: Any, options: Any, limits: Any, *others: Any) -> None:
        run_server(model, names, options, replace(limits, **named), *others)

    server.run_server = run
    main(arguments)


if __name__ == "__main__":
    run_limited(json.loads(sys.argv[1]), sys.argv[2:])
