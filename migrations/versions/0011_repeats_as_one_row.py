"""A repeating reminder is one row for each ticket; cases from another system say from when on reminders are due.

Writes the table of steps anew with the latest row of each, so that the room of millions of missed repeats comes back at
once. It takes about a minute for ten million rows; reminders wait meanwhile, and nothing else does.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0011"
down_revision: str | Sequence[str] | None = "0010"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

# ticket:42:progress:2026-11-22:5, also with :episode2 behind it; the number says how often the step was reached.
KEEP_LATEST = r"""
    CREATE TEMPORARY TABLE steps_kept AS
    SELECT DISTINCT ON (ticket_id, step_key) id, step_key, ticket_id, code, at, told, times
    FROM (
        SELECT id, ticket_id, code, at, told,
            regexp_replace(key, '^(ticket:\d+:[^:]+:[0-9-]+):\d+(:episode\d+)?$', '\1\2') AS step_key,
            coalesce(substring(key FROM '^ticket:\d+:[^:]+:[0-9-]+:(\d+)')::int, 0) AS times
        FROM escalation_steps
    ) AS steps
    ORDER BY ticket_id, step_key, times DESC
"""
PUT_BACK = """
    INSERT INTO escalation_steps (id, key, ticket_id, code, at, told, times)
    SELECT id, step_key, ticket_id, code, at, told, times FROM steps_kept
"""


def upgrade() -> None:
    connection = op.get_bind()
    connection.exec_driver_sql(KEEP_LATEST)  # not as text: a colon with a word begins no parameter here
    op.execute("TRUNCATE escalation_steps")
    op.add_column("escalation_steps", sa.Column("times", sa.Integer(), server_default="0", nullable=False))
    op.execute(PUT_BACK)
    op.execute("DROP TABLE steps_kept")
    # Last, because from here on nobody reads tickets until the migration ends.
    op.add_column("tickets", sa.Column("reminded_after", sa.Date(), nullable=True))


def downgrade() -> None:
    op.drop_column("escalation_steps", "times")
    op.drop_column("tickets", "reminded_after")
