"""Tars of unknown origin: the members that the engines see, an error for what they refuse."""

import io
import tarfile
import tracemalloc
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.images_made import layer
from tidegate.core.errors import GateError
from tidegate.scan.archive.image import inside, printable
from tidegate.scan.archive.limits import DEFAULT, MIB, Limits
from tidegate.scan.archive.stream import Stream
from tidegate.scan.archive.tar import Member, MemberKind, Tar

names = st.text(
    st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), min_size=1, max_size=300
)


def members(data: bytes, limits: Limits = DEFAULT) -> list[tuple[Member, bytes]]:
    """Each member with its content."""
    stream = Stream(io.BytesIO(data), limits.layer_bytes)
    tar = Tar(stream, limits)
    return [(replace(member), tar.read(member.size)) for member in tar]


def refused(data: bytes, limits: Limits = DEFAULT) -> str:
    with pytest.raises(GateError) as caught:
        members(data, limits)
    return caught.value.number


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(names, st.binary(max_size=1500), max_size=4),
    st.sampled_from([tarfile.PAX_FORMAT, tarfile.GNU_FORMAT]),
)
def test_members_are_those_of_the_standard_library(files: dict[str, bytes], form: int) -> None:
    data = layer({name.rstrip("/") or "x": each for name, each in files.items()}, format=form)
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        theirs = [(info.name, tar.extractfile(info)) for info in tar]
        expected = [(name, file.read() if file else b"") for name, file in theirs]
    found = [(member.name.rstrip("/"), content) for member, content in members(data)]
    assert found == [(printable(name), content) for name, content in expected]


def test_names_never_steer_a_terminal() -> None:
    (found,) = members(layer({"a\x1b[2J\nb\u202e": ""}))
    assert found[0].name == "a\\x1b[2J\\nb\\u202e"


def test_links_folders_and_devices_have_no_content_whatever_their_size_says() -> None:
    infos = []
    for kind in (tarfile.LNKTYPE, tarfile.SYMTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE):
        info = tarfile.TarInfo(f"a{kind.decode()}")
        info.type, info.linkname, info.size = kind, "etc/passwd", 4096
        infos.append(info.tobuf())
    found = members(b"".join(infos) + layer({"after": "x"}))
    assert [member.kind for member, _ in found] == [
        *(MemberKind.HARD_LINK, MemberKind.SYMLINK, MemberKind.OTHER, MemberKind.OTHER),
        MemberKind.FILE,
    ]
    assert found[0][0].target == "etc/passwd"


def test_a_pax_size_wins_over_the_header_so_that_no_member_hides_in_another() -> None:
    hidden = layer({"hidden": "x"})[:1024]
    info = tarfile.TarInfo("outer")
    info.size, info.pax_headers = 0, {"size": str(len(hidden))}
    data = info.tobuf(tarfile.PAX_FORMAT) + hidden + bytes(1024)
    assert [member.name for member, _ in members(data)] == ["outer"]


def test_global_headers_name_nothing() -> None:
    data = layer({"a": "x"}, format=tarfile.PAX_FORMAT, pax_headers={"path": "b", "size": "9"})
    assert [(member.name, content) for member, content in members(data)] == [("a", b"x")]


def test_sparse_files_are_marked_and_what_follows_is_still_found() -> None:
    info = tarfile.TarInfo("sparse")
    info.type, info.size = tarfile.GNUTYPE_SPARSE, 512
    header = bytearray(info.tobuf(tarfile.GNU_FORMAT))
    header[482] = 1
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    more = bytes(504) + b"\1" + bytes(7) + bytes(512)
    data = bytes(header) + more + bytes(512) + layer({"after": "x"})
    found = members(data)
    assert [(member.name, member.sparse) for member, _ in found] == [
        ("sparse", True),
        ("after", False),
    ]


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data[:700],  # ends in the middle of a file
        lambda data: data[:300],
        lambda data: data[:148] + b"0000000\0" + data[156:],  # checksum
        lambda data: data[:512] + bytes(1024) + b"x" * 512,
        lambda data: bytes(512) + data,  # goes on after its end
        lambda data: _header_with(data, 124, b"\xff" * 12),  # a negative size
        lambda data: _header_with(data, 124, b"00000009zzz\0"),
    ],
)
def test_a_damaged_tar_is_refused(change: object) -> None:
    assert callable(change)
    assert refused(change(layer({"a": "x" * 600}))) == "TG411"


@pytest.mark.parametrize(
    "record", [b"99 path=x\n", b"path=x\n", b"9 path=x", b"8 pathx\n", b"-1 a=b\n"]
)
def test_a_damaged_pax_header_is_refused(record: bytes) -> None:
    info = tarfile.TarInfo("pax")
    info.type, info.size = tarfile.XHDTYPE, len(record)
    assert refused(info.tobuf() + record.ljust(512, b"\0") + layer({"a": "x"})) == "TG411"


def test_a_header_that_claims_gigabytes_is_refused_without_reading_them() -> None:
    info = tarfile.TarInfo("pax")
    info.type, info.size = tarfile.XHDTYPE, 8 * 1024 * MIB
    tracemalloc.start()
    assert refused(info.tobuf(tarfile.GNU_FORMAT) + bytes(4096)) == "TG411"
    assert tracemalloc.get_traced_memory()[1] < 4 * MIB
    tracemalloc.stop()


def test_more_members_or_bytes_than_the_limits_are_refused() -> None:
    data = layer({f"f{n}": "x" for n in range(20)})
    assert refused(data, Limits(members=19)) == "TG414"
    assert refused(data, Limits(layer_bytes=4096)) == "TG414"
    assert len(members(data, Limits(members=20))) == 20


@pytest.mark.parametrize(
    ("name", "path"),
    [
        *(("a/b", "a/b"), ("./a/b", "a/b"), ("/a//b/", "a/b"), ("a/../b", "b"), ("./", "")),
        *((".", ""), ("/", ""), ("../a", None), ("a/../../b", None), ("..", None)),
        *(("a/./b", "a/b"), ("a..b/.c", "a..b/.c"), ("a/" * 2500, None), ("/../a", "a")),
    ],
)
def test_paths_are_cleaned_and_never_lead_out(name: str, path: str | None) -> None:
    assert inside(name) == path


def _header_with(data: bytes, at: int, field: bytes) -> bytes:
    header = bytearray(data[:512])
    header[at : at + len(field)] = field
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header) + data[512:]
