"""What every mapping of the app file has in common: closed, strict, and every key explained."""

from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, GetJsonSchemaHandler, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError

REMEDY = "remedy"
"""Where a `conflict` carries its remedy, among the context of a pydantic error."""


class Keys(BaseModel):
    """A mapping of the app file. A key that is not among its fields is an error."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        frozen=True,
        allow_inf_nan=False,
        validate_default=True,
        revalidate_instances="never",
    )


class Short(Keys):
    """A mapping that may be written as one plain value: that of its key `short`."""

    short: ClassVar[str]

    @model_validator(mode="before")
    @classmethod
    def _expand(cls, value: object) -> object:
        plain = isinstance(value, str | int | float)
        return {cls.short: value} if plain else value

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        reference = handler(schema)
        whole = handler.resolve_ref_schema(reference)
        mapping = dict(whole)
        plain = {k: v for k, v in mapping["properties"][cls.short].items() if k != "default"}
        whole.clear()
        whole.update(anyOf=[plain, mapping])
        return reference


def key(default: Any, description: str, example: Any) -> Any:
    """A key that may be left out. `example` is a value as somebody would write it."""
    return Field(default=default, description=description, examples=[example])


def needed(description: str, example: Any) -> Any:
    """A key that must be there."""
    return Field(description=description, examples=[example])


def part(model: type[Keys], description: str, example: Any) -> Any:
    """A key that holds a mapping; left out, every key in it has its default."""
    return Field(default_factory=model, description=description, examples=[example])


def many(description: str, example: Any) -> Any:
    """A key that holds a list, empty when left out."""
    return Field(default_factory=list, description=description, examples=[example])


def named(description: str, example: Any) -> Any:
    """A key that holds a mapping from names, empty when left out."""
    return Field(default_factory=dict, description=description, examples=[example])


def conflict(what: str, remedy: str) -> PydanticCustomError:
    """Two keys that do not go together: what is wrong, and what to write instead."""
    return PydanticCustomError("conflict", "{what}", {"what": what, REMEDY: remedy})
