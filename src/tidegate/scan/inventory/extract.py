"""One layer, read once: its facts, and its hard links to files that had already gone by."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from tidegate.scan.archive.image import inside
from tidegate.scan.archive.tar import Member, MemberKind
from tidegate.scan.inventory.facts import Facts, LayerFacts
from tidegate.scan.inventory.programs import is_program
from tidegate.scan.inventory.readers import PROGRAM, Reader, reader_for

_WHITEOUT = ".wh."
_OPAQUE = ".wh..wh..opq"
_NOTHING = Facts()
_MOST_NOTES = 50

Links = Mapping[str, str]
"""Hard links to read again: the path, and the earlier file that it is."""


class Members(Protocol):
    """A layer's entries in order; `read` and `peek` give content of the one last handed out."""

    def __iter__(self) -> Iterator[Member]: ...

    def read(self, size: int, /) -> bytes: ...

    def peek(self, size: int, /) -> bytes: ...


@dataclass(slots=True)
class _Layer:
    """A layer as far as it was read."""

    files: dict[str, Facts] = field(default_factory=dict)
    hidden: set[str] = field(default_factory=set)
    opaque: set[str] = field(default_factory=set)
    replaced: set[str] = field(default_factory=set)
    folders: set[str] = field(default_factory=set)
    notes: list[tuple[str, str]] = field(default_factory=list)
    links: dict[str, str] = field(default_factory=dict)

    def take(self, members: Members, member: Member) -> None:
        """One entry. A later one of the same path wins, as when it is unpacked."""
        path = inside(member.name)
        if path is None:
            if len(self.notes) < _MOST_NOTES:
                self.notes.append((member.name[:200], "its path leads out of the image"))
        elif path.rpartition("/")[2].startswith(_WHITEOUT):
            self._whiteout(path)
        elif member.kind is MemberKind.FOLDER:
            self.folders.add(path)
        elif path:
            self.replaced.add(path)
            self.files.pop(path, None)
            self.links.pop(path, None)
            if member.kind is MemberKind.FILE:
                self._keep(path, _read(members, member, path))
            elif member.kind is MemberKind.HARD_LINK:
                self._link(path, inside(member.target) or "")

    def _whiteout(self, path: str) -> None:
        """Image specification, "Whiteouts": `.wh.x` hides x, `.wh..wh..opq` all in its folder."""
        folder, _, name = path.rpartition("/")
        if name == _OPAQUE:
            self.opaque.add(folder)
        elif not name.startswith(".wh..wh."):
            hidden = name.removeprefix(_WHITEOUT)
            self.hidden.add(f"{folder}/{hidden}" if folder else hidden)

    def _link(self, path: str, target: str) -> None:
        reader, target = reader_for(path), self.links.get(target, target)
        if target in self.replaced and reader is reader_for(target):
            self._keep(path, self.files.get(target, _NOTHING))
        elif reader is not None:
            self.links[path] = target

    def _keep(self, path: str, facts: Facts) -> None:
        if facts != _NOTHING:
            self.files[path] = facts


def extract(members: Members) -> tuple[LayerFacts, Links]:
    """All that a layer tells, but for the hard links that it answers beside it."""
    layer = _Layer()
    for member in members:
        layer.take(members, member)
    facts = LayerFacts(
        files=layer.files,
        hidden=frozenset(layer.hidden),
        opaque=frozenset(layer.opaque),
        replaced=frozenset(layer.replaced),
        folders=frozenset(layer.folders),
        notes=tuple(layer.notes),
    )
    return facts, layer.links


def follow(members: Members, links: Links) -> dict[str, Facts]:
    """What the hard links tell, from a second look at their layer, by path."""
    paths: dict[str, list[str]] = {}
    for path, target in links.items():
        paths.setdefault(target, []).append(path)
    found: dict[str, Facts] = {}
    for member in members:
        named = paths.get(inside(member.name) or "", ())
        if named and member.kind is MemberKind.FILE:
            content = b"" if _too_large(member, PROGRAM) else members.read(member.size)
            for path in named:
                found[path] = _facts(path, reader_for(path) or PROGRAM, member, content)
    for path in links.keys() - found.keys():
        found[path] = (reader_for(path) or PROGRAM).unread("a hard link out of its layer")
    return {path: facts for path, facts in found.items() if facts != _NOTHING}


def _read(members: Members, member: Member, path: str) -> Facts:
    """What a file tells. One without a telling name is looked into when it is a program."""
    reader = reader_for(path)
    if reader is None:
        if not is_program(members.peek(4)):
            return _NOTHING
        reader = PROGRAM
    content = b"" if _too_large(member, reader) else members.read(member.size)
    return _facts(path, reader, member, content)


def _facts(path: str, reader: Reader, member: Member, content: bytes) -> Facts:
    if _too_large(member, reader):
        return reader.unread("it is larger than is read")
    return reader.facts(path, content)


def _too_large(member: Member, reader: Reader) -> bool:
    return member.sparse or member.size > reader.most_bytes
