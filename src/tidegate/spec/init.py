"""A first `tidegate.yaml`, proposed from what lies in a folder."""

from pathlib import Path

from tidegate.core.errors import AppFileError
from tidegate.spec import compose, taskdef
from tidegate.spec.dockerfile import find_dockerfiles, read_facts, with_facts
from tidegate.spec.draft import PORTS, Draft, fits, listening, render, slug


def propose(folder: Path, ports: tuple[int, int] = PORTS) -> str:
    """The text of a commented app file, which loads without errors.

    It is made from an ECS `taskdef.json` (with its `appspec.yaml`), else from a compose file, else
    from the Dockerfiles. `ports` are those of the listener that are free, production and test; the
    file says nothing of the default ones. Raises `AppFileError` when there is none of them, or one
    is unreadable.
    """
    return _proposed(folder) + (listening(ports) if ports != PORTS else "")


def _proposed(folder: Path) -> str:
    app = slug(folder.resolve().name)
    if (folder / taskdef.TASKDEF).is_file():
        return render(app, taskdef.TASKDEF, *taskdef.read_taskdef(folder))
    composed = next((name for name in compose.NAMES if (folder / name).is_file()), None)
    if composed:
        drafts, notes = compose.read_compose(folder / composed)
        if not drafts:
            raise _nothing(folder, f"{composed} has no services")
        return render(app, composed, drafts, notes)
    drafts = _from_dockerfiles(folder, app)
    if not drafts:
        raise _nothing(folder, "there is no Dockerfile, compose.yaml or taskdef.json in it")
    return render(app, "the Dockerfiles", drafts)


def _from_dockerfiles(folder: Path, app: str) -> list[Draft]:
    drafts: list[Draft] = []
    for place in find_dockerfiles(folder):
        if fits("build", place.as_posix()):
            name = slug(place.name or app, [draft.name for draft in drafts])
            draft = Draft(name, build=place.as_posix())
            drafts.append(with_facts(draft, read_facts(folder / place / "Dockerfile")))
    return drafts


def _nothing(folder: Path, cause: str) -> AppFileError:
    return AppFileError(
        "there is nothing to propose an app file from",
        cause=cause,
        where=str(folder),
        remedy="add a Dockerfile, or write the three lines: app, services.NAME.build",
        code="TG208",
    )
