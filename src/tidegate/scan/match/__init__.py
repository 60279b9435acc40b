"""Which packages of an image are known to be vulnerable: an inventory and an index in, matches out.

`ranges` judges one version against one advisory, `merge` makes one vulnerability of the several
advisories that speak of it, `matching` asks for every package.
"""

from tidegate.scan.match.matching import Matching, match
from tidegate.scan.match.merge import Match

__all__ = ["Match", "Matching", "match"]
