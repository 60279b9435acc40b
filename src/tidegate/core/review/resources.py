"""CloudFormation's templates as the review reads them: all their resources, by type."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource of a template: its logical id, type and properties."""

    id: str
    type: str
    properties: Mapping[str, Any]


class Stack:
    """All resources of all templates."""

    def __init__(self, templates: Mapping[str, Mapping[str, Any]]) -> None:
        self.templates = templates
        self.resources = tuple(
            Resource(name, str(body.get("Type", "")), body.get("Properties", {}))
            for template in templates.values()
            for name, body in template.get("Resources", {}).items()
        )

    def all(self, kind: str) -> tuple[Resource, ...]:
        """The resources of a type, without its `AWS::`."""
        return tuple(one for one in self.resources if one.type == f"AWS::{kind}")

    def without(self, kind: str, has: Callable[[Mapping[str, Any]], object]) -> list[str]:
        """The ids of the resources of a type for which `has` is not true."""
        return [one.id for one in self.all(kind) if not has(one.properties)]
