"""Seal the history: the global chain, its signed heads, and what waits to be sealed.

Entries that were there before wait for the sealer like new ones.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0002"
down_revision: str | Sequence[str] | None = "0001"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

APPEND_ONLY = ("audit_seals", "audit_heads", "audit_signatures")

NAME_THE_TABLE = """
CREATE OR REPLACE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'insufficient_privilege';
END $$
"""
NAME_ONE_TABLE = NAME_THE_TABLE.replace("'% is", "'audit is").replace("TG_TABLE_NAME, ", "")

REFUSE_REWRITING = """
CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table}
    FOR EACH ROW EXECUTE FUNCTION audit_is_append_only();
CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only();
"""

AWAIT_SEAL = """
CREATE FUNCTION audit_awaits_seal() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO audit_unsealed (audit_id) SELECT id FROM fresh;
    RETURN NULL;
END $$;
CREATE TRIGGER audit_awaits_seal AFTER INSERT ON audit REFERENCING NEW TABLE AS fresh
    FOR EACH STATEMENT EXECUTE FUNCTION audit_awaits_seal();
INSERT INTO audit_unsealed (audit_id) SELECT id FROM audit;
"""


def upgrade() -> None:
    op.create_table(
        "audit_unsealed",
        sa.Column("audit_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("audit_id", name=op.f("pk_audit_unsealed")),
    )
    op.create_table(
        "audit_seals",
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("entries", sa.Integer(), nullable=False),
        sa.Column("root", sa.LargeBinary(length=32), nullable=False),
        sa.Column("prev", sa.LargeBinary(length=32), nullable=False),
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_audit_seals")),
    )
    op.create_table(
        "audit_heads",
        sa.Column("chain", sa.String(length=40), nullable=False),
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("seal", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["seal"], ["audit_seals.seq"], name=op.f("fk_audit_heads_seal_audit_seals")),
        sa.PrimaryKeyConstraint("chain", "seq", name=op.f("pk_audit_heads")),
    )
    op.create_index(op.f("ix_audit_heads_seal"), "audit_heads", ["seal"], unique=False)
    op.create_table(
        "audit_signatures",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("seal", sa.Integer(), nullable=False),
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("key", sa.String(length=32), nullable=False),
        sa.Column("signature", sa.LargeBinary(length=64), nullable=False),
        sa.ForeignKeyConstraint(["seal"], ["audit_seals.seq"], name=op.f("fk_audit_signatures_seal_audit_seals")),
        sa.PrimaryKeyConstraint("day", "seal", name=op.f("pk_audit_signatures")),
    )
    op.execute(NAME_THE_TABLE)
    for table in APPEND_ONLY:
        op.execute(REFUSE_REWRITING.format(table=table))
    op.execute(AWAIT_SEAL)


def downgrade() -> None:
    op.execute("DROP TRIGGER audit_awaits_seal ON audit")
    op.execute("DROP FUNCTION audit_awaits_seal")
    op.drop_table("audit_signatures")
    op.drop_index(op.f("ix_audit_heads_seal"), table_name="audit_heads")
    op.drop_table("audit_heads")
    op.drop_table("audit_seals")
    op.drop_table("audit_unsealed")
    op.execute(NAME_ONE_TABLE)
