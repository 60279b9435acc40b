"""Tasks as containers: started by digest, hardened, watched, and left alone by other apps."""

from tidegate.local.containers.clear import clear_away
from tidegate.local.containers.tasks import ContainerTasks

__all__ = ["ContainerTasks", "clear_away"]
