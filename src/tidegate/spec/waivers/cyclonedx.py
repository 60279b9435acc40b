"""CycloneDX documents with an analysis of vulnerabilities (VEX).

Source: CycloneDX 1.6, `vulnerabilities[].analysis.state`: not_affected, false_positive and the two
kinds of resolved free what the vulnerability `affects`; exploitable and in_triage do not.
"""

from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

from tidegate.core.model import Waiver
from tidegate.spec.waivers.parts import broken, items, name_of, words
from tidegate.spec.waivers.vex import Statement, waivers

_FREES = frozenset({"not_affected", "false_positive", "resolved", "resolved_with_pedigree"})
_KNOWN = _FREES | {"exploitable", "in_triage"}


def read(name: str, document: dict[str, Any]) -> list[Waiver]:
    """Its waivers. Raises `AppFileError`."""
    metadata = document.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    authors = items(name, metadata.get("authors"), "metadata.authors")
    author = words(name, authors[0].get("name"), "the author", 200) if authors else ""
    purls = dict(_components(name, [metadata.get("component"), *_listed(name, document)]))
    found = items(name, document.get("vulnerabilities"), "vulnerabilities")
    return waivers((s for one in found for s in _statements(name, one, purls)), author, name)


def _listed(name: str, document: dict[str, Any]) -> list[dict[str, Any]]:
    return items(name, document.get("components"), "components")


def _components(name: str, components: list[Any]) -> Iterator[tuple[str, str]]:
    """The purl of each component by its reference in the document."""
    for component in components:
        if isinstance(component, dict) and component.get("bom-ref"):
            reference = words(name, component["bom-ref"], "a bom-ref")
            yield reference, words(name, component.get("purl"), "a purl") or reference


def _statements(name: str, one: dict[str, Any], purls: dict[str, str]) -> Iterator[Statement]:
    id = name_of(name, one.get("id"), "a vulnerability's id")
    analysis = one.get("analysis")
    if analysis is None:
        return
    state = (
        words(name, analysis.get("state"), f"the state of {id}")
        if isinstance(analysis, dict)
        else ""
    )
    if state not in _KNOWN:
        raise broken(name, f"{state or 'nothing'} is no state of {id}")
    aliases = tuple(
        name_of(name, other.get("id"), f"a reference of {id}")
        for other in items(name, one.get("references"), f"the references of {id}")
    )
    why = [words(name, analysis.get(key), f"{key} of {id}") for key in ("justification", "detail")]
    reason = ": ".join([state, *filter(None, why)])[:500]
    affects = items(name, one.get("affects"), f"what {id} affects")
    if not affects:
        raise broken(name, f"{id} affects nothing")
    for each in affects:
        reference = name_of(name, each.get("ref"), f"a ref that {id} affects")
        local = unquote(reference.partition("#")[2]) if reference.startswith("urn:cdx:") else ""
        product = purls.get(local or reference, local or reference)
        yield Statement(id, state in _FREES, reason, aliases, product)
