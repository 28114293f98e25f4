"""Words by which tickets are found, and files that lists are exported to.

The words are written in batches, each in a transaction of its own, so nobody waits: about ten minutes a million
tickets. Tickets that an earlier release receives meanwhile are added by ``langnghe search rebuild``.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from backend.tickets.search.index import index_tickets

revision: str = "0018"
down_revision: str | Sequence[str] | None = "0017"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

BATCH = 1_000
GIN = {"postgresql_using": "gin", "postgresql_with": {"fastupdate": "on", "gin_pending_list_limit": "512"}}


def upgrade() -> None:
    op.create_table(
        "ticket_search",
        sa.Column("ticket_id", sa.Integer(), nullable=False),
        sa.Column("words", postgresql.TSVECTOR(), nullable=False),
        sa.PrimaryKeyConstraint("ticket_id", name=op.f("pk_ticket_search")),
    )
    op.create_foreign_key(
        op.f("fk_ticket_search_ticket_id_tickets"),
        "ticket_search",
        "tickets",
        ["ticket_id"],
        ["id"],
        ondelete="CASCADE",
    )
    op.add_column("ticket_contacts", sa.Column("sender_words", postgresql.TSVECTOR(), nullable=True))
    _create_exports()
    connection = op.get_bind()
    if connection.scalar(sa.text("SELECT EXISTS (SELECT FROM tickets)")):
        with op.get_context().autocommit_block():
            _write_words(op.get_bind())
    op.create_index("ix_ticket_search_words", "ticket_search", ["words"], **GIN)
    op.create_index("ix_ticket_contacts_sender_words", "ticket_contacts", ["sender_words"], **GIN)


def _create_exports() -> None:
    op.create_table(
        "list_exports",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("role", sa.String(length=32), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=True),
        sa.Column("list_key", sa.String(length=40), nullable=False),
        sa.Column(
            "file_format", sa.Enum("csv", "xlsx", name="file_format", native_enum=False, length=32), nullable=False
        ),
        sa.Column("filters", postgresql.JSONB(), nullable=False),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("file_key", sa.String(length=64), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ready_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("row_count", sa.Integer(), nullable=True),
        sa.Column("refusal", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(ready_at IS NULL) = (row_count IS NULL)", name=op.f("ck_list_exports_ready")),
        sa.CheckConstraint("file_format IN ('csv', 'xlsx')", name=op.f("ck_list_exports_file_format")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_list_exports_user_id_users")),
        sa.ForeignKeyConstraint(["unit_id"], ["units.id"], name=op.f("fk_list_exports_unit_id_units")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_list_exports")),
        sa.UniqueConstraint("file_key", name=op.f("uq_list_exports_file_key")),
    )
    op.create_index("ix_list_exports_user", "list_exports", ["user_id", "id"])
    op.create_index(
        "ix_list_exports_kept", "list_exports", ["expires_at"], postgresql_where=sa.text("removed_at IS NULL")
    )


def _write_words(connection: sa.Connection) -> None:
    """Each batch is committed by itself."""
    after = 0
    next_ids = sa.text("SELECT id FROM tickets WHERE id > :after ORDER BY id LIMIT :most")
    while ids := list(connection.scalars(next_ids, {"after": after, "most": BATCH})):
        index_tickets(connection, ids)
        after = ids[-1]


def downgrade() -> None:
    op.drop_table("list_exports")
    op.drop_index("ix_ticket_contacts_sender_words", table_name="ticket_contacts")
    op.drop_column("ticket_contacts", "sender_words")
    op.drop_table("ticket_search")
