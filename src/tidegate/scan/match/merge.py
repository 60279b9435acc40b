"""One vulnerability has many names: the advisories that speak of the same one become one match.

A record's aliases are names of the same vulnerability. What a distribution's notice covers (DSA,
ALSA) is several of them: where the data has each on its own, the notice adds its name to them, else
it is a match of its own, and waiving one of what it covers does not waive the rest.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cmp_to_key
from typing import NamedTuple

from tidegate.core.findings import Severity
from tidegate.scan.advisories import severity
from tidegate.scan.advisories.index import Known
from tidegate.scan.advisories.names import shown
from tidegate.scan.packages import Package
from tidegate.scan.versions import Unordered, comparator


class Match(NamedTuple):
    """One vulnerability in one package.

    `aliases` are its other names, sorted. `covers` are CVEs that a distribution's notice fixes
    together and that the data does not have singly. `fixed_version` None: there is no fix.
    `exploited`: CISA lists it; `chance` is EPSS, 0 to 1, None without such data. `status` is the
    distribution's "unimportant" or "end-of-life". Not `certain`: versions could not be compared.
    `published_at` (ms) is when the first of its advisories was.
    """

    id: str
    package: Package
    severity: Severity
    aliases: tuple[str, ...] = ()
    covers: tuple[str, ...] = ()
    fixed_version: str | None = None
    score: float | None = None
    summary: str = ""
    status: str = ""
    certain: bool = True
    exploited: bool = False
    chance: float | None = None
    published_at: int | None = None

    @property
    def names(self) -> frozenset[str]:
        """Every name of it, and of what it covers."""
        return frozenset((self.id, *self.aliases, *self.covers))


@dataclass(slots=True)
class Said:
    """What one advisory, or several on the same vulnerability, say of a package that is hit.

    `names` are in the order in which they are shown, `covers` and `fixes` sorted.
    """

    names: tuple[str, ...]
    covers: tuple[str, ...]
    severity: Severity
    score: float | None = None
    fixes: tuple[str, ...] = ()
    summary: str = ""
    status: str = ""
    certain: bool = True
    published_at: int | None = None

    def join(self, other: "Said") -> None:
        """Take in what another advisory says of the same: the worst, and every fix."""
        self.names = shown({*self.names, *other.names})
        if severity.rank(other.severity) > severity.rank(self.severity):
            self.severity = other.severity
        self.score = max((s for s in (self.score, other.score) if s is not None), default=None)
        self.fixes = tuple(sorted({*self.fixes, *other.fixes}))
        self.summary = self.summary or other.summary
        self.status = self.status if self.status == other.status else ""
        self.certain = self.certain or other.certain
        told = (t for t in (self.published_at, other.published_at) if t is not None)
        self.published_at = min(told, default=None)


def merge(said: Sequence[Said], known: Callable[[], Iterable[Known]]) -> list[Said]:
    """One entry per vulnerability. `known` gives all that the data has on the package, hit or not.

    It is asked only when a notice was hit.
    """
    covering = [one for one in said if one.covers]
    if not covering:
        return _by_names(said)
    merged = _by_names([one for one in said if not one.covers])
    single = {name for k in known() if not k.covers for name in k.names}
    notices: list[Said] = []
    for notice in sorted(covering, key=_widest_first):
        for other in (one for one in merged if not set(notice.covers).isdisjoint(one.names)):
            _annotate(other, notice)
        notice.covers = tuple(name for name in notice.covers if name not in single)
        wider = next((one for one in notices if set(one.covers).issuperset(notice.covers)), None)
        if notice.covers and wider:
            wider.join(notice)
        elif notice.covers:
            notices.append(notice)
    return merged + notices


def latest(fixes: Sequence[str], ecosystem: str) -> str | None:
    """The fix that clears every advisory: the newest; None without any."""
    if len(fixes) < 2:
        return fixes[0] if fixes else None
    try:
        return max(fixes, key=cmp_to_key(comparator(ecosystem)))
    except Unordered:
        return max(fixes)


def matched(
    said: Said, package: Package, exploited: frozenset[str], chances: Mapping[str, float]
) -> Match:
    """The match that the merged advisories make, with what KEV and EPSS say of it."""
    id, *aliases = said.names
    names = said.names + said.covers
    found = [chances[name] for name in names if name in chances] if chances else None
    return Match(
        id,
        package,
        said.severity,
        tuple(aliases),
        said.covers,
        latest(said.fixes, package.ecosystem),
        said.score,
        said.summary,
        said.status,
        said.certain,
        not exploited.isdisjoint(names),
        max(found) if found else None,
        said.published_at,
    )


def _by_names(said: Sequence[Said]) -> list[Said]:
    """Join what shares a name, however far apart: A with B, B with C. Few advisories do."""
    names = [one.names for one in said]
    if len(set().union(*names)) == sum(map(len, names)):
        return list(said)
    found: dict[int, Said] = {}
    owners: dict[str, int] = {}
    for number, one in enumerate(said):
        for same in sorted({owners[name] for name in one.names if name in owners}):
            one.join(found.pop(same))
        found[number] = one
        owners |= dict.fromkeys(one.names, number)
    return list(found.values())


def _widest_first(notice: Said) -> tuple[int, str]:
    return -len(notice.covers), min(notice.names)


def _annotate(single: Said, notice: Said) -> None:
    """The notice's name and, where nobody told it, its severity; its fix clears the single."""
    single.names = shown({*single.names, *notice.names})
    single.fixes = single.fixes or notice.fixes
    if single.severity is Severity.UNKNOWN:
        single.severity = notice.severity
