"""What a client sends: a call of a service and feedback, with all that the specification requires of them.

Source: https://cds-hooks.hl7.org/2.0/#calling-a-cds-service and #feedback. What is not known is left unread.
"""

from datetime import datetime
from typing import Annotated, Any, Literal, TypeVar
from uuid import UUID

from pydantic import (
    AnyHttpUrl,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)
from pydantic.alias_generators import to_camel

from alleviate.terms.errors import InputError

__all__ = [
    "Asked",
    "Context",
    "Feedback",
    "Given",
    "OrderSelect",
    "OrderSign",
    "PatientView",
    "context_of",
    "read",
]

Text = Annotated[str, StringConstraints(min_length=1, max_length=255, pattern=r"\S")]
MOST_FEEDBACK = 200
"""Cards answered in one request."""


class Part(BaseModel):
    model_config = ConfigDict(extra="ignore", alias_generator=to_camel, populate_by_name=True, frozen=True)


class Authorization(BaseModel):
    """How the client's FHIR server may be read: OAuth's own names."""

    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)

    access_token: Annotated[str, StringConstraints(min_length=1, max_length=8192, pattern=r"^[!-~]+$")]
    token_type: Literal["Bearer"]
    expires_in: int
    scope: str
    subject: str


class Asked(Part):
    """One call. ``prefetch``: a key that is None was asked for, and there is nothing."""

    hook: Text
    hook_instance: UUID
    context: dict[str, Any]
    fhir_server: AnyHttpUrl | None = None
    fhir_authorization: Authorization | None = None
    prefetch: dict[str, Any] = Field(default_factory=dict, max_length=20)

    @model_validator(mode="after")
    def _named(self) -> "Asked":
        if self.fhir_authorization is not None and self.fhir_server is None:
            raise ValueError("fhirServer is required where fhirAuthorization is given")
        return self


class PatientView(Part):
    """The patient whose record was opened. ``user_id``: required by the hook, left out by many clients."""

    patient_id: Text
    user_id: str = ""
    encounter_id: str = ""


class OrderEntry(Part):
    """One order that is not signed yet."""

    resource: dict[str, Any] = Field(default_factory=dict)
    full_url: str = ""


class Orders(Part):
    """A Bundle of them."""

    resource_type: Literal["Bundle"]
    entry: list[OrderEntry] = Field(default_factory=list, max_length=100)


class OrderSign(PatientView):
    """Orders about to be signed."""

    draft_orders: Orders


class OrderSelect(OrderSign):
    """Orders just chosen, among those that are not signed yet."""

    selections: Annotated[list[Text], Field(min_length=1, max_length=100)]


Context = PatientView | OrderSign | OrderSelect


def _words(value: object) -> object:
    return value if isinstance(value, str) else ""


class Coded(Part):
    """A reason that was chosen; the public sandbox leaves ``display`` out."""

    code: Text
    system: Annotated[str, BeforeValidator(_words)] = ""
    display: Annotated[str, BeforeValidator(_words)] = ""


class OverrideReason(Part):
    """Why a card was dismissed: a reason of the card's, or words, or both."""

    reason: Coded | None = None
    user_comment: Annotated[str, BeforeValidator(_words), StringConstraints(max_length=4000)] = ""


class Accepted(Part):
    """A suggestion that was taken."""

    id: Text


class Given(Part):
    """What somebody did with one card."""

    card: Text
    outcome: Literal["accepted", "overridden"]
    outcome_timestamp: datetime
    accepted_suggestions: Annotated[list[Accepted], Field(max_length=50)] = Field(default_factory=list)
    override_reason: OverrideReason | None = None

    @model_validator(mode="after")
    def _complete(self) -> "Given":
        if self.outcome == "accepted" and not self.accepted_suggestions:
            raise ValueError("acceptedSuggestions is required where a card was accepted")
        if self.outcome_timestamp.tzinfo is None:
            raise ValueError("outcomeTimestamp says its time zone")
        return self


class Feedback(Part):
    """A batch of them."""

    feedback: Annotated[list[Given], Field(min_length=1, max_length=MOST_FEEDBACK)]


Model = TypeVar("Model", bound=BaseModel)

_CONTEXTS: dict[str, type[PatientView]] = {
    "patient-view": PatientView,
    "order-select": OrderSelect,
    "order-sign": OrderSign,
}


def read(body: bytes, model: type[Model]) -> Model:
    """The body as ``model``. Raises InputError with the first thing that is wrong, and none of its values."""
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        raise InputError(_told(error), hint="See https://cds-hooks.hl7.org/2.0/.") from None


def context_of(asked: Asked, hook: str) -> PatientView:
    """The context of a call, as its hook defines it. Raises InputError."""
    if asked.hook != hook:
        raise InputError(f"This service answers {hook}, and no other hook.", hint="See: GET /cds-services")
    try:
        return _CONTEXTS[hook].model_validate(asked.context)
    except ValidationError as error:
        raise InputError(_told(error, "context"), hint="See https://cds-hooks.hl7.org/2.0/.") from None


def _told(error: ValidationError, *before: str) -> str:
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    place = ".".join([*before, *(str(part)[:40] for part in first["loc"])])
    said = first["msg"].removeprefix("Value error, ")
    return f"{place or 'The request'}: {said[:160]}."
