"""What to do about an error of each class, for `tidegate explain`.

The error itself says more: its cause, its place, and a remedy for the very case.
"""

from collections.abc import Mapping

from tidegate.core import errors as e

_ADVICE: Mapping[type[e.TidegateError], str] = {
    e.UsageError: "say it anew: tidegate COMMAND --help has every word; nothing was changed",
    e.BadSignature: "set the same secret on both sides; nothing was started",
    e.ConfigurationError: "mend what it names, then run the command again",
    e.AppFileError: "mend the line that it names; tidegate plan checks the file, and does no more",
    e.SetupError: "tidegate doctor names what is missing on this machine, each with its remedy",
    e.AccountError: "mend what it names in the account, then run the command again",
    e.BuildError: "tidegate logs EXECUTION has every line; mend, commit, push again",
    e.GateError: "tidegate gate explain EXECUTION shows each finding and what clears most of them",
    e.DeploymentError: "tidegate report DEPLOYMENT tells what was seen; stable serves meanwhile",
    e.StillRunning: "nothing: the work goes on; tidegate status shows how far it is",
    e.NotFound: "name one that is there: tidegate status, releases and executions list them",
    e.Busy: "wait for the other to end, or end it: tidegate status shows what is under way",
    e.InternalError: "look into .tidegate/logs/daemon.log; if it comes again, please report it",
    e.GitFailed: "run the git command by hand; its last line is the cause",
    e.CloudFailed: "run the command again; tidegate status --target aws shows where things stand",
    e.EffectFailed: "nothing at once: it is tried again; tidegate status shows trouble that stays",
    e.Unreachable: "see why it does not answer: tidegate doctor; nothing is held against a task",
    e.JournalError: "traffic goes on as it is; mend what it names, and lose nothing by waiting",
}


def advice(family: type[e.TidegateError]) -> str:
    """What to do about an error of this class: its own advice, or that of the class above."""
    return next(_ADVICE[one] for one in family.__mro__ if one in _ADVICE)
