"""What `tidegate advisories` does."""

from dataclasses import dataclass
from pathlib import Path

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table

from tidegate.cli import output
from tidegate.cli.bars import bars
from tidegate.cli.render.words import span, state
from tidegate.core.errors import GateError, UsageError
from tidegate.core.model import GatePolicy
from tidegate.local.clock import unix_ms
from tidegate.local.scanning import LocalAdvisories, Settings
from tidegate.scan.advisories.fetch import Fetcher
from tidegate.scan.advisories.settings import EPSS, KEV, sources_for
from tidegate.scan.advisories.store import Published, SourceState
from tidegate.scan.versions import ECOSYSTEMS


@dataclass(frozen=True, slots=True)
class SourceView:
    """One source: ok, warn or fail by its age and the gate's default policy.

    `failure` is that of its last refresh, if it failed.
    """

    name: str
    state: str
    age_ms: int
    records: int
    bad: int
    newest: str
    failure: str = ""


@dataclass(frozen=True, slots=True)
class DataView:
    """All of it: `digest` names the index; `missing` was seen in images and is not here yet."""

    digest: str
    state: str
    note: str
    where: str
    sources: tuple[SourceView, ...]
    missing: tuple[str, ...]


def update(ecosystems: list[str], sources: list[str], *, epss: bool) -> None:
    """Fetch. Raises `UsageError` TG130, `Busy` TG805, `GateError` TG428 when a source failed."""
    unknown = [name for name in ecosystems if name.partition(":")[0] not in ECOSYSTEMS]
    if unknown:
        raise UsageError(
            f"{unknown[0]!r} is no ecosystem that is known here",
            remedy=f"one of: {', '.join(sorted(ECOSYSTEMS))}",
            code="TG130",
        )
    settings = Settings.of_user()
    advisories = LocalAdvisories(settings.root)
    wanted = sources_for(ecosystems, epss=epss) if ecosystems else advisories.wanted(epss)
    if set(wanted) <= {KEV, EPSS}:
        output.progress("no image was scanned yet: name what to fetch with --ecosystem")
    wanted = tuple(sources) or wanted
    with bars() as report:
        fetcher = Fetcher(settings.addresses, report=report)
        published = advisories.update(wanted, fetcher, unix_ms(), report)
    _finish(published, len(wanted))


def take(folder: Path) -> None:
    """Import. Raises `Busy` TG805, `GateError` TG420 to TG428."""
    advisories = LocalAdvisories(Settings.of_user().root)
    with bars() as report:
        published = advisories.take(folder, unix_ms(), report)
    _finish(published, len(advisories.store.states()))


def view() -> DataView:
    """What there is. Raises `GateError` TG426."""
    advisories = LocalAdvisories(Settings.of_user().root)
    now_ms, seen, failures = unix_ms(), advisories.observe(), advisories.failures()
    sources = [
        _source(one, now_ms, failures[name].text if name in failures else "")
        for name, one in sorted(advisories.store.states().items())
    ]
    missing = tuple(name for name in advisories.wanted() if name not in advisories.store.states())
    states = {*(source.state for source in sources), *(["warn"] if missing else [])}
    worst = next((word for word in ("fail", "warn") if word in states), "ok")
    return DataView(
        digest=seen.digest,
        state=worst if seen.digest else "fail",
        note=seen.note,
        where=str(advisories.store.root),
        sources=tuple(sources),
        missing=missing,
    )


def shown(view: DataView) -> RenderableType:
    """The same for a person."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("source", "state", "age", "records", "newest", "last refresh"):
        table.add_column(heading, overflow="fold")
    for one in view.sources:
        counts = f"{one.records:,}" + (f" ({one.bad} unreadable)" if one.bad else "")
        told = escape(one.failure) or "went well"
        row = (one.name, state(one.state), span(one.age_ms), counts, one.newest[:10], told)
        table.add_row(*row)
    head = f"{state(view.state)}  {view.digest or 'no index'}"
    lines = [escape(view.note)] if view.note else []
    lines += [f"not here yet: {', '.join(view.missing)}"] if view.missing else []
    return Group(head, *lines, *([table] if view.sources else []))


def _source(one: SourceState, now_ms: int, failure: str) -> SourceView:
    age_ms = max(0, now_ms - one.taken_at_ms)
    policy = GatePolicy()
    old = policy.data_unknown_ms is not None and age_ms >= policy.data_unknown_ms
    aging = policy.data_warn_ms is not None and age_ms >= policy.data_warn_ms
    word = "fail" if old else "warn" if aging or failure else "ok"
    return SourceView(one.name, word, age_ms, one.records, one.bad, one.newest, failure)


def _finish(published: Published, of: int) -> None:
    """Say how it went. Raises `GateError` TG428 when a source failed."""
    if published.changed:
        output.progress(f"the index is now {published.digest}")
    elif published.digest:
        output.progress(f"the index was current: {published.digest}")
    if not published.failures:
        return
    for name, error in sorted(published.failures.items()):
        output.progress(f"✗ {name}: {error.what}: {error.cause}")
    raise GateError(
        f"{len(published.failures)} of {of} sources could not be brought in",
        cause="what is held of them stays as it was",
        remedy="see whether this machine reaches them, or import a folder",
        code="TG428",
    )
