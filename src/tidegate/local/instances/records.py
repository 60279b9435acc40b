"""What is known of the instances of one app: a small file each, so that a restart loses nothing.

Times are ms, as the engine counts them. A file is written whole or not at all.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from tidegate.core.errors import EffectFailed


@dataclass(frozen=True, slots=True)
class Record:
    """One instance. It runs from `ready_at` on; `deadline` is when it is taken back, or None.

    `note` says who gave the notice.
    """

    id: str
    provider: str
    spot: bool
    zone: str
    cpu_units: int
    memory_mib: int
    address: str
    ordered_at: int
    ready_at: int
    deadline: int | None = None
    note: str = ""


class Records:
    """The files of all instances, in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def all(self) -> tuple[Record, ...]:
        """Every instance, in the order of their numbers. Raises `OSError`.

        A file that is damaged counts as an instance that is gone.
        """
        if not self.folder.is_dir():
            return ()
        found = [_read(path) for path in self.folder.glob("i*.json")]
        known = [record for record in found if record is not None]
        return tuple(sorted(known, key=lambda record: int(record.id[1:])))

    def get(self, instance: str) -> Record | None:
        """The instance of that id, or None."""
        return _read(self.folder / f"{instance}.json")

    def put(self, record: Record) -> None:
        """Write it down. Raises `EffectFailed`."""
        path = self.folder / f"{record.id}.json"
        temporary = path.with_suffix(".new")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            temporary.write_text(json.dumps(asdict(record)))
            temporary.rename(path)
        except OSError as error:
            raise EffectFailed(
                f"instance {record.id} cannot be written down",
                cause=str(error),
                where=str(path),
                remedy="free some disk space",
                code="TG957",
            ) from error

    def remove(self, instance: str) -> None:
        """Forget it."""
        (self.folder / f"{instance}.json").unlink(missing_ok=True)


def _read(path: Path) -> Record | None:
    try:
        return Record(**json.loads(path.read_text()))
    except (OSError, ValueError, TypeError):
        return None
