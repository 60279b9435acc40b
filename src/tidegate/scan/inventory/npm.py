"""Node packages: every `package.json` that has a name and a version, and npm's lock files."""

import json
from collections.abc import Iterator
from typing import Any

from tidegate.scan.inventory.facts import BadFile, Facts, Found
from tidegate.scan.packages import Kind

_DEPTH = 50


def manifest(content: bytes) -> Facts:
    """The package of a `package.json`; nothing when it is only settings for a folder."""
    data = _object(content)
    name, version = data.get("name"), data.get("version")
    if not (isinstance(name, str) and isinstance(version, str) and name and version):
        return Facts()
    return Facts(packages=(Found(Kind.NPM, name, version.strip()),))


def lock_file(content: bytes) -> Facts:
    """The packages that a `package-lock.json` or `npm-shrinkwrap.json` pins, versions 1 to 3.

    What is pinned both for development and for use counts as for use.
    """
    data = _object(content)
    packages = data.get("packages")
    rows = (
        _by_path(packages)
        if isinstance(packages, dict)
        else _by_name(data.get("dependencies"), _DEPTH)
    )
    found: dict[tuple[str, str], Found] = {}
    for package in rows:
        earlier = found.get((package.name, package.version))
        if earlier is None or earlier.dev:
            found[package.name, package.version] = package
    return Facts(packages=tuple(found.values()), locks=True)


def _by_path(packages: dict[str, Any]) -> Iterator[Found]:
    """Versions 2 and 3: `"node_modules/a/node_modules/@b/c": {"version": …}`."""
    for path, entry in packages.items():
        _, found, name = path.rpartition("node_modules/")
        if found and isinstance(entry, dict) and not entry.get("link"):
            own = entry.get("name")
            yield from _pinned(own if isinstance(own, str) else name, entry)


def _by_name(dependencies: object, depth: int) -> Iterator[Found]:
    """Version 1: a tree of `"a": {"version": …, "dependencies": {…}}`."""
    if not isinstance(dependencies, dict):
        return
    if depth == 0:
        raise BadFile("its tree is too deep")
    for name, entry in dependencies.items():
        if isinstance(entry, dict):
            yield from _pinned(name, entry)
            yield from _by_name(entry.get("dependencies"), depth - 1)


def _pinned(name: str, entry: dict[str, Any]) -> Iterator[Found]:
    """One package; a version that is an address (git, a file) has no number to match."""
    version = entry.get("version")
    if isinstance(version, str) and version and ":" not in version:
        yield Found(Kind.NPM, name, version, dev=entry.get("dev") is True)


def _object(content: bytes) -> dict[str, Any]:
    try:
        data = json.loads(content)
    except RecursionError as error:
        raise BadFile("its JSON is too deep") from error
    except ValueError as error:
        raise BadFile(f"its JSON: {error}") from error
    if not isinstance(data, dict):
        raise BadFile("it is no JSON object")
    return data
