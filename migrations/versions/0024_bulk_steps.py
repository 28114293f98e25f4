"""Steps on many tickets at once, with the result for each."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision: str = "0024"
down_revision: str | Sequence[str] | None = "0023"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "bulk_steps",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=32), nullable=False),
        sa.Column("event", sa.String(length=40), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("list_query", sa.String(length=600), nullable=False),
        sa.Column("fields", JSONB(), nullable=False),
        sa.Column("results", JSONB(), nullable=False),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_bulk_steps_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bulk_steps")),
        sa.UniqueConstraint("user_id", "key", name=op.f("uq_bulk_steps_user_id_key")),
    )
    op.create_index(op.f("ix_bulk_steps_user_id_at"), "bulk_steps", ["user_id", "at"])


def downgrade() -> None:
    op.drop_table("bulk_steps")
