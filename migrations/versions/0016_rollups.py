"""Count tickets by unit and month, so that figures do not scan the history.

Triggers note the months of units that change. The tickets that are there already are noted once, to be counted.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0016"
down_revision: str | Sequence[str] | None = "0015"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

MONTH = "date_trunc('month', {day}::timestamp)::date"
OF_TICKETS = f"SELECT unit_id, {MONTH.format(day='received_on')} FROM "  # noqa: S608 - constants of this file
OF_RATINGS = f"""
    SELECT tickets.unit_id, {MONTH.format(day="tickets.received_on")}
    FROM {{rows}} AS changed JOIN tickets ON tickets.id = changed.ticket_id
"""  # noqa: S608 - constants of this file

# UNION removes repeated months, so that a statement about many tickets notes each month once.
NOTE_CHANGES = f"""
CREATE FUNCTION rollup_notes_tickets() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO rollup_changes (unit_id, month) {OF_TICKETS} fresh GROUP BY 1, 2;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO rollup_changes (unit_id, month) {OF_TICKETS} former GROUP BY 1, 2;
    ELSE
        INSERT INTO rollup_changes (unit_id, month) {OF_TICKETS} former UNION {OF_TICKETS} fresh;
    END IF;
    RETURN NULL;
END $$;
CREATE FUNCTION rollup_notes_ratings() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        INSERT INTO rollup_changes (unit_id, month) {OF_RATINGS.format(rows="former")} GROUP BY 1, 2;
    ELSE
        INSERT INTO rollup_changes (unit_id, month) {OF_RATINGS.format(rows="fresh")} GROUP BY 1, 2;
    END IF;
    RETURN NULL;
END $$;
CREATE FUNCTION rollup_notes_categories() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO rollup_changes (unit_id, month) SELECT unit_id, month FROM rollup_months;
    RETURN NULL;
END $$;
CREATE TRIGGER categories_change_rollups AFTER UPDATE OF category_class ON categories
    FOR EACH STATEMENT EXECUTE FUNCTION rollup_notes_categories();
"""  # noqa: S608 - constants of this file
TRANSITIONS = {
    "insert": "REFERENCING NEW TABLE AS fresh",
    "update": "REFERENCING OLD TABLE AS former NEW TABLE AS fresh",
    "delete": "REFERENCING OLD TABLE AS former",
}
TABLES = ("tickets", "ratings")
TRIGGER = """
    CREATE TRIGGER {table}_{verb}_rollups AFTER {verb} ON {table} {rows}
    FOR EACH STATEMENT EXECUTE FUNCTION rollup_notes_{table}()
"""
NOTE_ALL = f"INSERT INTO rollup_changes (unit_id, month) {OF_TICKETS} tickets GROUP BY 1, 2"
FIRST_STATE = "INSERT INTO rollup_state (id, mark, versions) VALUES (1, '', '')"


def upgrade() -> None:
    op.create_table(
        "rollup_cells",
        sa.Column(
            "kind",
            sa.Enum(
                *("held", "open", "standing", "closed", "days", "told", "rated"),
                name="rollup_kind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("unit_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("credited_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column(
            "channel",
            sa.Enum(
                *("web", "telegram", "counter", "import"),
                name="rollup_channel",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("hidden", sa.Boolean(), nullable=False),
        sa.Column("detail", sa.String(length=80), nullable=False),
        sa.Column("numbers", sa.ARRAY(sa.BigInteger()), nullable=False),
        sa.PrimaryKeyConstraint(
            *("kind", "month", "unit_id", "credited_id", "channel", "hidden", "detail"), name=op.f("pk_rollup_cells")
        ),
    )
    op.create_index(
        "ix_rollup_cells_credited",
        "rollup_cells",
        ["credited_id", "month"],
        unique=False,
        postgresql_where=sa.text("credited_id <> unit_id"),
    )
    op.create_table(
        "rollup_months",
        sa.Column("unit_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("counted_on", sa.Date(), nullable=False),
        sa.Column("holds_until", sa.Date(), nullable=False),
        sa.Column("terms", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("unit_id", "month", name=op.f("pk_rollup_months")),
    )
    op.create_table(
        "rollup_state",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("mark", sa.Text(), nullable=False),
        sa.Column("versions", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rollup_state")),
    )
    op.create_table(
        "rollup_changes",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rollup_changes")),
    )
    op.execute(FIRST_STATE)
    op.execute(NOTE_CHANGES)
    for table in TABLES:
        for verb, rows in TRANSITIONS.items():
            op.execute(TRIGGER.format(table=table, verb=verb, rows=rows))
    op.execute(NOTE_ALL)


def downgrade() -> None:
    op.execute("DROP TRIGGER categories_change_rollups ON categories")
    for table in TABLES:
        for verb in TRANSITIONS:
            op.execute(f"DROP TRIGGER {table}_{verb}_rollups ON {table}")
    for table in (*TABLES, "categories"):
        op.execute(f"DROP FUNCTION rollup_notes_{table}")
    op.drop_table("rollup_changes")
    op.drop_table("rollup_state")
    op.drop_table("rollup_months")
    op.drop_index("ix_rollup_cells_credited", table_name="rollup_cells")
    op.drop_table("rollup_cells")
