"""Every failure reads the same: a code, what, cause, where, remedy; and has its exit code."""

import pytest

from tidegate.core import errors
from tidegate.core.errors import NotFound, TidegateError

EXITS = {
    errors.UsageError: 2,
    errors.ConfigurationError: 3,
    errors.AppFileError: 3,
    errors.SetupError: 3,
    errors.BuildError: 4,
    errors.GateError: 5,
    errors.DeploymentError: 6,
    errors.StillRunning: 7,
    errors.NotFound: 8,
    errors.Busy: 9,
    errors.InternalError: 1,
    errors.EffectFailed: 1,
    errors.JournalError: 1,
}


def test_an_error_shows_all_that_is_known_of_it() -> None:
    error = NotFound(
        "no cats", cause="a dog", where="tidegate.yaml:18", remedy="meow", code="TG799"
    )
    assert str(error) == (
        "error TG799: no cats\n  cause   a dog\n  where   tidegate.yaml:18\n  remedy  meow"
    )


def test_what_is_not_known_is_left_out() -> None:
    assert str(NotFound("no cats")) == "error TG700: no cats"
    assert str(NotFound("no cats", remedy="meow")) == "error TG700: no cats\n  remedy  meow"


@pytest.mark.parametrize(("kind", "code"), EXITS.items())
def test_each_class_has_the_exit_code_of_its_branch(kind: type[TidegateError], code: int) -> None:
    assert kind.exit_code == code
    assert issubclass(kind, TidegateError)


@pytest.mark.parametrize("kind", EXITS)
def test_each_class_has_a_code_of_its_own(kind: type[TidegateError]) -> None:
    assert kind("what").number == kind.code
    shared = [other for other in EXITS if other.code == kind.code]
    assert shared == [kind]


def test_a_cause_is_the_system_s_sentence_without_its_number() -> None:
    known = NotFound("no cats", cause=str(OSError(2, "No such file", "cats")))
    assert known.cause == "No such file: 'cats'"
    assert NotFound("x", cause="[Errno -2] Name or service not known").cause == (
        "Name or service not known"
    )
