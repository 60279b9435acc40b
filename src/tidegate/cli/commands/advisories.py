"""The advisories of this user: update, import, status. They need no daemon and no app file."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Group
from rich.markup import escape
from rich.table import Table

from tidegate.cli import output
from tidegate.cli.bars import bars
from tidegate.cli.output import AsJson
from tidegate.cli.render.words import span, state
from tidegate.core.errors import GateError, UsageError
from tidegate.local.scanning import LocalAdvisories, Settings
from tidegate.scan.advisories.fetch import Fetcher
from tidegate.scan.advisories.settings import EPSS, KEV, sources_for
from tidegate.scan.advisories.store import Published, SourceState
from tidegate.scan.versions import ECOSYSTEMS
from tidegate.wiring.scanning import unix_ms

DAY_MS = 86_400_000

app = typer.Typer(
    name="advisories",
    help="The vulnerability data of this user, shared by all apps.",
    no_args_is_help=True,
)


@dataclass(frozen=True, slots=True)
class SourceView:
    """One source as `status` shows it: ok, warn or fail by its age; `failure` of its refresh."""

    name: str
    state: str
    age_ms: int
    records: int
    bad: int
    newest: str
    failure: str = ""


@dataclass(frozen=True, slots=True)
class DataView:
    """All of it: `digest` names the index, `wanted` what would be brought in now."""

    digest: str
    state: str
    note: str
    where: str
    sources: tuple[SourceView, ...]
    wanted: tuple[str, ...]


@app.command()
def update(
    epss: Annotated[
        bool, typer.Option("--epss", help="Also EPSS: the chance that each is exploited.")
    ] = False,
    ecosystem: Annotated[
        list[str] | None,
        typer.Option(help="Instead of those that were seen in images: Debian, PyPI. Repeatable."),
    ] = None,
    source: Annotated[
        list[str] | None, typer.Option(hidden=True, help="Exactly these sources.")
    ] = None,
) -> None:
    """Fetch the advisories of what was seen in images so far, and what CISA knows as exploited.

    What cannot be fetched stays as it was; exit code 5 then.
    """
    settings = Settings.of_user()
    advisories = LocalAdvisories(settings.root)
    _check(ecosystem or [])
    if source:
        wanted = tuple(source)
    elif ecosystem:
        wanted = sources_for(ecosystem, epss=epss)
    else:
        wanted = advisories.wanted(epss)
        if set(wanted) <= {KEV, EPSS}:
            output.progress("no image was scanned yet: name what to fetch with --ecosystem")
    with bars() as report:
        fetcher = Fetcher(settings.addresses, report=report)
        published = advisories.update(wanted, fetcher, unix_ms(), report)
    _finish(published, len(wanted))


@app.command("import")
def take(
    folder: Annotated[
        Path,
        typer.Argument(
            exists=True,
            file_okay=False,
            metavar="DIR",
            help="A folder with <ECOSYSTEM>/all.zip, as the OSV bucket or osv-scanner has them.",
        ),
    ],
) -> None:
    """Take advisories in that somebody carried here, without any network."""
    advisories = LocalAdvisories(Settings.of_user().root)
    with bars() as report:
        published = advisories.take(folder, unix_ms(), report)
    _finish(published, len(advisories.store.states()))


@app.command()
def status(as_json: AsJson = False) -> None:
    """Show each source with its age. Exit code 5 when the gate would know nothing by them."""
    view = _view(LocalAdvisories(Settings.of_user().root))
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("source", "state", "age", "records", "newest", "last refresh"):
        table.add_column(heading)
    for one in view.sources:
        counts = f"{one.records:,}" + (f" ({one.bad} unreadable)" if one.bad else "")
        told = escape(one.failure) or "went well"
        table.add_row(one.name, state(one.state), span(one.age_ms), counts, one.newest, told)
    head = f"{state(view.state)}  {view.digest or 'no index'}"
    lines = [escape(view.note)] if view.note else []
    output.result(view, Group(head, *lines, *([table] if view.sources else [])), as_json)
    if view.state == "fail":
        raise typer.Exit(GateError.exit_code)


def _view(advisories: LocalAdvisories) -> DataView:
    now_ms, seen, failures = unix_ms(), advisories.observe(), advisories.failures()
    sources = [
        _source(one, now_ms, failures[name].text if name in failures else "")
        for name, one in sorted(advisories.store.states().items())
    ]
    states = {source.state for source in sources}
    worst = next((word for word in ("fail", "warn") if word in states), "ok")
    return DataView(
        digest=seen.digest,
        state=worst if seen.digest else "fail",
        note=seen.note,
        where=str(advisories.store.root),
        sources=tuple(sources),
        wanted=advisories.wanted(),
    )


def _source(one: SourceState, now_ms: int, failure: str) -> SourceView:
    age_ms = max(0, now_ms - one.taken_at_ms)
    word = "fail" if age_ms >= 14 * DAY_MS else "warn" if age_ms >= 3 * DAY_MS or failure else "ok"
    return SourceView(one.name, word, age_ms, one.records, one.bad, one.newest, failure)


def _check(ecosystems: list[str]) -> None:
    unknown = [name for name in ecosystems if name.partition(":")[0] not in ECOSYSTEMS]
    if unknown:
        raise UsageError(
            f"{unknown[0]!r} is no ecosystem that is known here",
            remedy=f"one of: {', '.join(sorted(ECOSYSTEMS))}",
            code="TG130",
        )


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
