"""The five pillars and their design principles, in the words of the Well-Architected Framework.

Source: AWS Well-Architected Framework, July 2020, "Design principles" of each pillar: the edition
that the workshop teaches. The sixth pillar, sustainability, came in 2021.
"""

from enum import StrEnum


class Pillar(StrEnum):
    """The pillars, in the framework's order."""

    OPERATIONS = "Operational Excellence"
    SECURITY = "Security"
    RELIABILITY = "Reliability"
    PERFORMANCE = "Performance Efficiency"
    COST = "Cost Optimization"


class Principle(StrEnum):
    """The design principles, pillar by pillar."""

    AS_CODE = "Perform operations as code"
    SMALL_CHANGES = "Make frequent, small, reversible changes"
    REFINE = "Refine operations procedures frequently"
    ANTICIPATE = "Anticipate failure"
    LEARN = "Learn from all operational failures"
    IDENTITY = "Implement a strong identity foundation"
    TRACEABILITY = "Enable traceability"
    LAYERS = "Apply security at all layers"
    AUTOMATE_SECURITY = "Automate security best practices"
    PROTECT_DATA = "Protect data in transit and at rest"
    PEOPLE_AWAY = "Keep people away from data"
    PREPARE = "Prepare for security events"
    RECOVER = "Automatically recover from failure"
    TEST_RECOVERY = "Test recovery procedures"
    SCALE_OUT = "Scale horizontally to increase aggregate workload availability"
    STOP_GUESSING = "Stop guessing capacity"
    AUTOMATE_CHANGE = "Manage change in automation"
    DEMOCRATIZE = "Democratize advanced technologies"
    GO_GLOBAL = "Go global in minutes"
    SERVERLESS = "Use serverless architectures"
    EXPERIMENT = "Experiment more often"
    SYMPATHY = "Consider mechanical sympathy"
    FINANCE = "Implement cloud financial management"
    CONSUMPTION = "Adopt a consumption model"
    EFFICIENCY = "Measure overall efficiency"
    HEAVY_LIFTING = "Stop spending money on undifferentiated heavy lifting"
    ATTRIBUTE = "Analyze and attribute expenditure"

    @property
    def pillar(self) -> Pillar:
        """The pillar that it belongs to."""
        return next(pillar for last, pillar in _LAST if _ORDER[self] <= _ORDER[last])


_ORDER = {principle: number for number, principle in enumerate(Principle)}
_LAST = (
    (Principle.LEARN, Pillar.OPERATIONS),
    (Principle.PREPARE, Pillar.SECURITY),
    (Principle.AUTOMATE_CHANGE, Pillar.RELIABILITY),
    (Principle.SYMPATHY, Pillar.PERFORMANCE),
    (Principle.ATTRIBUTE, Pillar.COST),
)
