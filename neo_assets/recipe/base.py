"""The base of every recipe section: frozen, and strict about unknown keys and wrong types."""

from __future__ import annotations

from typing import Any, Self

from pydantic import BaseModel, ConfigDict, ModelWrapValidatorHandler, ValidationError, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError


class Section(BaseModel):
    """A frozen part of a recipe; an unknown key or a wrong type is refused, never ignored or coerced from text."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True, protected_namespaces=())

    @model_validator(mode="wrap")
    @classmethod
    def _nothing_coerced(cls, data: Any, validate: ModelWrapValidatorHandler[Self]) -> Self:
        section = validate(data)
        given = data.items() if isinstance(data, dict) else ()
        faults = [
            InitErrorDetails(
                type=PydanticCustomError("coerced", "{reason}", {"reason": reason}), loc=(key,), input=value
            )
            for key, value in given
            if (reason := _coercion(value, getattr(section, key)))
        ]
        if faults:
            raise ValidationError.from_exception_data(cls.__name__, faults)
        return section


def _coercion(given: Any, found: Any) -> str | None:
    """What is wrong where a value was taken for one of another kind: "2" for 2, true for 1."""
    if isinstance(given, dict) and isinstance(found, dict):
        return next((f"{key}: {why}" for key in given if (why := _coercion(given[key], found.get(key)))), None)
    wrong = isinstance(given, str) or isinstance(given, bool) != isinstance(found, bool)
    if not isinstance(found, int | float) or not wrong:
        return None
    if isinstance(found, bool):
        return "expected true or false"
    return "expected a number; write it without quotes, and 1.0e-3 for 1e-3"
