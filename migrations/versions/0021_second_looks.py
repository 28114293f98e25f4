"""Second looks: a sender asks the level above for a review of an answer. The role of the auditor, and what the desks of
those above a unit and the pages of the log need to find quickly.

The partial indexes of the history serve disputes of pauses and requests for extensions that nobody has decided yet.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0021"
down_revision: str | Sequence[str] | None = "0020"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

BEFORE = ("citizen", "officer", "leader", "coordinator", "manager", "survey_officer", "administrator")
AFTER = (*BEFORE, "auditor")
OPEN_LOOK = "stage <> 'decided'"
TO_PUBLISH = "state IN ('answered', 'confirmed') AND published_at IS NULL"
WAITING = ("pause_disputed", "pause_judged", "extension_requested")


def _roles(roles: tuple[str, ...]) -> None:
    """The role column takes these; without a unit those that work for the province."""
    quoted = ", ".join(f"'{role}'" for role in roles)
    province = ", ".join(f"'{role}'" for role in roles if role not in ("citizen", "officer", "leader"))
    op.drop_constraint(op.f("ck_users_role"), "users", type_="check")
    op.create_check_constraint(op.f("ck_users_role"), "users", f"role IN ({quoted})")
    op.drop_constraint(op.f("ck_users_unit_of_role"), "users", type_="check")
    op.create_check_constraint(op.f("ck_users_unit_of_role"), "users", f"unit_id IS NOT NULL OR role IN ({province})")


def _create_looks() -> None:
    op.create_table(
        "second_looks",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("ticket_id", sa.Integer(), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.Column("hidden_unit_id", sa.Integer(), nullable=True),
        sa.Column("stage", sa.String(length=32), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("asked_on", sa.Date(), nullable=False),
        sa.Column("term", sa.String(length=40), nullable=False),
        sa.Column("rule_id", sa.Integer(), nullable=True),
        sa.Column("calendar_id", sa.Integer(), nullable=False),
        sa.Column("due_date", sa.Date(), nullable=False),
        sa.Column("due_estimated", sa.Boolean(), nullable=False),
        sa.Column("reviewer_id", sa.Integer(), nullable=True),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("result", sa.String(length=32), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("message_id", sa.Integer(), nullable=True),
        sa.Column("verdict", sa.String(length=32), nullable=True),
        sa.Column("late_days", sa.Integer(), nullable=False),
        sa.Column("remind_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("stage IN ('asked', 'taken', 'decided')", name=op.f("ck_second_looks_look_stage")),
        sa.CheckConstraint("result IN ('upheld', 'corrected', 'sent_back')", name=op.f("ck_second_looks_look_result")),
        sa.CheckConstraint("verdict IN ('on_time', 'late')", name=op.f("ck_second_looks_look_verdict")),
        sa.CheckConstraint(
            "(stage = 'decided') = (decided_at IS NOT NULL AND result IS NOT NULL AND verdict IS NOT NULL "
            "AND message_id IS NOT NULL)",
            name=op.f("ck_second_looks_decided"),
        ),
        sa.CheckConstraint("(stage = 'asked') = (reviewer_id IS NULL)", name=op.f("ck_second_looks_reviewer")),
        sa.CheckConstraint("(reviewer_id IS NULL) = (taken_at IS NULL)", name=op.f("ck_second_looks_taken")),
        sa.CheckConstraint("late_days >= 0", name=op.f("ck_second_looks_lateness")),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_second_looks_ticket_id_tickets")),
        sa.ForeignKeyConstraint(["unit_id"], ["units.id"], name=op.f("fk_second_looks_unit_id_units")),
        sa.ForeignKeyConstraint(["hidden_unit_id"], ["units.id"], name=op.f("fk_second_looks_hidden_unit_id_units")),
        sa.ForeignKeyConstraint(["rule_id"], ["rules.id"], name=op.f("fk_second_looks_rule_id_rules")),
        sa.ForeignKeyConstraint(
            ["calendar_id"], ["calendar_versions.id"], name=op.f("fk_second_looks_calendar_id_calendar_versions")
        ),
        sa.ForeignKeyConstraint(["reviewer_id"], ["users.id"], name=op.f("fk_second_looks_reviewer_id_users")),
        sa.ForeignKeyConstraint(
            ["message_id"], ["ticket_messages.id"], name=op.f("fk_second_looks_message_id_ticket_messages")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_second_looks")),
        sa.UniqueConstraint("ticket_id", name=op.f("uq_second_looks_ticket_id")),
    )
    op.create_index("ix_second_looks_open", "second_looks", ["due_date", "id"], postgresql_where=sa.text(OPEN_LOOK))
    op.create_index("ix_second_looks_remind", "second_looks", ["remind_at"], postgresql_where=sa.text(OPEN_LOOK))
    op.create_index(op.f("ix_second_looks_unit_id_asked_on"), "second_looks", ["unit_id", "asked_on"])


def upgrade() -> None:
    _roles(AFTER)
    _create_looks()
    op.create_index("ix_tickets_to_publish", "tickets", ["decided_at", "id"], postgresql_where=sa.text(TO_PUBLISH))
    op.create_index("ix_audit_at", "audit", ["at", "id"])
    for action in WAITING:
        op.create_index(f"ix_audit_{action}", "audit", ["chain"], postgresql_where=sa.text(f"action = '{action}'"))


def downgrade() -> None:
    """Fails while there are auditors: their accounts must be given another role first."""
    for action in WAITING:
        op.drop_index(f"ix_audit_{action}", table_name="audit")
    op.drop_index("ix_audit_at", table_name="audit")
    op.drop_index("ix_tickets_to_publish", table_name="tickets")
    op.drop_table("second_looks")
    _roles(BEFORE)
