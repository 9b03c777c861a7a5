"""Servers that tests start and talk to."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from tests.sdk.waiting import wait_until

LIMITED_SERVER = Path(__file__).parent / "limited_server.py"


class Server:
    """A running ``movistream serve``.

    Attributes:
        url: of its page, without a slash at the end.
        http: talks to it.
    """

    def __init__(self, child: subprocess.Popen[str], url: str, http: httpx.Client) -> None:
        self.child = child
        self.url = url
        self.http = http

    @property
    def socket_url(self) -> str:
        """Of its web sockets."""
        return self.url.replace("http://", "ws://")

    def feeds(self) -> list[dict[str, Any]]:
        """What it says about its feeds."""
        found: list[dict[str, Any]] = self.http.get("/api/status").json()["feeds"]
        return found

    def wait_for_steps(self, place: int = 0, steps: int = 1) -> dict[str, Any]:
        """Waits until so many more frames of a feed were looked at; returns the feed."""
        wanted = self.feeds()[place]["steps"] + steps
        return wait_until(lambda: self._with_steps(place, wanted))

    def _with_steps(self, place: int, steps: int) -> dict[str, Any] | None:
        feed = self.feeds()[place]
        return feed if feed["steps"] >= steps else None


@contextmanager
def serving(
    *arguments: str | Path,
    token: str | None = None,
    port: int = 0,
    environment: Any = None,
    limits: Mapping[str, float] | None = None,
) -> Iterator[Server]:
    """Starts a server, and ends it.

    Args:
        limits: that differ from those of ``movistream serve``, see :class:`Limits`.
    """
    start = [str(LIMITED_SERVER), json.dumps(limits)] if limits else ["-m", "movistream"]
    command = [sys.executable, "-u", *start, "serve", *map(str, arguments)]
    command += ["--port", str(port), *(["--token", token] if token else [])]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as child:
        try:
            assert child.stdout is not None
            line = child.stdout.readline()
            if not line:
                raise AssertionError(child.communicate()[1])
            url = line.split("/?")[0].strip().rstrip("/")
            headers = {"Authorization": f"Bearer {token}"} if token else {}
            with httpx.Client(base_url=url, headers=headers, timeout=20) as http:
                server = Server(child, url, http)
                wait_until(lambda: _answers(http))
                yield server
        finally:
            child.terminate()
            try:
                _, told = child.communicate(timeout=20)
            finally:
                child.kill()
    assert "Traceback" not in told, told


def _answers(http: httpx.Client) -> bool:
    try:
        return http.get("/healthz").status_code < 600
    except httpx.HTTPError:
        return False
