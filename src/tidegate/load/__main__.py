"""The load generator alone: `python -m tidegate.load URL …`, `python -m tidegate.load compare A B`.

Results go to stdout, progress to stderr. Ctrl-C stops the sending; the report is still made.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from tidegate.core.errors import SetupError, TidegateError
from tidegate.load.background import Background
from tidegate.load.compare import compare_json, compare_page, compare_text
from tidegate.load.files import see_writable, write_whole
from tidegate.load.html import page
from tidegate.load.options import parser, plan_of, read_text
from tidegate.load.plan import Plan
from tidegate.load.report import Report, from_json, summarise
from tidegate.load.result import Result
from tidegate.load.text import as_text, columns, fitted

COMMANDS = ("run", "compare")
TERMINAL_S, LOG_S = 0.5, 10.0


def run(options: argparse.Namespace) -> None:
    """Send the load and print its report."""
    plan = plan_of(options)
    see_writable((options.out, options.html), "TG236")
    if plan.note:
        sys.stderr.write(plan.note + "\n")
    report = summarise(send(plan))
    try:
        keep(report, options.out, options.html)
    finally:  # a file that cannot be written costs nobody the result
        sys.stdout.write((report.to_json() if options.json else as_text(report, columns())) + "\n")


def keep(report: Report, out: Path | None, html: Path | None) -> None:
    """Write the report as JSON and as a page, where that is asked for.

    Raises `SetupError` TG236 once what can be written is.
    """
    failed = []
    for path, text in ((out, report.to_json), (html, partial(page, report))):
        try:
            if path:
                write_whole(path, text(), "TG236")
        except SetupError as error:
            failed.append(error)
    if failed:
        raise failed[0]


def compare(options: argparse.Namespace) -> None:
    """Print two reports side by side; a page of both where that is asked for."""
    see_writable((options.html,), "TG236")
    a, b = ((str(path), from_json(read_text(path), str(path))) for path in (options.a, options.b))
    try:
        if options.html:
            write_whole(options.html, compare_page((a, b)), "TG236")
    finally:
        shown = compare_json((a, b)) if options.json else fitted(compare_text((a, b)), columns())
        sys.stdout.write(shown + "\n")


def send(plan: Plan) -> Result:
    """Run a plan to its end, or to Ctrl-C, telling the progress on stderr."""
    with Background(plan) as load:
        try:
            _follow(load)
        except KeyboardInterrupt:
            return load.stop()
        finally:
            sys.stderr.write("\n" if sys.stderr.isatty() else "")
        return load.wait()


def _follow(load: Background) -> None:
    terminal = sys.stderr.isatty()
    told_at = time.monotonic()
    while not load.ended:
        time.sleep(0.1)
        if time.monotonic() - told_at < (TERMINAL_S if terminal else LOG_S):
            continue
        told_at = time.monotonic()
        snapshot = load.snapshot()
        counts = snapshot.counts()
        line = f"{snapshot.at_us / 1e6:6.1f} s  {counts.requests:,} requests"
        line += f"  {counts.pending:,} open  {counts.failed:,} failed"
        sys.stderr.write(f"\r{line:<60}" if terminal else f"{line}\n")
        sys.stderr.flush()


def main(arguments: Sequence[str] | None = None, prog: str = "python -m tidegate.load") -> int:
    """Run a command and return its exit code; without a command's name it is `run`."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given and given[0] not in (*COMMANDS, "-h", "--help"):
        given.insert(0, "run")
    options = parser(prog).parse_args(given)
    try:
        (run if options.command == "run" else compare)(options)
    except TidegateError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
