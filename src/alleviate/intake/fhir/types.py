"""The types of resources that are read: their shapes, whom they are about, how they are read and written."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from alleviate.intake.fhir import (
    conditions,
    consents,
    contacts,
    documents,
    medicines,
    observations,
    people,
    plans,
    responses,
)
from alleviate.intake.fhir.shapes import Resource
from alleviate.records import Event, Kind

__all__ = ["TYPES", "ResourceType", "type_for"]


@dataclass(frozen=True, slots=True)
class ResourceType:
    """How one type of resource is read and written. ``about`` is the element that names the person."""

    name: str
    kind: Kind
    shape: type[Resource | observations.Observation]
    read: Callable[..., None]
    write: Callable[[Sequence[Event]], dict[str, Any]]
    about: str = "subject"
    decoder: msgspec.json.Decoder[Any] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "decoder", msgspec.json.Decoder(self.shape))


TYPES: dict[str, ResourceType] = {
    one.name: one
    for one in (
        ResourceType("Patient", "person", people.Patient, people.read, people.write, ""),
        ResourceType("Encounter", "session", contacts.Encounter, contacts.read, contacts.write),
        ResourceType(
            *(
                "EpisodeOfCare",
                "episode",
                contacts.EpisodeOfCare,
                contacts.read_episode,
                contacts.write_episode,
            ),
            about="patient",
        ),
        ResourceType("Condition", "condition", conditions.Condition, conditions.read, conditions.write),
        ResourceType(
            *(
                "Procedure",
                "procedure",
                conditions.Procedure,
                conditions.read_procedure,
                conditions.write_procedure,
            )
        ),
        ResourceType(
            "Observation", "measurement", observations.Observation, observations.read, observations.write
        ),
        ResourceType(
            *("QuestionnaireResponse", "questionnaire", responses.QuestionnaireResponse),
            *(responses.read, responses.write),
        ),
        ResourceType(
            *("MedicationStatement", "medication", medicines.MedicationStatement),
            *(medicines.read_statement, medicines.write_statement),
        ),
        ResourceType(
            *("MedicationRequest", "medication", medicines.MedicationRequest),
            *(medicines.read_request, medicines.write_request),
        ),
        ResourceType("CarePlan", "plan", plans.CarePlan, plans.read, plans.write),
        ResourceType("Goal", "goal", plans.Goal, plans.read_goal, plans.write_goal),
        ResourceType("Consent", "consent", consents.Consent, consents.read, consents.write, "patient"),
        ResourceType(
            "DocumentReference", "note", documents.DocumentReference, documents.read, documents.write
        ),
    )
}
"""By name, in the order in which they are written."""

_OBSERVED = frozenset({"measurement", "sensor", "genetic", "preference", "questionnaire"})


def type_for(ref: str, kind: Kind) -> ResourceType:
    """The type that an entry is written as: that of its ref if it can hold the kind, else the kind's own."""
    stated = TYPES.get(ref.partition("/")[0])
    if stated and (stated.kind == kind or (stated.name == "Observation" and kind in _OBSERVED)):
        return stated
    return next((one for one in TYPES.values() if one.kind == kind), TYPES["Observation"])
