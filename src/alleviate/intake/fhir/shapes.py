"""The data types of FHIR R4, of each only the elements that are read."""

from msgspec import Struct, field

__all__ = [
    "Attachment",
    "Coding",
    "Concept",
    "Extension",
    "Identifier",
    "Meta",
    "Note",
    "Period",
    "Quantity",
    "Range",
    "Ratio",
    "Reference",
    "Resource",
    "Shape",
]


class Shape(Struct, gc=False, rename="camel", kw_only=True):
    """A JSON object of FHIR. Elements that are not named are passed over."""


class Extension(Shape):
    """A value that the standard has no element for."""

    url: str = ""
    value_decimal: float | None = None
    value_string: str | None = None
    value_code: str | None = None
    value_boolean: bool | None = None
    value_date_time: str | None = None
    value_codeable_concept: "Concept | None" = None
    extension: tuple["Extension", ...] = ()


class Coding(Shape):
    """A code of a system."""

    system: str | None = None
    code: str | None = None
    display: str | None = None
    extension: tuple[Extension, ...] = ()


class Concept(Shape):
    """A CodeableConcept."""

    coding: tuple[Coding, ...] = ()
    text: str | None = None


class Quantity(Shape):
    """A number with a unit; also Age, Duration and SimpleQuantity."""

    value: float | None = None
    comparator: str | None = None
    unit: str | None = None
    system: str | None = None
    code: str | None = None


class Range(Shape):
    """From ``low`` to ``high``, either may be open."""

    low: Quantity | None = None
    high: Quantity | None = None


class Ratio(Shape):
    """One quantity to another."""

    numerator: Quantity | None = None
    denominator: Quantity | None = None


class Period(Shape):
    """From ``start`` to ``end``, either may be open."""

    start: str | None = None
    end: str | None = None


class Identifier(Shape):
    """A name that a system gives."""

    system: str | None = None
    value: str | None = None


class Reference(Shape):
    """Points at another resource."""

    reference: str | None = None
    type: str | None = None
    identifier: Identifier | None = None
    display: str | None = None


class Meta(Shape):
    """What a server says about a resource."""

    last_updated: str | None = None
    security: tuple[Coding, ...] = ()
    tag: tuple[Coding, ...] = ()


class Attachment(Shape):
    """A file within a resource, in base64, or elsewhere."""

    content_type: str | None = None
    data: str | None = None
    url: str | None = None
    title: str | None = None


class Note(Shape):
    """An Annotation."""

    text: str | None = None


class Resource(Shape):
    """What every resource has."""

    id: str | None = None
    meta: Meta | None = None
    status: str | None = field(default=None)
