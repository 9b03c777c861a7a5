"""All that the OpenAPI document offers, called with what fits it and what does not: no 5xx."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import hypothesis
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode

from tests.sdk.serving import serving
from tests.sdk.waiting import wait_until

TOKEN = "a-token-of-some-letters"
CALLS_PER_OPERATION = 40

LINE = st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"))
HOSTILE_HEADERS = st.dictionaries(
    st.sampled_from(
        [
            "Accept", "Authorization", "Connection", "Content-Encoding", "Content-Type", "Cookie",
            "Expect", "Forwarded", "Host", "Origin", "Range", "Sec-Fetch-Site", "Upgrade",
            "X-Forwarded-For", "X-HTTP-Method-Override", "If-None-Match",
        ]
    ),
    st.one_of(
        LINE.map(str.strip),
        st.sampled_from(
            ["*/*", "application/json", "multipart/form-data", "gzip", "null", "websocket",
             "bytes=0-", "cross-site", "localhost", "[::1", "http://[", "a=b; =; \"", "x" * 9000]
        ),
    ).map(lambda value: value.encode("latin-1")),
    max_size=4,
)  # fmt: skip


@pytest.mark.parametrize("given_token", [None, "none", TOKEN, "a-wrong-one-of-letters"])
def test_every_operation(given_token: str | None, model_path: Path, clip: Path) -> None:
    """Without tokens, with none where one is needed, with the right one and a wrong one."""
    needs_one = given_token is not None
    with serving(model_path, clip, "--loop", token=TOKEN if needs_one else None) as server:
        own = {"Authorization": f"Bearer {TOKEN}"}
        document = server.http.get("/schema/openapi.json", headers=own).json()
        schema = schemathesis.openapi.from_dict(document)
        bearer = {} if given_token in (None, "none") else {"Authorization": f"Bearer {given_token}"}
        statuses: Counter[int] = Counter()
        operations = [result.ok() for result in schema.get_all_operations()]
        assert len(operations) >= 12
        with httpx.Client(base_url=server.url, headers=bearer, timeout=20) as http:
            for operation in operations:
                for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
                    call_often(http, operation, mode, statuses)
        print(f"\n{given_token}: {dict(sorted(statuses.items()))}")
        assert not [status for status in statuses if status >= 500]
        if given_token in (None, TOKEN):
            assert all(statuses[status] for status in (200, 204, 400, 404))
        else:
            assert statuses[401]
            assert not statuses[204]
        for feed in server.feeds()[1:]:
            server.http.delete(f"/api/feeds/{feed['id']}")
        server.http.post("/api/feeds/source-1/resume")
        wait_until(lambda: server.http.get("/healthz").status_code == 200)
        server.wait_for_steps()


def call_often(
    http: httpx.Client, operation: Any, mode: GenerationMode, statuses: Counter[int]
) -> None:
    """Calls one operation, every other time of a feed that there is."""

    @hypothesis.seed(0)
    @settings(
        max_examples=CALLS_PER_OPERATION,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode), more=HOSTILE_HEADERS, known=...)
    def call(case: Any, more: dict[str, bytes], known: bool) -> None:
        if known and case.path_parameters:
            case.path_parameters["feed_id"] = "source-1"
        request = case.as_transport_kwargs(base_url=str(http.base_url))
        try:
            answer = http.request(
                request["method"],
                request["url"],
                params=request.get("params"),
                content=_body(request),
                headers={**dict(request.get("headers") or {}), **more},
            )
        except (httpx.InvalidURL, httpx.LocalProtocolError):
            # The client does not send it.
            return
        statuses[answer.status_code] += 1
        assert answer.status_code < 500, (operation.label, answer.text)

    if mode is GenerationMode.NEGATIVE and not (operation.body or [*operation.iter_parameters()]):
        # Nothing is asked that could be wrong.
        return
    call()


def _body(request: Any) -> Any:
    if request.get("json") is not None:
        return json.dumps(request["json"]).encode()
    data = request.get("data")
    return data if isinstance(data, (bytes, str)) else None
