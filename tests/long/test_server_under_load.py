"""A server among many who hold connections: whoever asks is answered, and frames are looked at.

How fast is the benchmark's business: python -m movistream_benchmarks.serve_load --hostile.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from movistream_benchmarks.serve_siege import HONEST
from tests.sdk.serving import serving

SECONDS = 60


def test_honest_ones_are_answered(model_path: Path, clip: Path) -> None:
    with serving(model_path, clip, "--loop") as server:
        before = server.wait_for_steps()["steps"]
        siege = [sys.executable, "-m", "movistream_benchmarks.serve_siege", server.url]
        said = subprocess.run([*siege, str(SECONDS)], check=True, stdout=subprocess.PIPE).stdout
        found = json.loads(said)
        answers: dict[str, int] = found["answers"]
        asked = sum(answers.values())
        print({name: value for name, value in found.items() if name != "times_s"})
        assert asked > HONEST * SECONDS / 4
        assert answers["200"] >= 0.99 * asked
        assert not [status for status in answers if int(status) >= 500]
        # Nobody held a connection all the time.
        assert found["disconnected"]["idle"] > 500
        assert found["disconnected"]["half-sent"] > 100
        assert found["refused_uploads"]["408"] >= 4
        assert server.feeds()[0]["steps"] > before + 2 * SECONDS
        assert server.http.post("/api/uploads", content=clip.read_bytes()).status_code == 201
        assert [feed["kind"] for feed in server.feeds()] == ["source", "upload"]
