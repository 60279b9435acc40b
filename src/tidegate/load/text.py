"""A report as text for a person."""

import sys
from collections.abc import Sequence
from shutil import get_terminal_size
from textwrap import fill

from tidegate.load.histogram import Histogram
from tidegate.load.report import PERCENTS, Report
from tidegate.load.result import Counts

Row = Sequence[str]


def as_text(report: Report, width: int | None = None) -> str:
    """The whole report, about 20 lines; those too long for a terminal so wide are broken."""
    lines = [
        f"{report.title}: {report.profile}, {report.length_us / 1e6:.1f} s",
        *(f"  {target}" for target in report.targets[:5]),
        *([f"  … {len(report.targets) - 5} more targets"] if len(report.targets) > 5 else []),
        "",
        aligned([("", "requests", "per second"), *_rates(report)]),
        "",
        aligned([("ms", *map(percent_name, PERCENTS), "mean"), *_times(report)]),
        "",
        *_outcome(report),
        *_acts(report),
    ]
    if report.sound:
        lines.append("✓ sound: the sender kept to its times")
    lines += [f"✗ not sound, the sender was the limit: {limit}" for limit in report.limits]
    return fitted("\n".join(lines), width)


def columns() -> int | None:
    """How wide the terminal is; None where there is none, and lines are for grep."""
    return get_terminal_size().columns if sys.stdout.isatty() else None


def fitted(text: str, width: int | None) -> str:
    """Lines that are too long for a terminal are broken between words, and go on further right."""
    if width is None:
        return text
    return "\n".join(
        line
        if len(line) <= width
        else fill(line, width, subsequent_indent=" " * (_indent(line) + 2), break_on_hyphens=False)
        for line in text.split("\n")
    )


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def failed_share(counts: Counts) -> float:
    """Failed of all requests, 0 to 1."""
    return counts.failed / counts.requests if counts.requests else 0.0


def _rates(report: Report) -> list[Row]:
    return [
        ("intended", f"{report.counts.requests:,}", f"{report.intended_rps:,.1f}"),
        ("sent in time", f"{report.sent_in_time:,}", f"{report.sent_rps:,.1f}"),
        ("answered", f"{report.answered:,}", f"{report.answered_rps:,.1f}"),
    ]


def _times(report: Report) -> list[Row]:
    rows = (("latency", report.latency), ("sent late by", report.scheduling))
    return [(name, *in_ms(hdr), milliseconds(hdr, hdr.mean_us)) for name, hdr in rows]


def _outcome(report: Report) -> list[str]:
    statuses = ", ".join(f"{n:,} × {code}" for code, n in report.statuses.items())
    lines = [f"replies      {statuses or 'none'}"]
    counts = report.counts
    kinds = ", ".join(f"{n:,} {kind}" for kind, n in counts.failures.items())
    share = f" ({100 * failed_share(counts):.3f} %)" if counts.failed else ""
    lines.append(f"failed       {counts.failed:,}{share}{': ' + kinds if kinds else ''}")
    resent = f", {report.resent:,} requests sent again" if report.resent else ""
    received = f"{report.received_bytes / 1e6:,.1f} MB received"
    lines.append(f"connections  {report.opened:,} opened, {received}{resent}")
    if report.sender.cpu_us and counts.requests:
        lines.append(f"sender       {sender_words(report)}")
    return lines


def sender_words(report: Report) -> str:
    """What the sender had of the machine."""
    sender, whole_us = report.sender, report.ended_us
    words = f"worked {100 * sender.cpu_us / whole_us:.0f} % of the time, "
    words += f"{sender.cpu_us / report.counts.requests:.0f} us a request; "
    words += f"waited {100 * sender.waited_us / whole_us:.1f} % of it for a processor"
    return words + (", going before other programs" if sender.first else "")


def act_rows(report: Report) -> list[Row]:
    """A head and a row an act; what came before the first mark is "(before)" or "(all)"."""
    unnamed = "(before)" if len(report.acts) > 1 else "(all)"
    rows: list[Row] = [("act", "requests", "failed", "p95 ms", "replies by tag")]
    for act in report.acts:
        tags = ", ".join(f"{name} {n:,}" for name, n in act.tags.items())
        p95 = milliseconds(act.latency, act.latency.percentile_us(95))
        counts = (f"{act.counts.requests:,}", f"{act.counts.failed:,}")
        rows.append((act.name or unnamed, *counts, p95, tags))
    return rows


def _acts(report: Report) -> list[str]:
    if any(act.name or act.tags for act in report.acts):
        return ["", aligned(act_rows(report)), ""]
    return []


def in_ms(hdr: Histogram) -> list[str]:
    """Each of `PERCENTS` in milliseconds."""
    return [milliseconds(hdr, us) for us in hdr.percentiles_us(PERCENTS)]


def milliseconds(hdr: Histogram, us: float) -> str:
    """A value of a histogram in at most seven characters, "–" when that holds nothing."""
    ms = us / 1000
    return f"{ms:,.{2 if ms < 999.99 else 1 if ms < 9_999.9 else 0}f}" if hdr.buckets else "–"


def percent_name(percent: float) -> str:
    """`p99`, or `max` for 100."""
    return "max" if percent == 100 else f"p{percent:g}"


def aligned(rows: Sequence[Row]) -> str:
    """First column to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if place else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )
