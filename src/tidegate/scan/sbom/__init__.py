"""The software bill of materials: an inventory as CycloneDX 1.6 JSON, and back."""

from tidegate.scan.sbom.read import read
from tidegate.scan.sbom.write import write

__all__ = ["read", "write"]
