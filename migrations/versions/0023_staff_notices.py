"""Notices to staff: about events as well as reminders, with a list to read, and as each person chooses.

The table of notices gets the name of what it holds now. An urgent notice is one that is sent at once; every
other one is gathered. Notices that were sent before count as read, so that no bell starts with a year of reminders.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0023"
down_revision: str | Sequence[str] | None = "0022"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

BEFORE, AFTER = "escalation_notices", "staff_notices"
INDEXES = ("pk_{}", "uq_{}_key", "ix_{}_message_id", "ix_{}_ticket_id")
CONSTRAINTS = ("fk_{}_message_id_outbox", "fk_{}_ticket_id_tickets", "fk_{}_user_id_users")
UNSENT = "message_id IS NULL AND read_at IS NULL AND way <> 'bell'"
WAYS = "('off', 'bell', 'gathered', 'at_once')"
KINDS = "('reminder', 'new', 'assigned', 'reply', 'approval', 'extension', 'dispute', 'second_look', 'mention')"


def _rename(before: str, after: str) -> None:
    op.rename_table(before, after)
    for name in INDEXES:
        op.execute(f"ALTER INDEX {name.format(before)} RENAME TO {name.format(after)}")
    for name in CONSTRAINTS:
        op.execute(f"ALTER TABLE {after} RENAME CONSTRAINT {name.format(before)} TO {name.format(after)}")
    op.execute(f"ALTER SEQUENCE {before}_id_seq RENAME TO {after}_id_seq")


def upgrade() -> None:
    op.drop_index("ix_escalation_notices_waiting", table_name=BEFORE)
    _rename(BEFORE, AFTER)
    op.add_column(AFTER, sa.Column("way", sa.String(length=32), server_default="gathered", nullable=False))
    op.add_column(AFTER, sa.Column("read_at", sa.DateTime(timezone=True), nullable=True))
    op.execute(f"UPDATE {AFTER} SET way = 'at_once' WHERE urgent")  # noqa: S608 - constants of ours
    op.execute(f"UPDATE {AFTER} SET read_at = at WHERE message_id IS NOT NULL")  # noqa: S608 - constants of ours
    op.alter_column(AFTER, "way", server_default=None)
    op.drop_column(AFTER, "urgent")
    op.create_check_constraint(op.f("ck_staff_notices_notice_way"), AFTER, f"way IN {WAYS}")
    op.create_index("ix_staff_notices_waiting", AFTER, ["user_id", "at"], postgresql_where=sa.text(UNSENT))
    op.create_index(
        "ix_staff_notices_unread", AFTER, ["user_id", "ticket_id"], postgresql_where=sa.text("read_at IS NULL")
    )
    op.create_index("ix_staff_notices_person", AFTER, ["user_id", "id"])
    op.create_index("ix_tickets_new", "tickets", ["unit_id", "id"], postgresql_where=sa.text("state = 'new'"))
    op.create_table(
        "notice_choices",
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("way", sa.String(length=32), nullable=False),
        sa.CheckConstraint(f"kind IN {KINDS}", name=op.f("ck_notice_choices_notice_kind")),
        sa.CheckConstraint(f"way IN {WAYS}", name=op.f("ck_notice_choices_choice_way")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_notice_choices_user_id_users")),
        sa.PrimaryKeyConstraint("user_id", "kind", name=op.f("pk_notice_choices")),
    )
    op.create_table(
        "notice_settings",
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("seen_ticket_id", sa.Integer(), server_default="0", nullable=False),
        sa.Column("arrivals_after", sa.Integer(), server_default="0", nullable=False),
        sa.Column("arrivals_upto", sa.Integer(), server_default="0", nullable=False),
        sa.Column("arrivals_message_id", sa.BigInteger(), nullable=True),
        sa.Column("medium", sa.String(length=32), server_default="email", nullable=False),
        sa.Column("chat_id", sa.BigInteger(), nullable=True),
        sa.Column("code_hash", sa.LargeBinary(length=32), nullable=True),
        sa.Column("code_until", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("medium IN ('email', 'telegram')", name=op.f("ck_notice_settings_staff_medium")),
        sa.ForeignKeyConstraint(
            ["arrivals_message_id"], ["outbox.id"], name=op.f("fk_notice_settings_arrivals_message_id_outbox")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_notice_settings_user_id_users")),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_notice_settings")),
        sa.UniqueConstraint("code_hash", name=op.f("uq_notice_settings_code_hash")),
    )


def downgrade() -> None:
    """Notices about events go, and so do choices and marks: the earlier version knows reminders alone."""
    op.drop_table("notice_settings")
    op.drop_table("notice_choices")
    op.drop_index("ix_tickets_new", table_name="tickets")
    op.drop_index("ix_staff_notices_person", table_name=AFTER)
    op.drop_index("ix_staff_notices_unread", table_name=AFTER)
    op.drop_index("ix_staff_notices_waiting", table_name=AFTER)
    op.drop_constraint(op.f("ck_staff_notices_notice_way"), AFTER, type_="check")
    # The key of a reminder has the day of its occasion in third place, that of an event the number of its entry.
    op.execute(f"DELETE FROM {AFTER} WHERE split_part(key, ':', 4) NOT LIKE '____-__-__'")  # noqa: S608
    op.add_column(AFTER, sa.Column("urgent", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.execute(f"UPDATE {AFTER} SET urgent = way = 'at_once'")  # noqa: S608 - constants of ours
    op.alter_column(AFTER, "urgent", server_default=None)
    op.drop_column(AFTER, "read_at")
    op.drop_column(AFTER, "way")
    _rename(AFTER, BEFORE)
    op.create_index(
        "ix_escalation_notices_waiting", BEFORE, ["user_id", "at"], postgresql_where=sa.text("message_id IS NULL")
    )
