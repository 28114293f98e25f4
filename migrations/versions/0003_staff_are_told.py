"""Tell staff of due dates: what has been told, when to look next; messages to accounts; calendars that stay.

A message of the outbox is for the sender of a ticket or for an account. A stored calendar is never changed or deleted:
due dates and verdicts name the version they were counted by. Only when it was last activated may be written.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0003"
down_revision: str | Sequence[str] | None = "0002"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

KEEP_CALENDARS = """
CREATE FUNCTION calendar_versions_stay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'calendar_versions is append-only: % refused', TG_OP USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER calendar_versions_append_only
    BEFORE DELETE OR UPDATE OF id, code, version, document, basis, created_at, created_by ON calendar_versions
    FOR EACH ROW EXECUTE FUNCTION calendar_versions_stay();
CREATE TRIGGER calendar_versions_no_truncate BEFORE TRUNCATE ON calendar_versions
    FOR EACH STATEMENT EXECUTE FUNCTION calendar_versions_stay();
"""


def upgrade() -> None:
    op.add_column("users", sa.Column("language", sa.String(length=2), server_default="vi", nullable=False))
    op.add_column("outbox", sa.Column("user_id", sa.Integer(), nullable=True))
    op.alter_column("outbox", "ticket_id", existing_type=sa.Integer(), nullable=True)
    op.create_foreign_key(op.f("fk_outbox_user_id_users"), "outbox", "users", ["user_id"], ["id"])
    op.create_check_constraint(op.f("ck_outbox_recipient"), "outbox", "(ticket_id IS NULL) <> (user_id IS NULL)")
    op.create_index(op.f("ix_outbox_user_id"), "outbox", ["user_id"], unique=False)
    op.create_table(
        "escalation_watches",
        sa.Column("ticket_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("due_date", sa.Date(), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_escalation_watches_ticket_id_tickets")),
        sa.PrimaryKeyConstraint("ticket_id", name=op.f("pk_escalation_watches")),
    )
    op.create_table(
        "escalation_steps",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.String(length=120), nullable=False),
        sa.Column("ticket_id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("told", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_escalation_steps_ticket_id_tickets")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_escalation_steps")),
        sa.UniqueConstraint("key", name=op.f("uq_escalation_steps_key")),
    )
    op.create_index(op.f("ix_escalation_steps_ticket_id"), "escalation_steps", ["ticket_id"], unique=False)
    op.create_table(
        "escalation_notices",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.String(length=140), nullable=False),
        sa.Column("ticket_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("urgent", sa.Boolean(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("message_id", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["message_id"], ["outbox.id"], name=op.f("fk_escalation_notices_message_id_outbox")),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_escalation_notices_ticket_id_tickets")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_escalation_notices_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_escalation_notices")),
        sa.UniqueConstraint("key", name=op.f("uq_escalation_notices_key")),
    )
    op.create_index(op.f("ix_escalation_notices_message_id"), "escalation_notices", ["message_id"], unique=False)
    op.create_index(op.f("ix_escalation_notices_ticket_id"), "escalation_notices", ["ticket_id"], unique=False)
    op.create_index(
        "ix_escalation_notices_waiting",
        "escalation_notices",
        ["user_id", "at"],
        unique=False,
        postgresql_where=sa.text("message_id IS NULL"),
    )
    op.execute(KEEP_CALENDARS)


def downgrade() -> None:
    op.execute("DROP TRIGGER calendar_versions_no_truncate ON calendar_versions")
    op.execute("DROP TRIGGER calendar_versions_append_only ON calendar_versions")
    op.execute("DROP FUNCTION calendar_versions_stay")
    op.drop_table("escalation_notices")
    op.drop_table("escalation_steps")
    op.drop_table("escalation_watches")
    op.execute("DELETE FROM outbox WHERE ticket_id IS NULL")
    op.drop_index(op.f("ix_outbox_user_id"), table_name="outbox")
    op.drop_constraint(op.f("ck_outbox_recipient"), "outbox", type_="check")
    op.drop_constraint(op.f("fk_outbox_user_id_users"), "outbox", type_="foreignkey")
    op.alter_column("outbox", "ticket_id", existing_type=sa.Integer(), nullable=False)
    op.drop_column("outbox", "user_id")
    op.drop_column("users", "language")
