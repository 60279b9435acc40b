"""The JSON Schema of the app file, for editors: what is allowed, and what each key means."""

from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from tidegate.spec.app import AppKeys


class _Generator(GenerateJsonSchema):
    """Pydantic's generator without the titles that only repeat a key's name."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        """Never: the key's name is its title."""
        return False


def json_schema() -> dict[str, Any]:
    """JSON Schema, draft 2020-12, of what `loads` accepts.

    It knows every key, type and bound; what must hold between keys only `loads` checks, and the
    least and most of times and sizes that are written with a unit.
    """
    schema = AppKeys.model_json_schema(schema_generator=_Generator, mode="validation")
    _close(schema)
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "tidegate.yaml"}
    return {**head, **{name: value for name, value in schema.items() if name != "title"}}


def _close(node: Any) -> None:
    """A mapping whose names have a pattern takes no others; a model needs no title."""
    if isinstance(node, list):
        for item in node:
            _close(item)
    if not isinstance(node, dict):
        return
    if "patternProperties" in node:
        node["additionalProperties"] = False
    if isinstance(node.get("title"), str):
        del node["title"]
    for value in node.values():
        _close(value)
