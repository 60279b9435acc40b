"""A waiver put into the text of an app file; every other character stays as it is."""

from collections.abc import Iterable
from dataclasses import replace

import yaml

from tidegate.core.errors import AppFileError
from tidegate.core.model import App, Waiver
from tidegate.core.waivers import last_day
from tidegate.spec.describe import written
from tidegate.spec.load import loads
from tidegate.spec.yaml12 import compose


def with_waiver(text: str, waiver: Waiver, where: str) -> str:
    """The text with the waiver among `gate: waivers:`.

    Raises `AppFileError` for a file that is wrong, or would be with it, and when it is written in a
    way in which a waiver cannot be put in without changing more (an alias, for example).
    """
    before = loads(text, where)
    ending = "\r\n" if "\r\n" in text else "\n"
    changed = _changed(text, _rows(waiver), where)
    if ending != "\n":
        changed = changed.replace("\r\n", "\n").replace("\n", ending)
    wanted = replace(before.gate, waivers=(*before.gate.waivers, waiver))
    if _read(changed, where) != replace(before, gate=wanted):
        raise AppFileError(
            f"{where} cannot be changed in place",
            cause="the waiver would change more than itself, the way that `gate` is written",
            where=where,
            remedy="put it in by hand:\n" + "\n".join(_block(_rows(waiver), 4)),
            code="TG252",
        )
    return changed


def _read(text: str, where: str) -> App | None:
    """What the changed text says; None when it is no YAML any more."""
    try:
        return loads(text, where)
    except AppFileError as error:
        if error.number == "TG204":
            return None
        raise


def _rows(waiver: Waiver) -> dict[str, str]:
    """The keys as the file has them, in the order of its reference."""
    rows = {
        "id": waiver.id,
        "package": "".join(waiver.packages[:1]),
        "service": waiver.service,
        "reason": waiver.reason,
        "owner": waiver.owner,
        "expires": last_day(waiver),
    }
    return {key: value for key, value in rows.items() if value}


def _changed(text: str, rows: dict[str, str], where: str) -> str:
    root = compose(text, where)
    gate = _value(root, "gate")
    if gate is None:
        return _append(text, ["gate:", "  waivers:", *_block(rows, 4)])
    if not isinstance(gate, yaml.MappingNode):
        return _after_plain(text, gate, rows)
    waivers = _value(gate, "waivers")
    if gate.flow_style:
        return _into_flow(text, gate, waivers, rows)
    if not isinstance(waivers, yaml.SequenceNode):
        indent = gate.value[0][0].start_mark.column
        block = [f"{' ' * indent}waivers:", *_block(rows, indent + 2)]
        return _insert(text, _line_after(gate), block)
    if waivers.flow_style:
        return _into_flow(text, gate, waivers, rows)
    first = waivers.value[0].start_mark
    line = text.splitlines()[first.line]
    return _insert(text, _line_after(waivers), _block(rows, line.rfind("-", 0, first.column)))


def _value(node: yaml.Node | None, key: str) -> yaml.Node | None:
    if not isinstance(node, yaml.MappingNode):
        return None
    return next((value for name, value in node.value if name.value == key), None)


def _after_plain(text: str, gate: yaml.Node, rows: dict[str, str]) -> str:
    """`gate: enforce` becomes a mapping with that as its `mode`."""
    start, end = gate.start_mark, gate.end_mark
    mode = text[start.index : end.index]
    lines = ["", f"  mode: {mode}", "  waivers:", *_block(rows, 4)]
    head = text[: start.index].rstrip(" ")
    return head + "\n".join(lines) + text[end.index :]


def _into_flow(
    text: str, gate: yaml.MappingNode, waivers: yaml.Node | None, rows: dict[str, str]
) -> str:
    """Into `{…}` or `[…]`, before the bracket that closes it."""
    item = "{" + ", ".join(f"{key}: {_flow(key, value)}" for key, value in rows.items()) + "}"
    inner: yaml.Node = gate
    if isinstance(waivers, yaml.SequenceNode):
        inner = waivers
    elif waivers is None:
        item = f"waivers: [{item}]"
    end = inner.end_mark.index - 1
    body = text[inner.start_mark.index + 1 : end].rstrip()
    comma = ", " if inner.value and not body.endswith(",") else " " if inner.value else ""
    at = inner.start_mark.index + 1 + len(body)
    return text[:at] + comma + item + text[at:]


def _block(rows: dict[str, str], indent: int) -> list[str]:
    """The lines of a list item whose dash stands in that column."""
    lines = [f"{key}: {_plain(key, value)}" for key, value in rows.items()]
    pad = " " * indent
    return [f"{pad}- {lines[0]}", *(f"{pad}  {line}" for line in lines[1:])]


def _plain(key: str, value: str) -> str:
    return value if key == "expires" else written(value)


def _flow(key: str, value: str) -> str:
    if key == "expires":
        return value
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _line_after(node: yaml.Node) -> int:
    """The line below the last thing that the node says; comments behind it stay behind."""
    last = _last(node).end_mark
    return int(last.line + (last.column > 0))


def _last(node: yaml.Node) -> yaml.Node:
    """The node's last leaf, or a mapping or list in brackets."""
    if isinstance(node, yaml.MappingNode | yaml.SequenceNode):
        if node.flow_style or not node.value:
            return node
        inner = node.value[-1]
        return _last(inner[1] if isinstance(inner, tuple) else inner)
    return node


def _insert(text: str, line: int, lines: Iterable[str]) -> str:
    rows = text.splitlines(keepends=True)
    head = "".join(rows[:line])
    if head and not head.endswith("\n"):
        head += "\n"
    return head + "".join(f"{row}\n" for row in lines) + "".join(rows[line:])


def _append(text: str, lines: Iterable[str]) -> str:
    return _insert(text, len(text.splitlines()), lines)
