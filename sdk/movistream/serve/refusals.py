"""What is answered where something is wrong."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response
from litestar.exceptions import HTTPException, WebSocketException
from litestar.openapi.datastructures import ResponseSpec
from litestar.status_codes import (
    HTTP_400_BAD_REQUEST,
    HTTP_403_FORBIDDEN,
    HTTP_404_NOT_FOUND,
    HTTP_408_REQUEST_TIMEOUT,
    HTTP_409_CONFLICT,
    HTTP_413_REQUEST_ENTITY_TOO_LARGE,
    HTTP_422_UNPROCESSABLE_ENTITY,
    HTTP_500_INTERNAL_SERVER_ERROR,
    HTTP_507_INSUFFICIENT_STORAGE,
)

from movistream.errors import MovistreamError
from movistream.serve.limits import NoFeedError, NotAllowedError, TooManyError
from movistream.serve.schema import Problem
from movistream.serve.unexpected import tell_unexpected

_CUT_OFF = "client disconnected prematurely"
_CODES = {
    NoFeedError: HTTP_404_NOT_FOUND,
    NotAllowedError: HTTP_403_FORBIDDEN,
    TooManyError: HTTP_409_CONFLICT,
}


_MEANINGS = {
    HTTP_400_BAD_REQUEST: "It cannot be understood.",
    HTTP_403_FORBIDDEN: "Whoever runs the server has not allowed it.",
    HTTP_404_NOT_FOUND: "There is no such feed.",
    HTTP_408_REQUEST_TIMEOUT: "It came too slowly.",
    HTTP_409_CONFLICT: "Not now: a limit is reached, or nothing is there yet.",
    HTTP_413_REQUEST_ENTITY_TOO_LARGE: "It is too large.",
    HTTP_422_UNPROCESSABLE_ENTITY: "It is understood, but cannot be.",
    HTTP_507_INSUFFICIENT_STORAGE: "There is no room on the disk.",
}


def problems(*codes: int) -> dict[int, ResponseSpec]:
    """For the OpenAPI document: answers of an address when something is wrong."""
    return {
        code: ResponseSpec(Problem, generate_examples=False, description=_MEANINGS[code])
        for code in codes
    }


def refused(_request: Any, error: MovistreamError) -> Response[dict[str, Any]]:
    """What somebody has asked for cannot be."""
    code = _CODES.get(type(error), HTTP_422_UNPROCESSABLE_ENTITY)
    return Response({"status_code": code, "detail": str(error)}, status_code=code)


def unreadable(_request: Any, error: Exception) -> Response[dict[str, Any]]:
    """What was sent is too deep, or no text."""
    code = HTTP_400_BAD_REQUEST
    told = "too deep" if isinstance(error, RecursionError) else "not UTF-8 text"
    return Response({"status_code": code, "detail": f"what was sent is {told}"}, status_code=code)


def unexpected(request: Request[Any, Any, Any], error: Exception) -> Response[dict[str, Any]]:
    """Nobody has foreseen it: it is told in the log."""
    if isinstance(error, HTTPException) and error.detail == _CUT_OFF:
        # Nobody may be there to read it.
        code = HTTP_400_BAD_REQUEST
        return Response({"status_code": code, "detail": "the body was cut off"}, status_code=code)
    tell_unexpected(error, f"answering {request.method} {request.url.path}")
    code = HTTP_500_INTERNAL_SERVER_ERROR
    told = "a mistake of this program, not of yours; its log says more"
    return Response({"status_code": code, "detail": told}, status_code=code)


async def tell_of_socket(error: Exception, scope: Any) -> None:
    """What nobody has foreseen of a web socket is told in the log."""
    if scope["type"] == "websocket" and not isinstance(error, (HTTPException, WebSocketException)):
        tell_unexpected(error, f"serving {scope['path']}")
