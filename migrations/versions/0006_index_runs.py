"""Index runs: what they were counted from, their values, their publication; changes as the sources print them.

Nothing of a run is ever changed or removed: what was published must be found as it was.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0006"
down_revision: str | Sequence[str] | None = "0005"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

APPEND_ONLY = ("index_runs", "index_inputs", "index_values", "index_publications")
SIDES = ("published", "survey", "ratings", "operations", "between")
MEASURES = ("score", "share", "days", "hours", "points", "odds", "rank")

REFUSE_REWRITING = """
CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table}
    FOR EACH ROW EXECUTE FUNCTION audit_is_append_only();
CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only();
"""


def upgrade() -> None:
    op.add_column("published_figures", sa.Column("change", sa.Numeric(precision=6, scale=2), nullable=True))
    op.add_column("published_figures", sa.Column("rank_change", sa.Integer(), nullable=True))
    op.create_table(
        "index_runs",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=True),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        sa.Column("parameters", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("inputs", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("inputs_hash", sa.String(length=64), nullable=False),
        sa.Column("code_version", sa.String(length=40), nullable=False),
        sa.Column("code_hash", sa.String(length=64), nullable=False),
        sa.Column("calendar_id", sa.Integer(), nullable=False),
        sa.Column("methods", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("values_hash", sa.String(length=64), nullable=False),
        sa.Column("demonstration", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.CheckConstraint("last_day >= first_day", name=op.f("ck_index_runs_days")),
        sa.ForeignKeyConstraint(
            ["calendar_id"], ["calendar_versions.id"], name=op.f("fk_index_runs_calendar_id_calendar_versions")
        ),
        sa.ForeignKeyConstraint(["unit_id"], ["units.id"], name=op.f("fk_index_runs_unit_id_units")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_index_runs_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_index_runs")),
    )
    op.create_table(
        "index_inputs",
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("part", sa.String(length=20), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["index_runs.id"], name=op.f("fk_index_inputs_run_id_index_runs")),
        sa.PrimaryKeyConstraint("run_id", "part", name=op.f("pk_index_inputs")),
    )
    op.create_table(
        "index_values",
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=True),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.Column("side", _one_of("index_side", *SIDES), nullable=False),
        sa.Column("item", sa.SmallInteger(), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("measure", _one_of("index_measure", *MEASURES), nullable=False),
        sa.Column("n", sa.Integer(), nullable=True),
        sa.Column("value", sa.Double(), nullable=True),
        sa.Column("se", sa.Double(), nullable=True),
        sa.Column("lo", sa.Double(), nullable=True),
        sa.Column("hi", sa.Double(), nullable=True),
        sa.Column("about", sa.String(length=60), nullable=False),
        sa.Column("extra", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["index_runs.id"], name=op.f("fk_index_values_run_id_index_runs")),
        sa.ForeignKeyConstraint(["unit_id"], ["units.id"], name=op.f("fk_index_values_unit_id_units")),
        sa.PrimaryKeyConstraint("run_id", "position", name=op.f("pk_index_values")),
    )
    op.create_table(
        "index_publications",
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["index_runs.id"], name=op.f("fk_index_publications_run_id_index_runs")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_index_publications_user_id_users")),
        sa.PrimaryKeyConstraint("run_id", name=op.f("pk_index_publications")),
    )
    for table in APPEND_ONLY:
        op.execute(REFUSE_REWRITING.format(table=table))


def downgrade() -> None:
    for table in reversed(APPEND_ONLY):
        op.drop_table(table)
    op.drop_column("published_figures", "rank_change")
    op.drop_column("published_figures", "change")


def _one_of(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, length=32, create_constraint=True)
