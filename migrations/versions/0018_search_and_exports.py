"""Words by which tickets are found, and files that lists are exported to.

The words are written in batches, each in a transaction of its own, so nobody waits: about four minutes a million
tickets. Tickets that an earlier release receives meanwhile are added by ``langnghe search rebuild``.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from backend.tickets.search.index import index_tickets

revision: str = "0018"
down_revision: str | Sequence[str] | None = "0015"
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
    connection = op.get_bind()
    if connection.scalar(sa.text("SELECT EXISTS (SELECT FROM tickets)")):
        with op.get_context().autocommit_block():
            _write_words(op.get_bind())
    op.create_index("ix_ticket_search_words", "ticket_search", ["words"], **GIN)
    op.create_index("ix_ticket_contacts_sender_words", "ticket_contacts", ["sender_words"], **GIN)


def _write_words(connection: sa.Connection) -> None:
    """Each batch is committed by itself."""
    after = 0
    next_ids = sa.text("SELECT id FROM tickets WHERE id > :after ORDER BY id LIMIT :most")
    while ids := list(connection.scalars(next_ids, {"after": after, "most": BATCH})):
        index_tickets(connection, ids)
        after = ids[-1]


def downgrade() -> None:
    op.drop_index("ix_ticket_contacts_sender_words", table_name="ticket_contacts")
    op.drop_column("ticket_contacts", "sender_words")
    op.drop_table("ticket_search")
