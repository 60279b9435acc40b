"""Layers on top of each other: what is left to see, and which layer brought it."""

from collections.abc import Sequence
from dataclasses import dataclass

from tidegate.scan.inventory.facts import Facts, Found, LayerFacts
from tidegate.scan.inventory.owned import same


@dataclass(frozen=True, slots=True)
class Held:
    """A file that can be seen: what it tells, its layer, and each package's layer.

    A package database is written anew by each layer that installs something. A package belongs to
    the layer since which it stands in the file without a change.
    """

    facts: Facts
    layer: int
    since: dict[Found, int]


def merge(layers: Sequence[LayerFacts]) -> dict[str, Held]:
    """The files that can be seen, by path."""
    held: dict[str, Held] = {}
    for index, layer in enumerate(layers):
        before = held
        held = {path: old for path, old in held.items() if not _hides(layer, path)}
        for path, facts in layer.files.items():
            old = before[path].since if path in before else {}
            since = {package: old.get(package, index) for package in facts.packages}
            held[path] = Held(facts, index, since)
    return held


def owners(held: dict[str, Held]) -> dict[str, int]:
    """The paths that belong to the distribution, each with the layer that made them so."""
    found: dict[str, int] = {}
    for file in held.values():
        claims = [(file.layer, file.facts.owns)]
        claims += [(file.since[package], package.owns) for package in file.facts.packages]
        for layer, paths in claims:
            for path in paths:
                found[path] = max(layer, found.get(path, 0))
    return found


def owned(path: str, layer: int, by: dict[str, int]) -> bool:
    """Whether the distribution brought the file: one written later over it is not its any more."""
    return by.get(same(path), -1) >= layer


def installed_beside(held: dict[str, Held]) -> frozenset[str]:
    """The folders that have packages in a `node_modules` of their own."""
    found = set()
    for path, file in held.items():
        if file.facts.packages and not file.facts.locks:
            at = path.find("node_modules/")
            while at >= 0:
                found.add(path[:at].rstrip("/"))
                at = path.find("node_modules/", at + 1)
    return frozenset(found)


def _hides(layer: LayerFacts, path: str) -> bool:
    """Whether a layer takes away a path of those below it."""
    if path in layer.hidden or path in layer.replaced or path in layer.folders:
        return True
    while path:
        path = path.rpartition("/")[0]
        if path in layer.opaque or (path and (path in layer.hidden or path in layer.replaced)):
            return True
    return False
