"""Every parser of untrusted bytes: it answers, or says that the file is bad, and nothing else.

The long run is `python -m tests.support.fuzz --minutes N`.
"""

import io
import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.fuzz import Run, fuzz, mended
from tests.support.images_made import Made, layer
from tests.support.mutations import mutated
from tests.support.parser import Parser
from tests.support.parsers import LAYER, PARSERS, REFUSALS, SMALL
from tidegate.core.errors import GateError
from tidegate.scan.archive import open_archive
from tidegate.scan.archive.stream import Stream
from tidegate.scan.archive.tar import Tar
from tidegate.scan.inventory import of_image
from tidegate.scan.inventory.extract import extract
from tidegate.scan.inventory.facts import LayerFacts, decode, encode


@pytest.mark.parametrize("name", PARSERS)
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_a_changed_file_is_read_or_bad(name: str, data: st.DataObject) -> None:
    parser = PARSERS[name]
    content = data.draw(mutated(parser.seeds))
    try:
        parser.read(content)
    except REFUSALS:
        return


@pytest.mark.parametrize("name", PARSERS)
def test_the_files_that_are_changed_are_good_ones(name: str) -> None:
    parser = PARSERS[name]
    assert parser.seeds
    for seed in parser.seeds:
        parser.read(seed)


@pytest.mark.parametrize("name", PARSERS)
def test_a_short_search_finds_nothing(name: str) -> None:
    run = Run(name)
    fuzz(run, PARSERS[name], 0.15, random.Random(name))
    assert run.finds == {}
    assert run.files > 5


def test_the_search_finds_a_mistake_that_needs_several_changes() -> None:
    def mistaken(data: bytes) -> int:
        if data[:1] == b"{" and data.count(b"[") > 2 and b'"a"' not in data:
            raise ZeroDivisionError
        return data.count(b"[")

    run = Run("mistaken")
    fuzz(run, Parser(mistaken, (b'{"a": [1], "b": [2]}',)), 2.0, random.Random(1))
    assert [find.split(" at ")[0] for find in run.finds] == ["ZeroDivisionError"]


def test_a_mended_tar_has_headers_that_hold() -> None:
    broken = bytearray(LAYER)
    broken[0:3] = b"new"
    with pytest.raises(GateError):
        list(Tar(Stream(io.BytesIO(bytes(broken)), SMALL.layer_bytes), SMALL))
    members = Tar(Stream(io.BytesIO(mended(bytes(broken))), SMALL.layer_bytes), SMALL)
    assert next(iter(members)).name.startswith("new")
    assert mended(LAYER) == LAYER


@settings(max_examples=40, deadline=None)
@given(content=mutated([Made([LAYER]).docker_archive(), layer(Made([LAYER]).oci_files())]))
def test_a_changed_archive_is_read_or_refused(
    content: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "changed.tar"
    path.write_bytes(content)
    try:
        of_image(open_archive(path, "linux/amd64", SMALL), limits=SMALL)
    except GateError as error:
        assert error.number.startswith("TG41")


@settings(max_examples=60, deadline=None)
@given(mutated([LAYER]))
def test_what_is_kept_in_the_cache_comes_back_equal(data: bytes) -> None:
    try:
        facts, _ = extract(Tar(Stream(io.BytesIO(data), SMALL.layer_bytes), SMALL))
    except GateError:
        facts = LayerFacts({})
    assert decode(encode(facts)) == facts
