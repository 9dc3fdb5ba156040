"""Scripts of other sites that may call CDS Hooks from a browser: only those that the settings name.

https://fetch.spec.whatwg.org/#http-cors-protocol. No cookie ever goes along: a caller shows a token.
"""

from collections.abc import Sequence

from fastapi.routing import APIRoute
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

__all__ = ["CrossingRoute"]

_ASKED = {
    "Access-Control-Allow-Methods": "GET, POST",
    "Access-Control-Allow-Headers": "Authorization, Content-Type",
    "Access-Control-Max-Age": "600",
}


class CrossingRoute(APIRoute):
    """A route that tells browsers whose scripts may read its answers, refusals too."""

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        origin = Headers(scope=scope).get("origin", "")
        permitted: Sequence[str] = scope["app"].state.services.settings.origins
        allowed = origin if origin in permitted else ""
        if scope["method"] == "OPTIONS":
            answer = Response(status_code=204 if allowed else 403, headers=_ASKED if allowed else None)
            await answer(scope, receive, _marked(send, allowed))
            return
        await super().handle(scope, receive, _marked(send, allowed))


def _marked(send: Send, allowed: str) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers.add_vary_header("Origin")
            if allowed:
                headers["Access-Control-Allow-Origin"] = allowed
        await send(message)

    return sending
