"""Take the inventory of an image, or of a folder."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from tidegate.scan.archive import problems
from tidegate.scan.archive.folder import Folder
from tidegate.scan.archive.image import Description, Image
from tidegate.scan.archive.limits import DEFAULT, Limits
from tidegate.scan.archive.stream import Stream
from tidegate.scan.archive.tar import Tar
from tidegate.scan.inventory.base import KnownBase, find_base
from tidegate.scan.inventory.cache import LayerCache
from tidegate.scan.inventory.extract import Links, extract, follow
from tidegate.scan.inventory.facts import LayerFacts
from tidegate.scan.inventory.report import report
from tidegate.scan.packages import Inventory


def of_image(
    image: Image,
    cache: LayerCache | None = None,
    bases: Sequence[KnownBase] = (),
    limits: Limits = DEFAULT,
) -> Inventory:
    """The inventory of an image. Layers in the cache are not read again.

    `bases` are images that it may be built on. Raises `GateError` TG411 to TG416 when the image
    cannot be read, or is not what its digests say.
    """
    diff_ids = image.description.diff_ids
    facts = {d: found for d in diff_ids if cache and (found := cache.get(d))}
    wanted = set(diff_ids) - set(facts)
    if wanted:
        read = _read(image, wanted, limits)
        for diff_id, layer in read.items():
            if cache:
                cache.put(diff_id, layer)
        facts |= read
    base = find_base(image.description, bases)
    return report(image.description, [facts[diff_id] for diff_id in diff_ids], base)


def of_folder(path: Path, limits: Limits = DEFAULT) -> Inventory:
    """The inventory of a folder's files: a root file system, or a project. Raises `GateError`."""
    facts, _ = extract(Folder(path, limits))
    return report(Description("", "", ("",), ("",)), [facts], None)


def _read(image: Image, wanted: set[str], limits: Limits) -> dict[str, LayerFacts]:
    """The wanted layers by diff ID, each proven by its own bytes."""
    found: dict[str, LayerFacts] = {}
    open_links: dict[str, Links] = {}
    for stream, promised in _streams(image, wanted, limits):
        facts, links = extract(Tar(stream, limits))
        diff_id = _proven(stream, promised)
        if diff_id in wanted:
            found[diff_id] = facts
            open_links |= {diff_id: links} if links else {}
    if wanted - set(found):
        raise problems.missing(f"layer {min(wanted - set(found))}")
    return found | _linked(image, found, open_links, limits)


def _linked(
    image: Image, found: Mapping[str, LayerFacts], links: Mapping[str, Links], limits: Limits
) -> dict[str, LayerFacts]:
    """The layers with hard links to files that had gone by, after a second look at them."""
    if not links:
        return {}
    whole: dict[str, LayerFacts] = {}
    everywhere = {path: target for each in links.values() for path, target in each.items()}
    for stream, promised in _streams(image, set(links), limits):
        files = follow(Tar(stream, limits), links.get(promised, everywhere))
        diff_id = _proven(stream, promised)
        if diff_id in links:
            own = {path: facts for path, facts in files.items() if path in links[diff_id]}
            whole[diff_id] = replace(found[diff_id], files=found[diff_id].files | own)
    return whole


def _streams(image: Image, wanted: set[str], limits: Limits) -> Iterator[tuple[Stream, str]]:
    for promised, raw in image.layers(wanted):
        yield Stream(raw, limits.layer_bytes), promised


def _proven(stream: Stream, promised: str) -> str:
    diff_id = stream.finish()
    if promised not in ("", diff_id):
        raise problems.differs("a layer", promised, diff_id)
    return diff_id
