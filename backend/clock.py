"""The only module that reads the clock. All other code takes ``now`` as an argument."""

from datetime import UTC, datetime


def now() -> datetime:
    """Return the present moment, aware, in UTC. Other modules count and display it in Asia/Ho_Chi_Minh."""
    return datetime.now(UTC)
