"""One patient: course, alerts, notes, goals, documents, team, questionnaires, and the emergency door."""

from alleviate.clinic.patient import (
    answering,
    api,
    asking,
    document_pages,
    glass,
    goal_pages,
    note_pages,
    pages,
    team_pages,
)

__all__ = ["doors"]

doors = (
    glass.door,
    pages.door,
    answering.door,
    note_pages.door,
    goal_pages.door,
    document_pages.door,
    team_pages.door,
    asking.door,
    api.door,
)
