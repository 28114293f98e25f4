"""The inbox: what each ticket waits for and since when, saved views, looks at tickets, counts of open tickets.

Tickets of today get what their histories say, by the rule of ``backend.tickets.waiting``. From here on a trigger counts
every change of the open tickets, whichever statement makes it.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0017"
down_revision: str | Sequence[str] | None = "0016"
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

INCLUDES = [
    *("state", "waits_for", "waits_since", "changed_at", "assignee_id", "category_code", "about_unit_id", "channel"),
    *("received_on", "received_at", "paused_on", "verdict"),
]
INDEXES = {
    "ix_tickets_open_wait": (["waits_for", "due_date", "id"], OPEN),
    "ix_tickets_open_due": (["due_date", "id"], OPEN),
    "ix_tickets_open_received": (["received_at", "id"], OPEN),
    "ix_tickets_open_changed": (["changed_at", "id"], OPEN),
    "ix_tickets_open_waiting": (["waits_since", "id"], OPEN),
    "ix_tickets_assignee": (["assignee_id"], f"assignee_id IS NOT NULL AND {OPEN}"),
    "ix_tickets_ended": (["state", "waits_since", "id"], f"NOT {OPEN}"),
    "ix_tickets_ended_unit": (["unit_id", "state", "waits_since", "id"], f"NOT {OPEN}"),
}
# Only rows are appended, so writers never wait for each other. A load that turns ordinary triggers off is counted too.
COUNT_CHANGES = """
    CREATE FUNCTION count_open_tickets() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP <> 'INSERT' AND OLD.waits_for <> 'nothing' THEN
            INSERT INTO open_ticket_counts (waits_for, due_date, paused_in_time, tickets)
            VALUES (OLD.waits_for, OLD.due_date, coalesce(OLD.paused_on <= OLD.due_date, false), -1);
        END IF;
        IF TG_OP <> 'DELETE' AND NEW.waits_for <> 'nothing' THEN
            INSERT INTO open_ticket_counts (waits_for, due_date, paused_in_time, tickets)
            VALUES (NEW.waits_for, NEW.due_date, coalesce(NEW.paused_on <= NEW.due_date, false), 1);
        END IF;
        RETURN NULL;
    END $$;
    CREATE TRIGGER count_open_tickets_in AFTER INSERT ON tickets FOR EACH ROW
        WHEN (NEW.waits_for <> 'nothing') EXECUTE FUNCTION count_open_tickets();
    CREATE TRIGGER count_open_tickets_out AFTER DELETE ON tickets FOR EACH ROW
        WHEN (OLD.waits_for <> 'nothing') EXECUTE FUNCTION count_open_tickets();
    CREATE TRIGGER count_open_tickets_on AFTER UPDATE ON tickets FOR EACH ROW
        WHEN ((OLD.waits_for, OLD.due_date, OLD.paused_on)
            IS DISTINCT FROM (NEW.waits_for, NEW.due_date, NEW.paused_on))
        EXECUTE FUNCTION count_open_tickets();
    CREATE FUNCTION count_no_tickets() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        DELETE FROM open_ticket_counts;
        RETURN NULL;
    END $$;
    CREATE TRIGGER count_open_tickets_gone AFTER TRUNCATE ON tickets EXECUTE FUNCTION count_no_tickets();
    ALTER TABLE tickets ENABLE ALWAYS TRIGGER count_open_tickets_in;
    ALTER TABLE tickets ENABLE ALWAYS TRIGGER count_open_tickets_out;
    ALTER TABLE tickets ENABLE ALWAYS TRIGGER count_open_tickets_on;
    ALTER TABLE tickets ENABLE ALWAYS TRIGGER count_open_tickets_gone;
"""
COUNT_NOW = """
    INSERT INTO open_ticket_counts (waits_for, due_date, paused_in_time, tickets)
    SELECT waits_for, due_date, coalesce(paused_on <= due_date, false), count(*) FROM tickets
    WHERE waits_for <> 'nothing' GROUP BY 1, 2, 3
"""
UNCOUNT = """
    DROP TRIGGER count_open_tickets_in ON tickets;
    DROP TRIGGER count_open_tickets_out ON tickets;
    DROP TRIGGER count_open_tickets_on ON tickets;
    DROP TRIGGER count_open_tickets_gone ON tickets;
    DROP FUNCTION count_open_tickets();
    DROP FUNCTION count_no_tickets();
"""


def upgrade() -> None:
    _add_waits()
    _replace_inbox_index(INCLUDES)
    for name, (columns, where) in INDEXES.items():
        op.create_index(name, "tickets", columns, postgresql_where=sa.text(where))
    # What a ticket waits for says whether it is open: the planner must not multiply the two.
    op.execute("CREATE STATISTICS tickets_waits (mcv) ON state, waits_for FROM tickets")
    _create_tables()
    op.execute(COUNT_CHANGES)
    op.execute(COUNT_NOW)


def _add_waits() -> None:
    waits_for = sa.Enum(*KINDS, name="waits_for", native_enum=False, create_constraint=True, length=32)
    op.add_column("tickets", sa.Column("waits_for", waits_for, nullable=True))
    op.add_column("tickets", sa.Column("waits_since", MOMENT, nullable=True))
    op.add_column("tickets", sa.Column("changed_at", MOMENT, nullable=True))
    op.execute(FILL)
    op.execute(FILL_LOST)
    for column in ("waits_for", "waits_since", "changed_at"):
        op.alter_column("tickets", column, nullable=False)
    op.create_check_constraint(op.f("ck_tickets_waiting_state"), "tickets", f"(waits_for = 'nothing') = (NOT {OPEN})")


def _replace_inbox_index(includes: list[str]) -> None:
    op.drop_index("ix_tickets_inbox", table_name="tickets")
    op.create_index(
        "ix_tickets_inbox",
        "tickets",
        ["unit_id", "due_date", "id"],
        postgresql_include=includes or None,
        postgresql_where=sa.text(OPEN),
    )


def _create_tables() -> None:
    density = sa.Enum("roomy", "dense", name="inbox_density", native_enum=False, create_constraint=True, length=32)
    counted_wait = sa.Enum(*KINDS, name="counted_wait", native_enum=False, create_constraint=True, length=32)
    op.create_table(
        "inbox_views",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("owner_id", sa.Integer(), nullable=True),
        sa.Column("unit_id", sa.Integer(), nullable=True),
        sa.Column("name", sa.String(60), nullable=False),
        sa.Column("query", sa.Text(), nullable=False),
        sa.Column("created_by", sa.Integer(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.CheckConstraint("(owner_id IS NULL) <> (unit_id IS NULL)", name=op.f("ck_inbox_views_owner")),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name=op.f("fk_inbox_views_owner_id_users")),
        sa.ForeignKeyConstraint(["unit_id"], ["units.id"], name=op.f("fk_inbox_views_unit_id_units")),
        sa.ForeignKeyConstraint(["created_by"], ["users.id"], name=op.f("fk_inbox_views_created_by_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inbox_views")),
    )
    for column in ("owner_id", "unit_id"):
        name = f"uq_inbox_views_{column.removesuffix('_id')}"
        where = sa.text(f"{column} IS NOT NULL")
        op.create_index(name, "inbox_views", [column, "name"], unique=True, postgresql_where=where)
    op.create_table(
        "inbox_displays",
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("columns", postgresql.ARRAY(sa.String(20)), nullable=False),
        sa.Column("density", density, nullable=False),
        sa.Column("default_view_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_inbox_displays_user_id_users")),
        sa.ForeignKeyConstraint(
            ["default_view_id"],
            ["inbox_views.id"],
            name=op.f("fk_inbox_displays_default_view_id_inbox_views"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_inbox_displays")),
    )
    op.create_table(
        "ticket_looks",
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("ticket_id", sa.Integer(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_ticket_looks_user_id_users")),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_ticket_looks_ticket_id_tickets")),
        sa.PrimaryKeyConstraint("user_id", "ticket_id", name=op.f("pk_ticket_looks")),
    )
    op.create_table(
        "open_ticket_counts",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("waits_for", counted_wait, nullable=False),
        sa.Column("due_date", sa.Date(), nullable=False),
        sa.Column("paused_in_time", sa.Boolean(), nullable=False),
        sa.Column("tickets", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_open_ticket_counts")),
    )


def downgrade() -> None:
    op.execute(UNCOUNT)
    op.execute("DROP STATISTICS tickets_waits")
    for table in ("open_ticket_counts", "ticket_looks", "inbox_displays", "inbox_views"):
        op.drop_table(table)
    for name in INDEXES:
        op.drop_index(name, table_name="tickets")
    _replace_inbox_index([])
    op.drop_constraint(op.f("ck_tickets_waiting_state"), "tickets", type_="check")
    for column in ("changed_at", "waits_since", "waits_for"):
        op.drop_column("tickets", column)
