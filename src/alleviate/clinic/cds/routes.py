"""CDS Hooks 2.0.1: discovery, the services, and the answers to their cards. https://cds-hooks.hl7.org/2.0/"""

from typing import Annotated, Any

from fastapi import Depends, Path
from fastapi.responses import JSONResponse
from starlette.requests import Request

from alleviate.clinic.cds.answering import NeededError, answer
from alleviate.clinic.cds.asked import Asked, Feedback, context_of, read
from alleviate.clinic.cds.crossing import CrossingRoute
from alleviate.clinic.cds.discovery import service_of, services
from alleviate.clinic.cds.shown import decided, found
from alleviate.clinic.gate import Door, VisitOf

__all__ = ["door"]

door = Door("cds", prefix="/cds-services")
door.route_class = CrossingRoute


async def _body(request: Request) -> bytes:
    return await request.body()


Body = Annotated[bytes, Depends(_body)]
ServiceId = Annotated[str, Path(max_length=64)]

_REFUSALS: dict[int | str, dict[str, Any]] = {
    400: {"description": "Something in the request is not as the specification has it"},
    401: {"description": "The token does not prove who calls"},
    403: {"description": "Not open to this system"},
    404: {"description": "No such service, or no such card"},
    412: {"description": "What the service needs cannot be had"},
}


def _json(model: type[Asked] | type[Feedback]) -> dict[str, Any]:
    schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
    inner = schema.pop("$defs", {})
    return {
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": _inlined(schema, inner)}},
        }
    }


def _inlined(schema: Any, inner: dict[str, Any]) -> Any:
    """The schema with what it refers to in its place: the models are small, and in no circle."""
    if isinstance(schema, dict):
        if "$ref" in schema:
            return _inlined(inner[schema["$ref"].rpartition("/")[2]], inner)
        return {key: _inlined(value, inner) for key, value in schema.items()}
    return [_inlined(each, inner) for each in schema] if isinstance(schema, list) else schema


@door.open("", why="Says which services there are, and nothing of anybody; a token may come along.")
def discovery() -> dict[str, Any]:
    """The services, their hooks, and what each asks to be sent along."""
    return {"services": [service.to_json() for service in services()]}


@door.data("/{service}", action="cds.call", methods=["POST"], responses=_REFUSALS, openapi_extra=_json(Asked))
def call(visit: VisitOf, service: ServiceId, body: Body) -> JSONResponse:
    """The cards of one service for one patient; an empty list where there is nothing to say."""
    wanted = service_of(service)
    if wanted is None:
        return _refused(404, "There is no such service.", "See: GET /cds-services")
    asked = read(body, Asked)
    context = context_of(asked, wanted.hook)
    try:
        cards = answer(visit, wanted, asked, context)
    except NeededError as needed:
        return _refused(412, needed.message)
    return JSONResponse({"cards": [card.to_json() for card in cards]})


@door.data(
    "/{service}/feedback",
    action="cds.call",
    methods=["POST"],
    responses=_REFUSALS,
    openapi_extra=_json(Feedback),
)
def feedback(visit: VisitOf, service: ServiceId, body: Body) -> JSONResponse:
    """What was done with cards: stored as decisions, each once however often it comes."""
    if service_of(service) is None:
        return _refused(404, "There is no such service.", "See: GET /cds-services")
    given = read(body, Feedback).feedback
    accounts, actor = visit.services.accounts, visit.who.actor
    known = [(one, card) for one in given if (card := found(accounts, one, actor, visit.now)) is not None]
    if known:
        visit.access.store(visit.now, sheets=[decided(one, card) for one, card in known])
    if missing := len(given) - len(known):
        rest = f" The other {len(known)} were stored." if known else ""
        return _refused(404, f"{missing} of {len(given)} answers are about no card of this system.{rest}")
    return JSONResponse({})


def _refused(status: int, told: str, hint: str = "") -> JSONResponse:
    return JSONResponse({"error": told, "hint": hint} if hint else {"error": told}, status)
