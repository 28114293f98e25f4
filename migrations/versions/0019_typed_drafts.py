"""Drafts of what staff type on the page of a ticket, and internal notes as a kind of text."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0019"
down_revision: str | Sequence[str] | None = "0018"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

KINDS_BEFORE = ("question", "reply", "reason", "answer", "draft", "objection")
KINDS = (*KINDS_BEFORE, "note")


def upgrade() -> None:
    _allow_kinds(KINDS)
    op.create_table(
        "typed_drafts",
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("ticket_id", sa.Integer(), nullable=False),
        sa.Column("fields", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("saved_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("jsonb_typeof(fields) = 'object'", name=op.f("ck_typed_drafts_fields")),
        sa.ForeignKeyConstraint(
            ["ticket_id"], ["tickets.id"], name=op.f("fk_typed_drafts_ticket_id_tickets"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_typed_drafts_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", "ticket_id", name=op.f("pk_typed_drafts")),
    )
    op.create_index(op.f("ix_typed_drafts_ticket_id"), "typed_drafts", ["ticket_id"])
    op.create_index(op.f("ix_typed_drafts_saved_at"), "typed_drafts", ["saved_at"])


def downgrade() -> None:
    """Notes stay readable as reasons: their events stay in the history."""
    op.drop_table("typed_drafts")
    op.execute("UPDATE ticket_messages SET kind = 'reason' WHERE kind = 'note'")
    _allow_kinds(KINDS_BEFORE)


def _allow_kinds(kinds: Sequence[str]) -> None:
    """Allow these kinds of texts. Stored rows are not read again: they have only kinds that were allowed before."""
    listed = ", ".join(f"'{kind}'" for kind in kinds)
    op.execute("ALTER TABLE ticket_messages DROP CONSTRAINT ck_ticket_messages_message_kind")
    op.execute(
        "ALTER TABLE ticket_messages ADD CONSTRAINT ck_ticket_messages_message_kind "
        f"CHECK (kind IN ({listed})) NOT VALID"
    )
