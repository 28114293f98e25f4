"""On the ticket: what it waits for, since when, and when something last happened that concerns staff.

Tickets of today get what their histories say, by the rule of ``backend.tickets.waiting``.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0017"
down_revision: str | Sequence[str] | None = "0015"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

OPEN = "state IN ('new', 'accepted', 'in_progress', 'awaiting_sender', 'awaiting_approval')"
KINDS = (*("new", "work", "replied", "answer_approval", "extension_approval", "pause_dispute", "sender", "nothing"),)
MOMENT = sa.DateTime(timezone=True)
FILL = """
    WITH facts AS (
        SELECT chain,
            (array_agg(action ORDER BY seq DESC) FILTER (WHERE loud))[1] AS last_action,
            max(at) FILTER (WHERE loud) AS changed_at,
            coalesce(max(seq) FILTER (WHERE action = 'extension_requested'), 0) > coalesce(max(seq) FILTER (
                WHERE action IN ('extended', 'extension_denied', 'received', 'disputed', 'reopened')), 0) AS extension,
            NOT coalesce(array_agg(data ->> 'pause') FILTER (WHERE action = 'pause_disputed'), '{}')
                <@ coalesce(array_agg(data ->> 'pause') FILTER (WHERE action = 'pause_judged'), '{}') AS dispute,
            max(at) FILTER (WHERE action IN ('received', 'forwarded', 'unmerged')) AS new_at,
            max(at) FILTER (WHERE action IN ('accepted', 'assigned', 'resumed', 'pause_expired', 'pause_judged',
                'extended', 'extension_denied', 'returned', 'delay_explained', 'unmerged')) AS work_at,
            max(at) FILTER (WHERE action IN ('info_received', 'info_passed_on', 'disputed', 'reopened')) AS replied_at,
            max(at) FILTER (WHERE action = 'submitted_for_approval') AS submitted_at,
            max(at) FILTER (WHERE action = 'extension_requested') AS extension_at,
            max(at) FILTER (WHERE action = 'pause_disputed') AS dispute_at,
            max(at) FILTER (WHERE action = 'info_requested') AS asked_at,
            max(at) FILTER (WHERE action IN ('answered', 'answered_together', 'refused', 'redirected', 'withdrawn',
                'merged')) AS ended_at
        FROM (SELECT *, action NOT IN ('recounted', 'progress_told', 'notified') AS loud FROM audit
            WHERE chain LIKE 'ticket:%') AS entries
        GROUP BY chain
    ), waits AS (
        SELECT tickets.id, facts.*, CASE
            WHEN NOT (OPEN_STATES) THEN 'nothing'
            WHEN state = 'awaiting_approval' THEN 'answer_approval'
            WHEN state IN ('accepted', 'in_progress') AND extension THEN 'extension_approval'
            WHEN dispute THEN 'pause_dispute'
            WHEN paused_on IS NOT NULL THEN 'sender'
            WHEN state = 'new' THEN 'new'
            WHEN last_action IN ('info_received', 'info_passed_on', 'disputed', 'reopened') THEN 'replied'
            ELSE 'work' END AS waits_for
        FROM tickets JOIN facts ON facts.chain = 'ticket:' || tickets.id
    )
    UPDATE tickets SET waits_for = waits.waits_for, changed_at = waits.changed_at,
        waits_since = coalesce(CASE waits.waits_for
            WHEN 'new' THEN new_at WHEN 'work' THEN work_at WHEN 'replied' THEN replied_at
            WHEN 'answer_approval' THEN submitted_at WHEN 'extension_approval' THEN extension_at
            WHEN 'pause_dispute' THEN dispute_at WHEN 'sender' THEN asked_at ELSE ended_at END, waits.changed_at)
    FROM waits WHERE waits.id = tickets.id
""".replace("OPEN_STATES", OPEN)
# A ticket without a history has lost it (``langnghe verify tickets`` says so); its row must be readable all the same.
FILL_LOST = f"""
    UPDATE tickets SET waits_for = CASE WHEN {OPEN} THEN 'work' ELSE 'nothing' END, waits_since = received_at,
        changed_at = received_at
    WHERE waits_for IS NULL
"""  # noqa: S608 - only the constant above is filled in


def upgrade() -> None:
    waits_for = sa.Enum(*KINDS, name="waits_for", native_enum=False, create_constraint=True, length=32)
    op.add_column("tickets", sa.Column("waits_for", waits_for, nullable=True))
    op.add_column("tickets", sa.Column("waits_since", MOMENT, nullable=True))
    op.add_column("tickets", sa.Column("changed_at", MOMENT, nullable=True))
    op.execute(FILL)
    op.execute(FILL_LOST)
    for column in ("waits_for", "waits_since", "changed_at"):
        op.alter_column("tickets", column, nullable=False)
    op.create_check_constraint(op.f("ck_tickets_waiting_state"), "tickets", f"(waits_for = 'nothing') = (NOT {OPEN})")


def downgrade() -> None:
    op.drop_constraint(op.f("ck_tickets_waiting_state"), "tickets", type_="check")
    for column in ("changed_at", "waits_since", "waits_for"):
        op.drop_column("tickets", column)
