"""The scan gate's eyes on this machine (the port `Scanner`), and the data that they see by.

settings      where the advisories of this user lie, and where they come from
advisories    what is held, how old it is, bringing it in; one index for every app of the user
refresh       brings it in again by itself, in the background
apt           the fallback: the distribution's own signed security index
assessor      an inventory and the data of the day → a report
scanner       an image of the engine → inventory, SBOM, report, evidence
evidence      the files that prove what was judged, by digest
bases         where each built image's base ends
"""

from tidegate.local.scanning.advisories import LocalAdvisories
from tidegate.local.scanning.assessor import Assessor
from tidegate.local.scanning.evidence import Evidence
from tidegate.local.scanning.refresh import Refresher
from tidegate.local.scanning.scanner import LocalScanner
from tidegate.local.scanning.settings import Settings

__all__ = ["Assessor", "Evidence", "LocalAdvisories", "LocalScanner", "Refresher", "Settings"]
