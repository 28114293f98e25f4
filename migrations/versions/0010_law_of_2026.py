"""Rules for what came in a certain manner, and rules that run from the very act that they bound.

The rules of the law of 2026 are rows; they come with the base data, not with the schema.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0010"
down_revision: str | Sequence[str] | None = "0009"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

OLD_STARTS = ("reception", "decision", "acceptance", "due", "question")
STARTS = (*OLD_STARTS, "act")


def upgrade() -> None:
    op.add_column("rules", sa.Column("manner", sa.String(length=40), server_default="", nullable=False))
    op.alter_column("rules", "manner", server_default=None)
    _allow_starts(STARTS)


# Without their manner these rows would hold for every ticket. A case that no ticket has keeps them out of use.
KEEP_NARROW = """
    ALTER TABLE rules DISABLE TRIGGER rules_append_only;
    UPDATE rules SET "case" = manner WHERE manner <> '' AND "case" = '';
    ALTER TABLE rules ENABLE TRIGGER rules_append_only;
"""


def downgrade() -> None:
    """Rows that run from an act stay as they are: rules are never taken back, so the older check is for new rows."""
    op.execute(KEEP_NARROW)
    _allow_starts(OLD_STARTS, not_valid=True)
    op.drop_column("rules", "manner")


def _allow_starts(starts: tuple[str, ...], *, not_valid: bool = False) -> None:
    op.drop_constraint(op.f("ck_rules_starts"), "rules")
    listed = ", ".join(f"'{start}'" for start in starts)
    op.create_check_constraint(
        op.f("ck_rules_starts"), "rules", f"starts IN ({listed})", postgresql_not_valid=not_valid
    )
