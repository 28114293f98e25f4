"""The clock and the life of a ticket: rules and results as versions, all states, episodes, merging.

Both new tables are append-only like the history. Verdicts given before become the first version of their result.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0007"
down_revision: str | Sequence[str] | None = "0006"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

APPEND_ONLY = ("rules", "ticket_clocks")
REFUSE_REWRITING = """
CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table}
    FOR EACH ROW EXECUTE FUNCTION audit_is_append_only();
CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only();
"""
OLD_STATES = ("new", "accepted", "awaiting_sender", "answered")
STATES = (
    *("new", "accepted", "in_progress", "awaiting_sender", "awaiting_approval", "answered", "published"),
    *("confirmed", "closed", "refused", "redirected", "withdrawn", "merged"),
)
OPEN = "state IN ('new', 'accepted', 'in_progress', 'awaiting_sender', 'awaiting_approval')"
OLD_KINDS = ("question", "reply", "reason", "answer")
KINDS = (*OLD_KINDS, "draft", "objection")
FIRST_VERSIONS = """
    INSERT INTO ticket_clocks (ticket_id, episode, clock, nth, version, unit_id, value, calendar_id, started_at,
        due_date, due_at, estimated, ended_at, verdict, late_days, late_minutes, explanation, reason, computed_at)
    SELECT id, 1, 'resolve', 1, 1, unit_id, term, calendar_id, received_at, due_date,
        (due_date + 1)::timestamp AT TIME ZONE 'Asia/Ho_Chi_Minh' - interval '1 microsecond', due_estimated,
        answered_at, verdict, greatest(answered_on - due_date, 0), 0, '{}', 'answered', answered_at
    FROM tickets WHERE verdict IS NOT NULL
"""


def upgrade() -> None:
    op.create_table(
        "rules",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("value", sa.String(length=40), nullable=False),
        sa.Column("basis", sa.Text(), nullable=False),
        sa.Column("mark", _enum("mark", "verified", "practice", "ours", "unverified"), nullable=False),
        sa.Column("starts", _enum("starts", "reception", "decision", "acceptance", "due", "question"), nullable=False),
        sa.Column("case", sa.String(length=40), nullable=False),
        sa.Column("adds_to", sa.String(length=40), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("repeats", sa.Boolean(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=True),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("category", sa.String(length=40), nullable=False),
        sa.Column("category_class", sa.String(length=40), nullable=False),
        sa.Column("province", sa.String(length=40), nullable=False),
        sa.Column("created_by", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("times > 0", name=op.f("ck_rules_times")),
        sa.CheckConstraint(
            "valid_to IS NULL OR valid_from IS NULL OR valid_to >= valid_from", name=op.f("ck_rules_validity")
        ),
        sa.ForeignKeyConstraint(["created_by"], ["users.id"], name=op.f("fk_rules_created_by_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rules")),
    )
    op.create_index(op.f("ix_rules_code"), "rules", ["code"], unique=False)
    _change_tickets()
    op.create_table(
        "ticket_clocks",
        sa.Column("ticket_id", sa.Integer(), nullable=False),
        sa.Column("episode", sa.Integer(), nullable=False),
        sa.Column(
            "clock",
            _enum("clock", "classify", "ask", "refuse", "forward", "resolve", "notify", "publish", "progress"),
            nullable=False,
        ),
        sa.Column("nth", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=True),
        sa.Column("value", sa.String(length=40), nullable=False),
        sa.Column("rule_id", sa.Integer(), nullable=True),
        sa.Column("calendar_id", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_date", sa.Date(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("estimated", sa.Boolean(), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("verdict", _enum("clock_verdict", "on_time", "late"), nullable=True),
        sa.Column("late_days", sa.Integer(), nullable=False),
        sa.Column("late_minutes", sa.Integer(), nullable=False),
        sa.Column("explanation", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("reason", sa.String(length=40), nullable=False),
        sa.Column("computed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("late_days >= 0 AND late_minutes >= 0", name=op.f("ck_ticket_clocks_lateness")),
        sa.CheckConstraint("version > 0 AND nth > 0 AND episode > 0", name=op.f("ck_ticket_clocks_positive")),
        sa.ForeignKeyConstraint(
            ["calendar_id"], ["calendar_versions.id"], name=op.f("fk_ticket_clocks_calendar_id_calendar_versions")
        ),
        sa.ForeignKeyConstraint(["rule_id"], ["rules.id"], name=op.f("fk_ticket_clocks_rule_id_rules")),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_ticket_clocks_ticket_id_tickets")),
        sa.ForeignKeyConstraint(["unit_id"], ["units.id"], name=op.f("fk_ticket_clocks_unit_id_units")),
        sa.PrimaryKeyConstraint("ticket_id", "episode", "clock", "nth", "version", name=op.f("pk_ticket_clocks")),
    )
    op.create_index(
        "ix_ticket_clocks_judged",
        "ticket_clocks",
        ["clock", "ended_at"],
        unique=False,
        postgresql_where=sa.text("verdict IS NOT NULL"),
    )
    op.execute(FIRST_VERSIONS)
    for table in APPEND_ONLY:
        op.execute(REFUSE_REWRITING.format(table=table))


def downgrade() -> None:
    op.drop_table("ticket_clocks")
    op.drop_constraint(op.f("fk_tickets_rule_id_rules"), "tickets")
    for index in ("ix_tickets_merged_into_id", "ix_tickets_open", "ix_tickets_inbox"):
        op.drop_index(index, "tickets")
    for name in ("merged_state", "merged_into_another", "answered_state", "verdict_with_answer"):
        op.drop_constraint(op.f(f"ck_tickets_{name}"), "tickets")
    for column in ("rule_id", "episode", "assignee_id", "merged_into_id", "decided_at", "published_at"):
        op.drop_column("tickets", column)
    op.drop_table("rules")
    _allow("tickets", "state", OLD_STATES, "state")
    _allow("ticket_messages", "kind", OLD_KINDS, "message_kind")
    op.create_check_constraint(
        op.f("ck_tickets_answered_state"), "tickets", "(state = 'answered') = (answered_at IS NOT NULL)"
    )
    op.create_check_constraint(
        op.f("ck_tickets_verdict_with_answer"), "tickets", "(verdict IS NULL) = (answered_at IS NULL)"
    )
    _index_inbox("state <> 'answered'")


def _change_tickets() -> None:
    op.add_column("tickets", sa.Column("rule_id", sa.Integer(), nullable=True))
    op.add_column("tickets", sa.Column("episode", sa.Integer(), server_default="1", nullable=False))
    op.add_column("tickets", sa.Column("assignee_id", sa.Integer(), nullable=True))
    op.add_column("tickets", sa.Column("merged_into_id", sa.Integer(), nullable=True))
    op.add_column("tickets", sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("tickets", sa.Column("published_at", sa.DateTime(timezone=True), nullable=True))
    op.create_foreign_key(op.f("fk_tickets_rule_id_rules"), "tickets", "rules", ["rule_id"], ["id"])
    op.create_foreign_key(op.f("fk_tickets_assignee_id_users"), "tickets", "users", ["assignee_id"], ["id"])
    op.create_foreign_key(op.f("fk_tickets_merged_into_id_tickets"), "tickets", "tickets", ["merged_into_id"], ["id"])
    op.drop_constraint(op.f("ck_tickets_answered_state"), "tickets")
    op.drop_constraint(op.f("ck_tickets_verdict_with_answer"), "tickets")
    _allow("tickets", "state", STATES, "state")
    _allow("ticket_messages", "kind", KINDS, "message_kind")
    op.execute("UPDATE tickets SET decided_at = answered_at WHERE answered_at IS NOT NULL")
    for name, condition in (
        ("verdict_with_answer", "answered_at IS NULL OR verdict IS NOT NULL"),
        (
            "answered_state",
            "answered_at IS NOT NULL OR state NOT IN ('answered', 'published', 'confirmed', 'closed')",
        ),
        ("merged_state", "(state = 'merged') = (merged_into_id IS NOT NULL)"),
        ("merged_into_another", "merged_into_id <> id"),
    ):
        op.create_check_constraint(op.f(f"ck_tickets_{name}"), "tickets", condition)
    op.drop_index("ix_tickets_inbox", "tickets")
    _index_inbox(OPEN)
    op.create_index("ix_tickets_open", "tickets", ["id"], unique=False, postgresql_where=sa.text(OPEN))
    op.create_index(
        op.f("ix_tickets_merged_into_id"),
        "tickets",
        ["merged_into_id"],
        unique=False,
        postgresql_where=sa.text("merged_into_id IS NOT NULL"),
    )


def _index_inbox(condition: str) -> None:
    columns = ["unit_id", "due_date", "id"]
    op.create_index("ix_tickets_inbox", "tickets", columns, unique=False, postgresql_where=sa.text(condition))


def _allow(table: str, column: str, values: tuple[str, ...], name: str) -> None:
    """Let a column hold these values and no other."""
    op.drop_constraint(op.f(f"ck_{table}_{name}"), table)
    listed = ", ".join(f"'{value}'" for value in values)
    op.create_check_constraint(op.f(f"ck_{table}_{name}"), table, f"{column} IN ({listed})")


def _enum(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=32)
