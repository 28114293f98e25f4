"""Answers name their outcome, promises are followed up, and the sender's last word stands beside the verdict.

Answers so far named no outcome and gave no promise that could be read, so both stay empty. The sender's last word
follows from the history.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0020"
down_revision: str | Sequence[str] | None = "0019"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

OUTCOMES = ("done", "partly", "promised", "not_possible", "not_as_described", "answered_before")
VERDICTS = ("confirmed", "disputed")
KINDS_BEFORE = ("question", "reply", "reason", "answer", "draft", "objection", "note")
KINDS = (*KINDS_BEFORE, "points", "report", "details")
LAST_WORDS = """
    UPDATE tickets SET citizen_verdict = CASE WHEN said.action = 'confirmed' THEN 'confirmed' ELSE 'disputed' END
    FROM (
        SELECT DISTINCT ON (chain) chain, action FROM audit
        WHERE action IN ('confirmed', 'disputed', 'reopened') ORDER BY chain, seq DESC
    ) AS said
    WHERE said.chain = 'ticket:' || tickets.id
"""


def upgrade() -> None:
    op.add_column("tickets", sa.Column("answer_outcome", _words(OUTCOMES, "answer_outcome"), nullable=True))
    op.add_column("tickets", sa.Column("citizen_verdict", _words(VERDICTS, "citizen_verdict"), nullable=True))
    op.add_column("tickets", sa.Column("promises_given", sa.Integer(), server_default="0", nullable=False))
    op.add_column("tickets", sa.Column("promises_missed", sa.Integer(), server_default="0", nullable=False))
    op.add_column("tickets", sa.Column("promised_on", sa.Date(), nullable=True))
    op.add_column("tickets", sa.Column("promise_until", sa.Date(), nullable=True))
    op.create_check_constraint(op.f("ck_tickets_promises"), "tickets", "promises_missed <= promises_given")
    op.create_index(
        "ix_tickets_promised",
        "tickets",
        ["promise_until", "id"],
        postgresql_where=sa.text("promise_until IS NOT NULL"),
    )
    op.execute(LAST_WORDS)
    _allow_kinds(KINDS)


def downgrade() -> None:
    """Texts of the new kinds become reasons. The history names them as before."""
    op.execute("UPDATE ticket_messages SET kind = 'reason' WHERE kind IN ('points', 'report', 'details')")
    _allow_kinds(KINDS_BEFORE)
    op.drop_index("ix_tickets_promised", "tickets")
    op.drop_constraint(op.f("ck_tickets_promises"), "tickets", type_="check")
    for name in ("promise_until", "promised_on", "promises_missed", "promises_given"):
        op.drop_column("tickets", name)
    op.drop_column("tickets", "citizen_verdict")
    op.drop_column("tickets", "answer_outcome")


def _words(values: Sequence[str], name: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=32)


def _allow_kinds(kinds: Sequence[str]) -> None:
    op.drop_constraint(op.f("ck_ticket_messages_message_kind"), "ticket_messages", type_="check")
    listed = ", ".join(f"'{kind}'" for kind in kinds)
    op.create_check_constraint(op.f("ck_ticket_messages_message_kind"), "ticket_messages", f"kind IN ({listed})")
