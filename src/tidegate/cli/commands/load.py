"""`tidegate load`: the load generator on this app's own listener, or wherever one may."""

import argparse
from collections.abc import Sequence
from pathlib import Path

import typer

from tidegate.cli import load_words as words_of
from tidegate.cli import output
from tidegate.cli.commands import account
from tidegate.cli.here import Here, here
from tidegate.cli.target import TargetName
from tidegate.core.errors import SetupError, UsageError
from tidegate.core.model import App
from tidegate.load import __main__ as generator
from tidegate.local.haproxy.machine import processes
from tidegate.spec import load as read_app


def load(
    context: typer.Context,
    words: words_of.Urls = None,
    *,
    weight: words_of.Weight = None,
    targets: words_of.Targets = None,
    method: words_of.Method = "GET",
    header: words_of.Header = None,
    body: words_of.Body = None,
    tag_header: words_of.TagHeader = "",
    tag_body: words_of.TagBody = "",
    i_may_load: words_of.IMayLoad = None,
    rate: words_of.Rate = None,
    length: words_of.Length = None,
    profile: words_of.Profile = None,
    replay: words_of.Replay = None,
    day: words_of.Day = None,
    speed: words_of.Speed = None,
    scale: words_of.Scale = None,
    poisson: words_of.Poisson = None,
    requests: words_of.Requests = None,
    timeout: words_of.Timeout = "10s",
    connections: words_of.Connections = 4_000,
    resend: words_of.Resend = False,
    no_precedence: words_of.NoPrecedence = False,
    title: words_of.Title = "load",
    as_json: output.AsJson = False,
    out: words_of.Out = None,
    html: words_of.Html = None,
) -> None:
    """Send a load at fixed times and measure every reply, from when it was meant to be sent."""
    asked = dict(locals())
    words = asked.pop("words") or []
    now = here(asked.pop("context"))
    if words[:1] == ["compare"]:
        _see_only(context, ("words", "as_json", "html"))
        shown = {"json": as_json, "html": html}
        generator.compare(argparse.Namespace(**_two(words[1:]), **shown))
        return
    if now.target is TargetName.AWS:
        account.load(now, words, asked)
        return
    urls, listener = _urls(now, words, targets)
    lists = {name: asked[name] or [] for name in ("weight", "header", "i_may_load")}
    lists["i_may_load"] = [*lists["i_may_load"], *listener]
    asked |= {"json": asked.pop("as_json"), "urls": urls}
    generator.run(argparse.Namespace(**(asked | lists)))


def _see_only(context: typer.Context, heeded: Sequence[str]) -> None:
    """Raise `UsageError` TG170 for an option that a comparison would not heed."""
    for option in context.command.params:
        source = context.get_parameter_source(option.name or "")
        if source and source.name == "COMMANDLINE" and option.name not in heeded:
            raise UsageError(
                f"{option.opts[0]} says nothing to a comparison",
                remedy="tidegate load compare A B takes --json and --html FILE",
                code="TG170",
            )


def _two(paths: list[str]) -> dict[str, Path]:
    if len(paths) != 2:
        raise UsageError(
            f"{len(paths)} reports to compare",
            remedy="name two files that --out wrote: tidegate load compare A B",
            code="TG170",
        )
    return dict(zip(("a", "b"), map(Path, paths), strict=True))


def _urls(now: Here, words: list[str], targets: Path | None) -> tuple[list[str], list[str]]:
    """Whole URLs, and this app's listener (which may be loaded) when one of them is on it."""
    if words and all("://" in word for word in words) and not now.file.exists():
        return words, []
    if targets and not words and not now.file.exists():
        return [], []
    app = read_app(now.file)
    scheme = "https" if app.listener.certificate else "http"  # `Target` says what it cannot ask
    authority = authority_of(app)
    if not words and not targets:
        words = words_of.paths_of(app)
    if any(word.startswith("/") for word in words):
        _see_that_it_is_ours(now, authority)
    urls = [f"{scheme}://{authority}{word}" if word.startswith("/") else word for word in words]
    return urls, [authority]


def _see_that_it_is_ours(now: Here, authority: str) -> None:
    """Raise `SetupError` TG244 unless this app's balancer runs: whoever else has its port then
    would be loaded.
    """
    if not processes(now.home.haproxy):
        raise SetupError(
            f"this app does not answer at {authority}",
            cause="its balancer does not run, so what answers there would not be this app",
            remedy="tidegate up; to load something else, name its whole URL",
            code="TG244",
        )


def authority_of(app: App) -> str:
    """Where the app answers, as `host:port`. One that listens everywhere is asked here."""
    listener = app.listener
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]", "*": "127.0.0.1"}.get(
        listener.address, listener.address
    )
    return f"{host}:{listener.port}"
