"""What is answered where something is wrong."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response
from litestar.exceptions import HTTPException, WebSocketException
from litestar.status_codes import (
    HTTP_400_BAD_REQUEST,
    HTTP_403_FORBIDDEN,
    HTTP_404_NOT_FOUND,
    HTTP_409_CONFLICT,
    HTTP_422_UNPROCESSABLE_ENTITY,
    HTTP_500_INTERNAL_SERVER_ERROR,
)

from movistream.errors import MovistreamError
from movistream.serve.limits import NoFeedError, NotAllowedError, TooManyError
from movistream.serve.unexpected import tell_unexpected

_CUT_OFF = "client disconnected prematurely"
_CODES = {
    NoFeedError: HTTP_404_NOT_FOUND,
    NotAllowedError: HTTP_403_FORBIDDEN,
    TooManyError: HTTP_409_CONFLICT,
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
