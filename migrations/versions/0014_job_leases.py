"""One life cycle of long work: a job is asked for, leased by one worker, and asked for again when its worker dies.

Work under way at this moment is asked for again at once by the sweep. Its tasks are known by the kind from now on.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0014"
down_revision: str | Sequence[str] | None = "0013"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

KINDS = {
    "recount": "calendars.recount",
    "index-run": "indices.run",
    "report.sipas": "reports.make",
    "survey-import": "surveys.import",
}


def upgrade() -> None:
    op.drop_constraint(op.f("ck_jobs_stage"), "jobs", type_="check")
    op.create_check_constraint(op.f("ck_jobs_stage"), "jobs", "stage IN ('asked', 'running', 'done', 'stopped')")
    op.alter_column("jobs", "started_at", new_column_name="asked_at")
    op.add_column("jobs", sa.Column("attempts", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("jobs", sa.Column("must_end", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("jobs", sa.Column("next_at", sa.DateTime(timezone=True), nullable=True))
    op.alter_column("jobs", "attempts", server_default=None)
    op.alter_column("jobs", "must_end", server_default=None)
    for before, after in KINDS.items():
        op.execute(f"UPDATE jobs SET kind = '{after}' WHERE kind = '{before}'")  # noqa: S608 - constants of ours
    op.execute("UPDATE jobs SET must_end = true WHERE kind = 'calendars.recount'")
    op.execute("UPDATE jobs SET stage = 'asked', next_at = updated_at WHERE stage = 'running'")
    op.create_check_constraint(op.f("ck_jobs_next_at"), "jobs", "(next_at IS NULL) = (stage IN ('done', 'stopped'))")
    op.create_index("ix_jobs_due", "jobs", ["next_at", "id"], postgresql_where=sa.text("next_at IS NOT NULL"))
    op.create_index("ix_jobs_subject", "jobs", ["kind", "subject"])


def downgrade() -> None:
    op.drop_index("ix_jobs_subject", table_name="jobs")
    op.drop_index("ix_jobs_due", table_name="jobs")
    op.drop_constraint(op.f("ck_jobs_next_at"), "jobs", type_="check")
    op.execute("UPDATE jobs SET stage = 'running' WHERE stage = 'asked'")
    for before, after in KINDS.items():
        op.execute(f"UPDATE jobs SET kind = '{before}' WHERE kind = '{after}'")  # noqa: S608 - constants of ours
    op.drop_column("jobs", "next_at")
    op.drop_column("jobs", "must_end")
    op.drop_column("jobs", "attempts")
    op.alter_column("jobs", "asked_at", new_column_name="started_at")
    op.drop_constraint(op.f("ck_jobs_stage"), "jobs", type_="check")
    op.create_check_constraint(op.f("ck_jobs_stage"), "jobs", "stage IN ('running', 'done', 'stopped')")
