"""What CDS Hooks 2.0.1 asks of answers, as JSON schemas of our own. https://cds-hooks.hl7.org/2.0/"""

from typing import Any

from jsonschema import Draft202012Validator

TEXT = {"type": "string", "pattern": r"\S"}
URL = {"type": "string", "format": "uri", "pattern": "^https?://"}
CODING = {
    "type": "object",
    "required": ["code", "system"],
    "properties": {"code": TEXT, "system": TEXT, "display": TEXT},
    "additionalProperties": False,
}
ACTION = {
    "type": "object",
    "required": ["type", "description"],
    "properties": {
        "type": {"enum": ["create", "update", "delete"]},
        "description": TEXT,
        "resource": {"type": "object", "required": ["resourceType"]},
        "resourceId": TEXT,
    },
    "additionalProperties": False,
    "if": {"properties": {"type": {"const": "create"}}},
    "then": {"required": ["resource"]},
}
CARD = {
    "type": "object",
    "required": ["summary", "indicator", "source"],
    "properties": {
        "uuid": TEXT,
        "summary": {**TEXT, "maxLength": 139},
        "detail": TEXT,
        "indicator": {"enum": ["info", "warning", "critical"]},
        "source": {
            "type": "object",
            "required": ["label"],
            "properties": {"label": TEXT, "url": URL, "icon": URL, "topic": CODING},
            "additionalProperties": False,
        },
        "suggestions": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["label"],
                "properties": {
                    "label": TEXT,
                    "uuid": TEXT,
                    "isRecommended": {"type": "boolean"},
                    "actions": {"type": "array", "minItems": 1, "items": ACTION},
                },
                "additionalProperties": False,
            },
        },
        "selectionBehavior": {"enum": ["at-most-one", "any"]},
        "overrideReasons": {
            "type": "array",
            "minItems": 1,
            "items": {**CODING, "required": ["code", "system", "display"]},
        },
        "links": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["label", "url", "type"],
                "properties": {
                    "label": TEXT,
                    "url": URL,
                    "type": {"enum": ["absolute", "smart"]},
                    "appContext": TEXT,
                },
                "additionalProperties": False,
            },
        },
    },
    "dependentRequired": {"suggestions": ["selectionBehavior"]},
    "additionalProperties": False,
}
ANSWER = {
    "type": "object",
    "required": ["cards"],
    "properties": {
        "cards": {"type": "array", "items": CARD},
        "systemActions": {"type": "array", "minItems": 1, "items": ACTION},
    },
    "additionalProperties": False,
}
DISCOVERY = {
    "type": "object",
    "required": ["services"],
    "properties": {
        "services": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["hook", "description", "id"],
                "properties": {
                    "hook": TEXT,
                    "title": TEXT,
                    "description": TEXT,
                    "id": {**TEXT, "pattern": "^[A-Za-z0-9._-]+$"},
                    "prefetch": {
                        "type": "object",
                        "minProperties": 1,
                        "additionalProperties": {**TEXT, "pattern": r"^[A-Z][A-Za-z]+[/?]"},
                    },
                },
                "additionalProperties": False,
            },
        }
    },
    "additionalProperties": False,
}


def holds(told: Any, schema: dict[str, Any] = ANSWER) -> Any:
    """``told``, after it was held against the schema, and nothing in it is null or empty."""
    Draft202012Validator(schema).validate(told)
    _full(told, top=True)
    return told


def _full(value: Any, *, top: bool = False) -> None:
    assert value not in (None, "", {}), "null and empty values are left out"
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for part in parts:
        if not (top and part == []):
            assert part != [], "an empty list is left out"
            _full(part)
