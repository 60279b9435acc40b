"""OpenVEX documents.

Source: OpenVEX specification 0.2.0: `not_affected` and `fixed` free a product; `not_affected` needs
a justification or an impact statement; of two statements the one with the later timestamp holds.
"""

from collections.abc import Iterator
from typing import Any

from tidegate.core.model import Waiver
from tidegate.spec.waivers.parts import broken, items, moment_ms, name_of, words
from tidegate.spec.waivers.vex import Statement, waivers

CONTEXT = "https://openvex.dev/ns"
_FREES = frozenset({"not_affected", "fixed"})
_KNOWN = _FREES | {"affected", "under_investigation"}


def read(name: str, document: dict[str, Any]) -> list[Waiver]:
    """Its waivers. Raises `AppFileError`."""
    author = words(name, document.get("author"), "author", 200)
    began = moment_ms(name, document.get("timestamp"), "timestamp") or 0
    found = items(name, document.get("statements"), "statements")
    timed = [(moment_ms(name, one.get("timestamp"), "timestamp") or began, one) for one in found]
    in_time = [one for _, one in sorted(timed, key=lambda pair: pair[0])]
    return waivers((said for one in in_time for said in _statements(name, one)), author, name)


def _statements(name: str, one: dict[str, Any]) -> Iterator[Statement]:
    named = one.get("vulnerability")
    named = named if isinstance(named, dict) else {"name": named}
    id = name_of(name, named.get("name") or named.get("@id"), "a statement's vulnerability")
    aliases = named.get("aliases") or []
    if not isinstance(aliases, list) or not all(isinstance(other, str) for other in aliases):
        raise broken(name, f"the aliases of {id} are no list of texts")
    status = words(name, one.get("status"), f"the status of {id}")
    if status not in _KNOWN:
        raise broken(name, f"{status or 'nothing'} is no status of {id}")
    keys = ("justification", "impact_statement", "status_notes")
    why = [words(name, one.get(key), f"{key} of {id}") for key in keys]
    if status == "not_affected" and not (why[0] or why[1]):
        raise broken(name, f"{id} is not_affected without justification or impact_statement")
    reason = ": ".join([status, *filter(None, why)])[:500]
    products = one.get("products")
    if not isinstance(products, list) or not products:
        raise broken(name, f"the statement on {id} names no product")
    for product in products:
        found, parts = _product(name, product)
        yield Statement(id, status in _FREES, reason, tuple(aliases), found, parts)


def _product(name: str, product: Any) -> tuple[str, tuple[str, ...]]:
    """A product's purl or name, and its parts that are meant; none: all of it."""
    if isinstance(product, str):
        return name_of(name, product, "a product"), ()
    if not isinstance(product, dict):
        raise broken(name, "a product is neither a text nor an object")
    parts = product.get("subcomponents") or []
    if not isinstance(parts, list):
        raise broken(name, "subcomponents is no list")
    return _named(name, product), tuple(_product(name, part)[0] for part in parts)


def _named(name: str, product: dict[str, Any]) -> str:
    identifiers = product.get("identifiers")
    purl = identifiers.get("purl") if isinstance(identifiers, dict) else None
    return name_of(name, purl or product.get("@id"), "a product's @id")
