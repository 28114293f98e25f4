"""A round carries its sample and known totals; methods are published like instruments.

Ballots that were issued before keep their codes and places; how many first-stage units they stand for is not known.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0008"
down_revision: str | Sequence[str] | None = "0007"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

PUBLISHED_STAYS = """
CREATE TRIGGER survey_methods_append_only BEFORE UPDATE OR DELETE ON survey_methods
    FOR EACH ROW EXECUTE FUNCTION audit_is_append_only();
CREATE TRIGGER survey_methods_no_truncate BEFORE TRUNCATE ON survey_methods
    FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only();
"""


def upgrade() -> None:
    for column in ("draw", "totals"):
        op.add_column("survey_rounds", sa.Column(column, postgresql.JSONB(astext_type=sa.Text()), nullable=True))
    op.add_column("survey_issued_ballots", sa.Column("population", sa.Integer(), nullable=True))
    op.create_check_constraint(op.f("ck_survey_issued_ballots_population"), "survey_issued_ballots", "population > 0")
    op.alter_column("survey_issued_ballots", "code_hash", nullable=True)
    op.create_table(
        "survey_methods",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("checksum", sa.String(length=64), nullable=False),
        sa.Column("document", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_survey_methods")),
        sa.UniqueConstraint("code", name=op.f("uq_survey_methods_code")),
    )
    op.execute(PUBLISHED_STAYS)


def downgrade() -> None:
    op.drop_table("survey_methods")
    # Fails while ballots without a code are issued: they cannot be given one here.
    op.alter_column("survey_issued_ballots", "code_hash", nullable=False)
    op.drop_constraint(op.f("ck_survey_issued_ballots_population"), "survey_issued_ballots")
    op.drop_column("survey_issued_ballots", "population")
    for column in ("totals", "draw"):
        op.drop_column("survey_rounds", column)
