"""What befalls instances: storms, losses, false notices, and a market that is dry."""

from random import Random

from tidegate.simulator.cloud import Cloud
from tidegate.simulator.faults import Faults, Mishap
from tidegate.simulator.fleet import Cause


def befall(kind: Mishap, cloud: Cloud, faults: Faults, draws: Random) -> bool:
    """Let it happen; False when there is nothing that it could happen to."""
    now = cloud.elapsed
    match kind:
        case Mishap.STALE_INSTANCES:
            cloud.watcher.blind_until = now + draws.randrange(500, 6_000)
        case Mishap.POOL_DRY:
            cloud.dry_until = max(cloud.dry_until, now + draws.randrange(2_000, 20_000))
        case Mishap.LAUNCHES_FAIL:
            cloud.shut_until = max(cloud.shut_until, now + draws.randrange(1_000, 10_000))
        case Mishap.LAUNCHES_SLOW:
            cloud.slow_until = max(cloud.slow_until, now + draws.randrange(2_000, 10_000))
        case Mishap.SPOT_STORM:
            return storm(cloud, faults, draws, draws.choice((0.3, 0.6, 0.9))) > 0
        case Mishap.FALSE_NOTICE | Mishap.INSTANCE_LOST:
            spot = cloud.spot()
            if not spot:
                return False
            if kind is Mishap.FALSE_NOTICE:
                cloud.notice(draws.choice(spot), faults, false=True)
            else:
                cloud.take(draws.choice(spot).id, Cause.MISHAP)
        case _:
            return False
    return True


def storm(cloud: Cloud, faults: Faults, draws: Random, share: float) -> int:
    """Each spot instance gets a notice with that chance, at one moment; how many did.

    Losses come together: in a public trace 84 % of lost nodes went in events that took at least
    half of the fleet (`skypilot-org/spot-traces`).
    """
    struck = [one for one in cloud.spot() if draws.random() < share]
    for instance in struck:
        cloud.notice(instance, faults)
    return len(struck)
