"""The only reader of the clock. Everything else takes ``now`` as an argument."""

from datetime import UTC, datetime


def now() -> datetime:
    """The present moment, aware, in UTC; counted and shown in Asia/Ho_Chi_Minh elsewhere."""
    return datetime.now(UTC)
