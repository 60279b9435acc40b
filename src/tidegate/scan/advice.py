"""What to do: the few actions that clear the most findings. Pure, and the same every time.

Greedy set cover: of the actions still open the one that clears most, until nothing is left to
clear or the list is long enough (within ln n of the shortest list: Chvátal, 1979).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from packageurl import PackageURL

from tidegate.core.findings import Finding
from tidegate.scan.match.merge import latest

MOST = 5
_ECOSYSTEMS = {
    "deb": "Debian",
    "apk": "Alpine",
    "rpm": "AlmaLinux",
    "pypi": "PyPI",
    "npm": "npm",
    "golang": "Go",
    "maven": "Maven",
}
_WORDS = {
    "deb": "apt-get upgrade {name} to {version}",
    "apk": "apk upgrade {name} to {version}",
    "rpm": "dnf upgrade {name} to {version}",
    "pypi": "pip: {name} ≥ {version}",
    "npm": "npm: {name} ≥ {version}",
    "golang": "go get {name} ≥ {version}",
    "maven": "maven: {name} ≥ {version}",
}


@dataclass(frozen=True, slots=True)
class Action:
    """One thing to do, and how many of the findings that were left it clears."""

    text: str
    clears: int

    @property
    def sentence(self) -> str:
        """As in `pip: requests ≥ 2.31 clears 3 findings`."""
        return f"{self.text} clears {self.clears} finding{'' if self.clears == 1 else 's'}"


@dataclass(frozen=True, slots=True)
class Advice:
    """What to do first, and how many findings have no fix anywhere, so that nothing clears them."""

    actions: tuple[Action, ...]
    unfixed: int


def advise(findings: Sequence[Finding], base: str = "", most: int = MOST) -> Advice:
    """The advice on these findings; `base` is the base image's name, as its users write it."""
    fixable = {n: finding for n, finding in enumerate(findings) if finding.fixed_version}
    offers = {text: frozenset(ids) for text, ids in _offers(fixable, base).items()}
    actions: list[Action] = []
    left = set(fixable)
    while left and len(actions) < most:
        text = min(offers, key=lambda offer: (-len(offers[offer] & left), offer))
        cleared = offers[text] & left
        actions.append(Action(text, len(cleared)))
        left -= cleared
    return Advice(tuple(actions), len(findings) - len(fixable))


def _offers(fixable: dict[int, Finding], base: str) -> dict[str, list[int]]:
    """Every action that clears something, with the findings that it clears."""
    groups: dict[tuple[str, str], list[int]] = {}
    for n, finding in fixable.items():
        groups.setdefault(_place(finding), []).append(n)
    offers = {
        _upgrade(*place, [fixable[n] for n in members]): members
        for place, members in groups.items()
    }
    below = [n for n, finding in fixable.items() if finding.origin.base]
    if below:
        offers[f"rebuild on a newer {base or 'base image'}"] = below
    return offers


def _place(finding: Finding) -> tuple[str, str]:
    """What is upgraded as one: the packages built of one source, or a language's package."""
    try:
        url = PackageURL.from_string(finding.purl)
    except ValueError:
        return "", finding.package
    if url.type in ("deb", "apk") and isinstance(url.qualifiers, dict):
        return url.type, str(url.qualifiers.get("upstream", url.name)).partition("@")[0]
    return url.type, finding.package


def _upgrade(kind: str, name: str, findings: list[Finding]) -> str:
    version = latest(sorted(_fixes(findings)), _ECOSYSTEMS.get(kind, ""))
    if kind == "golang" and name == "stdlib":
        return f"build with Go ≥ {version}"
    return _WORDS.get(kind, "upgrade {name} to {version}").format(name=name, version=version)


def _fixes(findings: list[Finding]) -> Iterator[str]:
    return (finding.fixed_version for finding in findings if finding.fixed_version)
