"""Errors cross the wire as JSON and come out as what they were."""

import inspect
from collections.abc import Iterator

import pytest

from tidegate.api.problems import from_json, status_of, to_json
from tidegate.core import errors as e


def classes(kind: type[e.TidegateError] = e.TidegateError) -> Iterator[type[e.TidegateError]]:
    """Every class of the core's error tree."""
    for below in kind.__subclasses__():
        if below.__module__ == e.__name__:
            yield below
            yield from classes(below)


def test_the_tree_is_read_whole() -> None:
    named = {n for n, v in inspect.getmembers(e, inspect.isclass) if issubclass(v, e.TidegateError)}
    assert {kind.__name__ for kind in classes()} == named - {"TidegateError"}


@pytest.mark.parametrize("kind", tuple(classes()))
def test_every_class_comes_out_as_itself_with_all_its_words(kind: type[e.TidegateError]) -> None:
    error = kind("what", cause="cause", where="here:1", remedy="do")
    back = from_json(to_json(error))
    assert type(back) is kind
    assert str(back) == str(error)
    assert back.exit_code == error.exit_code


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (e.UsageError, 400),
        (e.AppFileError, 422),
        (e.BuildError, 422),
        (e.GateError, 422),
        (e.DeploymentError, 409),
        (e.StillRunning, 504),
        (e.NotFound, 404),
        (e.Busy, 409),
        (e.JournalError, 500),
    ],
)
def test_the_status_fits_the_class(kind: type[e.TidegateError], status: int) -> None:
    assert status_of(kind("what")) == status


@pytest.mark.parametrize("answer", [None, [], {"error": "no"}, {"error": {}}, {"detail": "x"}])
def test_an_answer_of_something_else_is_an_internal_error(answer: object) -> None:
    assert type(from_json(answer)) is e.InternalError


def test_a_code_that_a_newer_daemon_knows_is_of_the_class_of_its_range() -> None:
    told = {"code": "TG899", "what": "x", "exit_code": 9}
    assert type(from_json({"error": told})) is e.Busy
