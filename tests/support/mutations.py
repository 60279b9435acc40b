"""Bytes that are almost right: a valid file with a few changes, for parsers of untrusted bytes."""

from collections.abc import Sequence

from hypothesis import strategies as st

_PIECES = st.one_of(
    st.binary(max_size=8),
    st.sampled_from(
        [b"\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\n\n", b"\0" * 16, b"\x80"]
    ),
)
_EDITS = st.lists(
    st.tuples(st.floats(0, 1), st.sampled_from(["put", "insert", "cut", "copy"]), _PIECES),
    max_size=6,
)


def mutated(seeds: Sequence[bytes]) -> st.SearchStrategy[bytes]:
    """One of the seeds, changed at a few places; now and then cut off."""
    return st.builds(_change, st.sampled_from(seeds), _EDITS, st.floats(0, 1.5))


def _change(seed: bytes, edits: list[tuple[float, str, bytes]], end: float) -> bytes:
    data = bytearray(seed)
    for place, kind, piece in edits:
        at = int(place * len(data))
        if kind == "put":
            data[at : at + len(piece)] = piece
        elif kind == "insert":
            data[at:at] = piece
        elif kind == "cut":
            del data[at : at + len(piece) * 5]
        else:
            data[at:at] = data[at // 2 : at // 2 + 64]
    return bytes(data[: int(end * len(data))] if end < 1 else data)
