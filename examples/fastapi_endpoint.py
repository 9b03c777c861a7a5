"""A clip is sent, and what it shows comes back as JSON.

pip install fastapi uvicorn
MODEL=MODEL uvicorn --app-dir examples fastapi_endpoint:app
curl --data-binary @CLIP.mp4 http://127.0.0.1:8000/classify
"""

import os
import tempfile
from typing import Any

from fastapi import FastAPI, HTTPException, Request
from fastapi.concurrency import run_in_threadpool

import movistream

MOST_BYTES = 100_000_000

app = FastAPI()
# One set of weights; each request has a stream of its own.
model = movistream.load(os.environ["MODEL"])


@app.post("/classify")
async def classify(request: Request) -> dict[str, Any]:
    """The answer, its timeline and its events."""
    with tempfile.NamedTemporaryFile(suffix=".video") as file:
        async for part in request.stream():
            file.write(part)
            if file.tell() > MOST_BYTES:
                raise HTTPException(413, f"a clip must have at most {MOST_BYTES:,} bytes")
        file.flush()
        try:
            answer = await run_in_threadpool(movistream.classify, file.name, model)
        except movistream.VideoError as error:
            raise HTTPException(422, str(error).replace(file.name, "the clip")) from None
    found = answer.to_dict()
    del found["source"]  # The name of a file that is gone.
    return found
