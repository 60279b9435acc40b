"""The ways in which advisories cannot be had, as errors. Each means: the data stays as it was.

Codes: TG420 nothing to import, TG421 damaged, TG422 over a limit, TG423 no answer or a refusal,
TG424 too slow, TG425 no index, TG426 the index cannot be read, TG427 the disk.
"""

from tidegate.core.errors import GateError


def nothing(where: str) -> GateError:
    """TG420: the folder has no advisories in the layout of the OSV bucket."""
    return GateError(
        "there are no advisories to import",
        where=where,
        remedy="give a folder with <ECOSYSTEM>/all.zip in it, as the OSV bucket has them",
        code="TG420",
    )


def damaged(source: str, cause: str) -> GateError:
    """TG421: the bytes do not follow their format: cut short, or not what they seem."""
    return GateError(f"the advisories of {source} cannot be read", cause=cause, code="TG421")


def too_large(source: str, cause: str) -> GateError:
    """TG422: more than is read of one source."""
    return GateError(
        f"the advisories of {source} are larger than is read", cause=cause, code="TG422"
    )


def refused(source: str, cause: str, where: str) -> GateError:
    """TG423: the server could not be reached, or did not give the file."""
    return GateError(
        f"the advisories of {source} cannot be fetched",
        cause=cause,
        where=where,
        remedy="see whether this machine reaches the address, or import a folder",
        code="TG423",
    )


def too_slow(source: str, seconds: float, where: str) -> GateError:
    """TG424: the answer did not end in the time that it is given."""
    return GateError(
        f"the advisories of {source} come too slowly",
        cause=f"not done after {seconds:g} s",
        where=where,
        code="TG424",
    )


def no_index(where: str) -> GateError:
    """TG425: nothing was fetched or imported yet."""
    return GateError(
        "there are no advisories yet",
        where=where,
        remedy="run `tidegate advisories update`, or `tidegate advisories import DIR`",
        code="TG425",
    )


def bad_index(where: str, cause: str) -> GateError:
    """TG426: the index is damaged, or another version of Tidegate wrote it."""
    return GateError(
        "the index of advisories cannot be read",
        cause=cause,
        where=where,
        remedy="run `tidegate advisories update`: it is built anew",
        code="TG426",
    )


def disk(where: str, cause: str) -> GateError:
    """TG427: the advisories cannot be stored."""
    return GateError(
        "the advisories cannot be stored",
        cause=cause,
        where=where,
        remedy="let that folder be written, and have room; or name another in XDG_DATA_HOME",
        code="TG427",
    )
