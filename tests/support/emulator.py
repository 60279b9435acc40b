"""MiniStack with its one wrong answer set right: `python -m tests.support.emulator`.

It answers DeleteChangeSet without `<DeleteChangeSetResult>`, in which botocore then looks for the
result and raises `KeyError`. AWS cannot answer so: its own service model names that element
(`resultWrapper`), and every SDK reads answers by that model. So it is set right here, and our code
has nothing for it: a `KeyError` out of botocore stays a fault.
"""

from typing import Any

from ministack.app import main  # type: ignore[import-untyped]
from ministack.services.cloudformation import handlers  # type: ignore[import-untyped]

_deleted = handlers._ACTION_HANDLERS["DeleteChangeSet"]


def _with_result(parameters: Any) -> tuple[int, dict[str, str], bytes]:
    status, headers, body = _deleted(parameters)
    after = b"<ResponseMetadata>"  # which an error has not
    return status, headers, body.replace(after, b"<DeleteChangeSetResult/>" + after)


if __name__ == "__main__":
    handlers._ACTION_HANDLERS["DeleteChangeSet"] = _with_result
    main()
