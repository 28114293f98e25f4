"""On the ticket: since when its clock is stopped, and until when its sender is to be told.

"Overdue" and "told in time" become conditions on the row alone. Pauses of today are read from the history. The day by
which a sender is to be told is counted for every decision that nobody has told yet, by the rule of the ticket (shipped:
one working day) and its calendar.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0012"
down_revision: str | Sequence[str] | None = "0011"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

PAUSED = """
    WITH asked AS (
        SELECT tickets.id, max(audit.at) AS at, max(audit.seq) AS seq
        FROM tickets JOIN audit ON audit.chain = 'ticket:' || tickets.id AND audit.action = 'info_requested'
        WHERE tickets.state = 'awaiting_sender' GROUP BY tickets.id
    )
    UPDATE tickets SET paused_on = (asked.at AT TIME ZONE 'Asia/Ho_Chi_Minh')::date FROM asked
    WHERE tickets.id = asked.id AND NOT EXISTS (
        SELECT FROM audit WHERE audit.chain = 'ticket:' || asked.id AND audit.seq > asked.seq
            AND (audit.action = 'pause_expired'
                OR audit.action = 'pause_judged' AND audit.data ->> 'stands' = 'false')
    )
"""
# Only terms in working days: a province could set another unit, and none of such a rule was stored before.
TELL_BY = """
    WITH untold AS (
        SELECT id, calendar_id, (decided_at AT TIME ZONE 'Asia/Ho_Chi_Minh')::date AS decided_on,
            coalesce((
                SELECT (regexp_match(rules.value, '^(\\d+) working days?$'))[1]::int
                FROM audit JOIN rules ON rules.id = (audit.data -> 'rules' ->> 'notify')::int
                WHERE audit.chain = 'ticket:' || tickets.id AND audit.data ? 'rules'
                ORDER BY audit.seq DESC LIMIT 1
            ), 1) AS days
        FROM tickets
        WHERE decided_at IS NOT NULL AND told_at IS NULL AND channel <> 'import'
            AND state IN ('answered', 'published', 'confirmed', 'closed', 'refused', 'redirected')
    ), terms AS (SELECT DISTINCT calendar_id, decided_on, days FROM untold), dues AS (
        SELECT terms.*, (
            SELECT day::date FROM generate_series(decided_on + 1, decided_on + 30 + 7 * days, interval '1 day') AS day
            WHERE coalesce(
                (SELECT (item ->> 'open')::boolean
                 FROM jsonb_array_elements(document -> 'exceptions') AS item WHERE item ->> 'day' = day::date::text),
                jsonb_array_length(document -> 'week' -> ((extract(isodow FROM day)::int - 1)::text)) > 0
            ) ORDER BY day OFFSET days - 1 LIMIT 1
        ) AS tell_by
        FROM terms JOIN calendar_versions ON calendar_versions.id = terms.calendar_id
    )
    UPDATE tickets SET tell_by = dues.tell_by FROM untold JOIN dues USING (calendar_id, decided_on, days)
    WHERE tickets.id = untold.id
"""


def upgrade() -> None:
    op.add_column("tickets", sa.Column("paused_on", sa.Date(), nullable=True))
    op.add_column("tickets", sa.Column("tell_by", sa.Date(), nullable=True))
    op.execute(PAUSED)
    op.execute(TELL_BY)


def downgrade() -> None:
    op.drop_column("tickets", "tell_by")
    op.drop_column("tickets", "paused_on")
