"""A server among many who hold connections: whoever asks is answered, and frames are looked at.

How fast is the benchmark's business: python -m movistream_benchmarks.serve_load --hostile.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from movistream_benchmarks.serve_siege import HONEST, besiege
from tests.sdk.serving import serving

SECONDS = 60


def test_honest_ones_are_answered(model_path: Path, clip: Path) -> None:
    with serving(model_path, clip, "--loop") as server:
        before = server.wait_for_steps()["steps"]
        siege = asyncio.run(besiege(server.url, SECONDS))
        print(siege.answers, siege.disconnected, siege.refused_uploads, siege.fast_share)
        asked = siege.answers.total()
        assert asked > HONEST * SECONDS / 4
        assert siege.answers[200] >= 0.99 * asked
        assert not [status for status in siege.answers if status >= 500]
        # Nobody held a connection all the time.
        assert siege.disconnected["idle"] > 500
        assert siege.disconnected["half-sent"] > 100
        assert siege.refused_uploads[408] >= 4
        assert server.feeds()[0]["steps"] > before + 2 * SECONDS
        feed = server.http.post("/api/uploads", content=clip.read_bytes())
        assert feed.status_code == 201
        assert [found["kind"] for found in server.feeds()] == ["source", "upload"]
