"""Waivers that stand in other files: `.trivyignore`, `osv-scanner.toml`, OpenVEX, CycloneDX VEX.

    collect     which files are looked for beside the app file, and what they come to
    parts       what the readers share: bounds, moments, purls, the error of a broken file
    trivy, osv  the ignore files of those scanners, with the moments at which they end there
    vex, openvex, cyclonedx   statements that an image is not affected, or mended

A file that cannot be understood is an error, never fewer or more waivers than somebody meant.
"""

from tidegate.spec.waivers.collect import Beside, Folder, collect

__all__ = ["Beside", "Folder", "collect"]
