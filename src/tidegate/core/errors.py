"""Every failure that a person may meet, as one tree.

    TidegateError
    ├── UsageError              TG1xx  exit 2   the words of a command are off
    │   └── BadSignature        TG116           a web call that is not signed with our secret
    ├── ConfigurationError      TG2xx  exit 3   tidegate.yaml, or this machine, is not ready
    │   ├── AppFileError        TG20x, 25x      a key or value in the file, or a file beside it
    │   ├── SetupError          TG21x–24x       engine, HAProxy, git, a port, the disk
    │   └── AccountError        TG26x, 28x      credentials, rights, quotas, stacks of AWS
    ├── BuildError              TG3xx  exit 4   source, build or test failed
    ├── GateError               TG4xx  exit 5   the gate refused the image
    ├── DeploymentError         TG5xx  exit 6   the deployment failed and was rolled back
    ├── StillRunning            TG6xx  exit 7   the wait ended, the work goes on
    ├── NotFound                TG7xx  exit 8   no such service, release, execution
    ├── Busy                    TG8xx  exit 9   somebody else holds it
    └── InternalError           TG9xx  exit 1   a fault of Tidegate, or of what it stands on
        ├── GitFailed           TG96x           git answered with an error
        ├── CloudFailed         TG97x–98x       AWS answered with an error, or not at all
        ├── EffectFailed        TG91x, 95x      an adapter's call failed; it will be tried again
        │   └── Unreachable     TG919           what should have done it did not answer
        └── JournalError        TG92x           the journal cannot be read or written

Adapters translate every library's errors into these. Nothing below `cli/` prints or exits.
"""

import re
from typing import ClassVar

_ERRNO = re.compile(r"\[Errno -?\d+\] ")
"""How Python begins the system's own sentence; the number says nothing to a person."""


class TidegateError(Exception):
    """One failure: a code, what happened, and as far as known its cause, place and remedy."""

    code: ClassVar[str] = "TG900"
    exit_code: ClassVar[int] = 1

    def __init__(
        self, what: str, *, cause: str = "", where: str = "", remedy: str = "", code: str = ""
    ) -> None:
        super().__init__(what)
        self.what = what
        self.cause = _ERRNO.sub("", cause)
        self.where = where
        self.remedy = remedy
        self.number = code or self.code

    def __str__(self) -> str:
        parts = [f"error {self.number}: {self.what}"]
        rows = (("cause", self.cause), ("where", self.where), ("remedy", self.remedy))
        parts += [f"  {name:<7} {text}" for name, text in rows if text]
        return "\n".join(parts)


class UsageError(TidegateError):
    """The words of a command are off."""

    code = "TG100"
    exit_code = 2


class BadSignature(UsageError):
    """A web call that is not signed with our secret. An HTTP server answers 401."""

    code = "TG116"


class ConfigurationError(TidegateError):
    """The app file or the machine is not ready for what was asked."""

    code = "TG200"
    exit_code = 3


class AppFileError(ConfigurationError):
    """A key or a value in `tidegate.yaml` is wrong; `where` is `file:line`."""

    code = "TG201"


class SetupError(ConfigurationError):
    """Something that Tidegate stands on is missing: engine, HAProxy, git, a port, disk space."""

    code = "TG210"


class AccountError(ConfigurationError):
    """The AWS account is not ready: credentials, rights, region, quotas, the state of a stack."""

    code = "TG280"


class BuildError(TidegateError):
    """Source, build or test failed; nothing was deployed."""

    code = "TG300"
    exit_code = 4


class GateError(TidegateError):
    """The gate refused the image, or had no evidence to pass it."""

    code = "TG400"
    exit_code = 5


class DeploymentError(TidegateError):
    """The deployment failed; traffic is on the stable release."""

    code = "TG500"
    exit_code = 6


class StillRunning(TidegateError):
    """The wait ended; the work goes on without the caller."""

    code = "TG600"
    exit_code = 7


class NotFound(TidegateError):
    """No such service, release, deployment or execution."""

    code = "TG700"
    exit_code = 8


class Busy(TidegateError):
    """Another deployment, controller or person holds what was asked for."""

    code = "TG800"
    exit_code = 9


class InternalError(TidegateError):
    """A fault of Tidegate, or of something it stands on."""

    code = "TG900"
    exit_code = 1


class GitFailed(InternalError):
    """git answered with an error; `cause` is the last line it said."""

    code = "TG960"


class CloudFailed(InternalError):
    """AWS answered with an error, or not at all; `cause` is its code and its words."""

    code = "TG970"


class EffectFailed(InternalError):
    """An adapter could not do an action. The engine says so and tries again."""

    code = "TG910"


class Unreachable(EffectFailed):
    """What should have done it did not answer: nothing is known against the task or the image."""

    code = "TG919"


class JournalError(InternalError):
    """The journal cannot be read or written: corrupt, full disk, wrong version."""

    code = "TG920"
