"""Every error's code and what it means; `tidegate explain` and docs/reference/errors.md show it.

A test holds this complete: each code in the source is here, and none that is not.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from tidegate.api.problems import class_of
from tidegate.core.errors import TidegateError


@dataclass(frozen=True, slots=True)
class Code:
    """One code: its class in the error tree, and its meaning."""

    family: type[TidegateError]
    meaning: str


def nearest(name: str) -> str:
    """The known codes that look most like `name`."""
    return ", ".join(get_close_matches(name, CODES, 3, 0.5)) or "TG100 to TG955"


_USAGE = {
    "TG100": "The words of the command, or of the request, are off.",
    "TG102": "Only an execution that waits in its approve stage can be approved or rejected.",
    "TG103": "Only a paused deployment can be resumed.",
    "TG104": "The release that was named already is the stable one.",
    "TG105": "The number of tasks is outside the app file's `tasks` bounds.",
    "TG106": "Not exactly one deployment is under way, so the service must be named.",
    "TG107": "A release is named as v and its number: v42.",
    "TG108": "The app has not exactly one service, so a rollback must name it.",
    "TG109": "The revision that was named is no commit of this repository.",
    "TG110": "There is already an app file; `tidegate init` replaces it only with --force.",
    "TG111": "Setup needs a yes before it changes this machine, and nobody was there to ask.",
    "TG112": "A push option is not known.",
    "TG113": "Only the deploy branch can be pushed, and it cannot be deleted.",
    "TG114": "The webhook's repository address is not one that may be fetched from.",
    "TG115": "The branch that was named cannot be a branch.",
    "TG116": "The webhook is not signed with this app's secret.",
    "TG117": "The webhook's payload is larger than GitHub sends.",
    "TG118": "The webhook is signed, but its payload is not what GitHub sends.",
    "TG120": "The API's bearer token is missing or wrong.",
    "TG121": "The API was asked under a name that is not loopback's.",
    "TG122": "A page of another site asked the API from a browser.",
    "TG123": "The request's body is larger than is taken.",
    "TG124": "The address does not take this HTTP method.",
    "TG125": "The request's JSON or query does not have the right shape.",
    "TG126": "An execution can be followed to its gate, to its end, or from the one to the other.",
    "TG127": "A whole number was expected in the request.",
    "TG130": "The ecosystem that was named is not one whose advisories are known here.",
    "TG132": "A waiver ends on a day that is to come, within a year unless it is forced.",
    "TG133": "The finding is waived already; its waiver can be changed.",
    "TG134": "The gate is off, so there is nothing to waive.",
    "TG135": "Nobody answers for the waiver: git knows no user, and no owner was named.",
    "TG150": "The load's profile cannot be read: rates and lengths.",
    "TG151": "The load's targets are not URLs that can be loaded, or their weights do not add up.",
    "TG152": "The load generator speaks plain HTTP only.",
    "TG153": "The load's target is not this machine's, and nobody said that it may be loaded.",
    "TG154": "The load's target has no address.",
    "TG155": "An act of a load needs a name of its own, while the load runs.",
    "TG156": "The pattern that tags replies is wrong, or gives too many tags.",
    "TG157": "The file is no report that a load has written.",
    "TG158": "The file of the load's targets cannot be read.",
    "TG159": "The load's options do not fit each other.",
}
_CONFIGURATION = {
    "TG200": "The app file or the machine is not ready for what was asked.",
    "TG201": "A key or a value in the app file is wrong; `where` is its file, line and column.",
    "TG202": "There is no app file.",
    "TG203": "The app file cannot be read, or is not UTF-8.",
    "TG204": "The app file is not YAML.",
    "TG205": "The app file is too large, too deep, or has too many values.",
    "TG206": "The app file is empty, or is no mapping of keys.",
    "TG207": "A file that `tidegate init` reads is broken.",
    "TG208": "`tidegate init` found nothing to make an app file from.",
    "TG209": "The revision has no app file in it: it is not committed.",
    "TG210": "Something that Tidegate stands on is missing.",
    "TG211": "The state directory `.tidegate` cannot be written.",
    "TG212": "No container engine answers.",
    "TG213": "The container engine is on another machine; it must be on this one.",
    "TG214": "A step of the setup failed.",
    "TG215": "Something is missing that only you can install.",
    "TG216": "There is no git on this machine.",
    "TG217": "The repository that a push goes to cannot be made.",
    "TG218": "The folder is not in a git repository.",
    "TG219": "No webhook secret is set.",
    "TG220": "A port of the listener is in use by another program.",
    "TG221": "The listener's certificate cannot be used.",
    "TG222": "HAProxy refuses the configuration that was made of the app file.",
    "TG223": "HAProxy does not start.",
    "TG224": "There is no HAProxy, or one that is too old.",
    "TG225": "The project's path is too long for a socket's name.",
    "TG226": "A value of the app file cannot be put into HAProxy's configuration.",
    "TG227": "The listener's address or port cannot be used on this machine.",
    "TG228": "There is no free port for the metrics.",
    "TG230": "The pushed source cannot be kept on the disk.",
    "TG232": "The daemon cannot write where it listens.",
    "TG233": "The demo's folder exists already.",
    "TG234": "The demo finds no free port.",
    "TG235": "This machine cannot generate load: it has no epoll.",
    "TG236": "The report of a load cannot be written.",
    "TG240": "The daemon is not running; every command but a few needs it.",
    "TG241": "The container engine that Tidegate starts does not come up.",
    "TG242": "A container engine runs, but does not answer.",
    "TG243": "The daemon ended at its start, or does not answer; the end of its log is the cause.",
    "TG245": "The user's settings of the advisories are wrong.",
    "TG250": "A file with waivers, such as .trivyignore or a VEX document, cannot be understood.",
    "TG251": "There are more waivers than the gate takes.",
    "TG252": "The app file cannot be changed in place without changing more than was asked.",
}
_BUILD = {
    "TG300": "Source, build or test failed; nothing was deployed.",
    "TG301": "The stored source of the execution cannot be read.",
    "TG303": "A ready image is not here and cannot be pulled.",
    "TG304": "The source holds something that is no file, folder or link within it.",
    "TG305": "The revision has no such build folder.",
    "TG306": "The build folder has no such Dockerfile.",
    "TG307": "The build took longer than the stage's time limit.",
    "TG308": "The builder ended without an image.",
    "TG309": "A step of the Dockerfile failed.",
    "TG310": "The tests took longer than the stage's time limit.",
    "TG311": "The tests ran out of memory.",
    "TG312": "The tests failed.",
    "TG313": "The tests could not be started.",
    "TG314": "The branch that the webhook names cannot be fetched.",
    "TG320": "What was sent as a revision's source is no tar archive.",
    "TG331": "A base image cannot be pulled, and there is no stand-in for it.",
    "TG332": "The packages of a stand-in base image cannot be had.",
    "TG333": "The container engine does not take a stand-in base image.",
}
_DEPLOYMENT = {
    "TG400": "The gate refused the image, or had no evidence to pass it.",
    "TG410": "There is no image at the place that was to be scanned.",
    "TG411": "The image to be scanned is damaged.",
    "TG412": "A part of the image is not what its digest says.",
    "TG413": "The image names a part that is missing.",
    "TG414": "The image is larger than is scanned.",
    "TG415": "A layer of the image is compressed in a way that cannot be read here.",
    "TG416": "The container engine does not give out the image.",
    "TG417": "The SBOM cannot be read.",
    "TG418": "The evidence of a scan cannot be stored.",
    "TG419": "A file of the evidence is not what its name says.",
    "TG420": "There are no advisories to import.",
    "TG421": "Advisories cannot be read.",
    "TG422": "Advisories are larger than is read.",
    "TG423": "Advisories cannot be fetched.",
    "TG424": "Advisories come too slowly.",
    "TG425": "There are no advisories yet.",
    "TG426": "The index of advisories cannot be read.",
    "TG427": "The advisories cannot be stored.",
    "TG428": "Some sources of advisories could not be brought in.",
    "TG429": "The distribution's own security index cannot be had, or cannot be believed.",
    "TG500": "The deployment failed; traffic is on the stable release.",
    "TG510": "A smoke check on the test listener failed.",
    "TG521": "A hook's command cannot be started.",
    "TG522": "A hook's command failed.",
    "TG523": "A hook's web call failed.",
    "TG524": "A hook took longer than its time limit.",
    "TG600": "The wait ended; the work goes on without the caller.",
    "TG601": "The daemon went away in the middle of an answer; its work goes on when it is back.",
    "TG602": "The controller was told to stop and is not done yet.",
}
_NOT_FOUND = {
    "TG700": "No such service, release, deployment or execution.",
    "TG701": "The app has no such service.",
    "TG702": "No such execution is known.",
    "TG703": "No deployment of the service is under way.",
    "TG704": "The deployment is over: its candidate is stable, only old tasks are drained.",
    "TG705": "The release is not among the good ones that are kept for a rollback.",
    "TG706": "The service has no earlier good release.",
    "TG707": "The service is not in the app file any more.",
    "TG708": "The example app is not installed.",
    "TG710": "A full commit id was expected.",
    "TG711": "The repository has no such commit.",
    "TG721": "No such release.",
    "TG722": "No such deployment.",
    "TG724": "The name is no service, task, execution or stage.",
    "TG725": "The API has no such address.",
    "TG726": "This daemon takes no webhooks.",
    "TG727": "No such error code.",
    "TG728": "The container engine has no such image.",
    "TG729": "There is no such file of evidence.",
    "TG730": "The release has no SBOM: its image was never scanned.",
    "TG731": "The gate has not said its word on the execution yet.",
}
_BUSY = {
    "TG800": "Another deployment, controller or person holds what was asked for.",
    "TG801": "The execution has already started.",
    "TG802": "The deployment is already rolling back.",
    "TG803": "A deployment is under way; abort it, or wait for its end.",
    "TG804": "Another controller holds this app's state.",
    "TG805": "Somebody else brings advisories in right now.",
}
_INTERNAL = {
    "TG900": "A fault of Tidegate; please report it with the lines above the message.",
    "TG901": "A command of the demo failed.",
    "TG902": "A push of the demo did not end.",
    "TG910": "An adapter could not do an action; the engine tries again.",
    "TG911": "The container engine did not do what it was asked.",
    "TG912": "A task cannot start from this image, or finds no free port.",
    "TG913": "The machine has not enough memory for the task, or its limit is too small.",
    "TG914": "No loopback port is free for the task.",
    "TG915": "The value of a secret cannot be had where it is said to be.",
    "TG916": "The container engine refuses the task's image or settings.",
    "TG917": "The disk is full.",
    "TG918": "The container engine has no network addresses left.",
    "TG919": "What should have done it does not answer; nothing is held against the task.",
    "TG920": "The journal is damaged; `tidegate up --repair` keeps what is before the damage.",
    "TG921": "An entry of the journal cannot be read by this version.",
    "TG922": "The journal cannot be written; nothing is changed until it can.",
    "TG923": "The journal was written by another version.",
    "TG924": "The daemon's answer does not fit: it is of another version.",
    "TG930": "The sender of a load could not be started.",
    "TG931": "The sender of a load did not answer in time.",
    "TG932": "The sender of a load died.",
    "TG940": "The daemon ended an execution's story in the middle.",
    "TG941": "The answer at the daemon's address is not Tidegate's.",
    "TG942": "The daemon met a fault of its own; its log has it whole.",
    "TG943": "The answer at the daemon's address is not JSON.",
    "TG950": "HAProxy does not answer on its socket.",
    "TG951": "HAProxy refused a change.",
    "TG952": "A target still answers requests, so it is not taken out.",
    "TG953": "The balancer does not serve the service yet.",
    "TG954": "The balancer's files cannot be written.",
    "TG955": "HAProxy did not take the new configuration; what served before goes on.",
    "TG960": "git answered with an error.",
    "TG961": "git was not done in time.",
}

CODES: Mapping[str, Code] = {
    code: Code(class_of(code), meaning)
    for part in (_USAGE, _CONFIGURATION, _BUILD, _DEPLOYMENT, _NOT_FOUND, _BUSY, _INTERNAL)
    for code, meaning in part.items()
}
"""Every code, in order."""
