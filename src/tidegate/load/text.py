"""A report, and a comparison of two, as text for a person."""

from collections.abc import Sequence

from tidegate.load.histogram import Histogram
from tidegate.load.report import PERCENTS, Report
from tidegate.load.result import Counts

Row = Sequence[str]


def as_text(report: Report) -> str:
    """The whole report, about 20 lines."""
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
    return "\n".join(lines)


def compare_text(a: Report, b: Report) -> str:
    """Both side by side, and B against A."""
    rows = [
        ("", "A", "B", "B against A"),
        ("intended/s", *_pair(a.intended_rps, b.intended_rps)),
        ("answered/s", *_pair(a.answered_rps, b.answered_rps)),
        ("failed %", *_pair(100 * failed_share(a.counts), 100 * failed_share(b.counts))),
    ]
    ours, theirs = (r.latency.percentiles_us(PERCENTS) for r in (a, b))
    for percent, mine, other in zip(PERCENTS, ours, theirs, strict=True):
        rows.append((f"{percent_name(percent)} ms", *_pair(mine / 1000, other / 1000)))
    lines = [f"A  {a.title}: {a.profile}", f"B  {b.title}: {b.profile}", "", aligned(rows)]
    for name, report in (("A", a), ("B", b)):
        lines += [f"✗ {name} is not sound: {limit}" for limit in report.limits]
    return "\n".join(lines)


def failed_share(counts: Counts) -> float:
    """Failed of all requests, 0 to 1."""
    return counts.failed / counts.requests if counts.requests else 0.0


def _pair(a: float, b: float) -> Row:
    if a == b:
        change = "same"
    elif a:
        change = f"{100 * (b - a) / a:+.1f} %"
    else:
        change = "was 0"
    return f"{a:,.2f}", f"{b:,.2f}", change


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
    """A value of a histogram, "–" when that holds nothing."""
    return f"{us / 1000:,.2f}" if hdr.buckets else "–"


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
