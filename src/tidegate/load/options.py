"""The words of the command line: its options, and the plan that they describe."""

import argparse
import math
from pathlib import Path

from tidegate.core.errors import UsageError
from tidegate.load.plan import Limits, Plan
from tidegate.load.profile import Profile, constant, parse, parse_seconds, replay
from tidegate.load.target import Header, Tag, Target
from tidegate.load.trace import Trace, read_trace
from tidegate.load.vegeta import read_targets

MOST_REQUESTS = 100_000_000
RATE_RPS, LENGTH = 50.0, "10s"
_COURSES = {"replay": ("day", "speed", "scale"), "profile": (), "rate": ("length",)}
"""What says how the rate goes, of which a load has one; and the options that are about it alone."""
RUN = "send a load at fixed times and measure the replies; the default"


def parser(prog: str) -> argparse.ArgumentParser:
    """The options of both commands."""
    main = argparse.ArgumentParser(prog, description="An open-loop HTTP load generator.")
    commands = main.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help=RUN, description=RUN)
    _what(run.add_argument_group("what is asked"))
    _when(run.add_argument_group("when"))
    _how(run.add_argument_group("how"))
    words = "two reports of --out side by side"
    both = commands.add_parser("compare", help=words, description=words)
    both.add_argument("a", type=Path, metavar="A")
    both.add_argument("b", type=Path, metavar="B")
    both.add_argument("--json", action="store_true", help="print the numbers as JSON")
    both.add_argument("--html", type=Path, metavar="FILE", help="write a page of both")
    return main


def _what(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add("urls", nargs="*", metavar="URL", help="http://HOST[:PORT]/PATH, on this machine")
    add("--weight", type=int, action="append", default=[], help="of each URL in turn (1)")
    add("--targets", type=Path, metavar="FILE", help="a targets file of Vegeta, http or json")
    add("-X", "--method", default="GET", help="for each URL (GET)")
    add("-H", "--header", action="append", default=[], metavar="NAME:VALUE")
    add("--body", type=Path, metavar="FILE", help="a file with the body")
    add("--tag-header", default="", metavar="NAME", help="count replies by this header's value")
    add("--tag-body", default="", metavar="PATTERN", help="count replies by its group 1")
    help_hosts = "a host (or HOST:PORT) that is not this machine, and that you may load"
    add("--i-may-load", action="append", default=[], metavar="HOST", help=help_hosts)


def _when(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add("--rate", type=float, help="requests per second (50)")
    add("--for", dest="length", metavar="LENGTH", help="how long (10s)")
    add("--profile", help="RATE[-RATE]:LENGTH,… such as 100:30s,100-1000:1m,1000:5m")
    add(
        "--replay",
        type=Path,
        metavar="FILE",
        help="requests per minute, one a line; or an access log",
    )
    add("--day", metavar="YYYY-MM-DD", help="of an access log, by its own clock")
    add("--speed", type=float, help="of a replay; 60 plays an hour in a minute (1)")
    add("--scale", type=float, help="times the rates of a replay (1)")
    add("--poisson", type=int, metavar="SEED", help="random arrivals at these rates")
    add("--requests", type=int, metavar="N", help="stop after so many")


def _how(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add("--timeout", default="10s", metavar="LENGTH", help="of each request (10s)")
    add("--connections", type=int, default=4000, metavar="N", help="at most (4000)")
    add("--resend", action="store_true", help="once, on a reused connection that is dead")
    add("--no-precedence", action="store_true", help="let the sender wait like other programs")
    add("--title", default="load", help="what the report is called")
    add("--json", action="store_true", help="print the report as JSON")
    add("--out", type=Path, metavar="FILE", help="write the report as JSON")
    add("--html", type=Path, metavar="FILE", help="write the report as a page with plots")


def plan_of(options: argparse.Namespace) -> Plan:
    """The plan that the options of `run` describe. Raises `UsageError`."""
    limits = _limits(options)
    trace = read_trace(options.replay, options.day) if options.replay else None
    return Plan(
        targets=_targets(options),
        profile=_profile(options, trace),
        note=f"{options.replay}: {trace.says()}" if trace else "",
        title=options.title,
        tag=Tag(options.tag_header, options.tag_body),
        limits=limits,
        hosts=frozenset(options.i_may_load),
        first=not options.no_precedence,
    )


def _limits(options: argparse.Namespace) -> Limits:
    timeout_s = parse_seconds(options.timeout)
    numbers = {
        "--timeout": timeout_s, "--connections": options.connections, "--requests": options.requests
    }  # fmt: skip
    for name, number in numbers.items():
        if number is not None and number <= 0:
            raise UsageError(
                f"{name} must be above 0, not {number:g}", remedy="or leave it out", code="TG159"
            )
    return Limits(timeout_s, options.connections, options.requests, options.resend)


def read_text(path: Path) -> str:
    """A file's text. Raises `UsageError`."""
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read", cause=str(error), code="TG158") from error


def _targets(options: argparse.Namespace) -> tuple[Target, ...]:
    weights = options.weight or [1] * len(options.urls)
    if len(weights) != len(options.urls):
        raise UsageError(
            f"{len(weights)} weights for {len(options.urls)} URLs",
            remedy="give each URL its --weight, or none of them",
            code="TG159",
        )
    headers = tuple(_header(text) for text in options.header)
    body = read_text(options.body).encode() if options.body else b""
    targets = tuple(
        Target(url, options.method, headers, body, weight)
        for url, weight in zip(options.urls, weights, strict=True)
    )
    return targets + (read_targets(options.targets) if options.targets else ())


def _or(given: float | None, usual: float) -> float:
    return usual if given is None else given


def _header(text: str) -> Header:
    name, _, value = text.partition(":")
    return Header(name.strip(), value.strip())


def _profile(options: argparse.Namespace, trace: Trace | None) -> Profile:
    _see_one_course(options)
    if trace:
        profile = replay(trace.counts, _or(options.speed, 1.0), _or(options.scale, 1.0))
    elif options.profile:
        profile = parse(options.profile)
    else:
        profile = constant(_or(options.rate, RATE_RPS), parse_seconds(options.length or LENGTH))
    if MOST_REQUESTS < profile.expected < math.inf and options.requests is None:
        raise UsageError(
            f"the load is of {profile.expected:,.3g} requests",
            cause=f"each is kept until the end, and {MOST_REQUESTS:,} are 4 GB",
            remedy="choose a lower rate or a shorter time, or stop earlier with --requests",
            code="TG159",
        )
    return Profile(profile.segments, options.poisson)


def _see_one_course(options: argparse.Namespace) -> None:
    """Raise `UsageError` TG159 for an option that would not be heeded."""
    course = next(name for name in _COURSES if name == "rate" or getattr(options, name))
    for other, about in _COURSES.items():
        given = (name for name in (other, *about) if getattr(options, name) is not None)
        wrong = None if other == course else next(given, None)
        if wrong:
            option = "--for" if wrong == "length" else f"--{wrong}"
            said = "a steady rate" if course == "rate" else f"--{course}"
            raise UsageError(
                f"{option} does not go with {said}",
                cause="the rate is said once: by --replay, by --profile, or by --rate and --for",
                remedy=f"leave {option} out, or give it its --{other}",
                code="TG159",
            )
