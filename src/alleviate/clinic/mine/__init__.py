"""What a person sees and gives themselves: questionnaires, course, goals, options, consent, data."""

from alleviate.clinic.mine import (
    access_pages,
    api,
    consent_pages,
    corrections,
    export,
    goals,
    home,
    links,
    options,
    questionnaires,
)

__all__ = ["doors"]

doors = (
    links.door,
    home.door,
    questionnaires.door,
    goals.door,
    options.door,
    consent_pages.door,
    access_pages.door,
    export.door,
    corrections.mine,
    corrections.theirs,
    api.door,
    options.api,
)
