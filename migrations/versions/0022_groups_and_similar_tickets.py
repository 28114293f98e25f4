"""Groups of tickets, and the word pairs by which similar tickets are found.

Existing tickets belong to no group. The sweep of similar tickets fills in the word pairs of recent ones.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0022"
down_revision: str | Sequence[str] | None = "0021"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    _create_groups()
    _create_similar()
    op.add_column("tickets", sa.Column("group_id", sa.Integer(), nullable=True))
    op.create_foreign_key(op.f("fk_tickets_group_id_ticket_groups"), "tickets", "ticket_groups", ["group_id"], ["id"])
    op.create_index(
        op.f("ix_tickets_group_id"), "tickets", ["group_id"], postgresql_where=sa.text("group_id IS NOT NULL")
    )


def _create_groups() -> None:
    op.create_table(
        "ticket_groups",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(200), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.Column("hidden_from_id", sa.Integer(), nullable=True),
        sa.Column("officer_id", sa.Integer(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.Column("read_upto", sa.BigInteger(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(["unit_id"], ["units.id"], name=op.f("fk_ticket_groups_unit_id_units")),
        sa.ForeignKeyConstraint(["hidden_from_id"], ["units.id"], name=op.f("fk_ticket_groups_hidden_from_id_units")),
        sa.ForeignKeyConstraint(["officer_id"], ["users.id"], name=op.f("fk_ticket_groups_officer_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticket_groups")),
    )
    op.create_index(op.f("ix_ticket_groups_unit_id_id"), "ticket_groups", ["unit_id", "id"])
    op.create_table(
        "ticket_group_news",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("group_id", sa.Integer(), nullable=False),
        sa.Column("ticket_id", sa.Integer(), nullable=False),
        sa.Column("event", sa.String(40), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["group_id"], ["ticket_groups.id"], name=op.f("fk_ticket_group_news_group_id_ticket_groups")
        ),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_ticket_group_news_ticket_id_tickets")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticket_group_news")),
    )
    op.create_index(op.f("ix_ticket_group_news_group_id_id"), "ticket_group_news", ["group_id", "id"])
    op.create_table(
        "ticket_group_steps",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("group_id", sa.Integer(), nullable=False),
        sa.Column("event", sa.String(40), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("results", postgresql.JSONB(), nullable=False),
        sa.ForeignKeyConstraint(
            ["group_id"], ["ticket_groups.id"], name=op.f("fk_ticket_group_steps_group_id_ticket_groups")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_ticket_group_steps_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticket_group_steps")),
    )
    op.create_index(op.f("ix_ticket_group_steps_group_id_id"), "ticket_group_steps", ["group_id", "id"])


def _create_similar() -> None:
    op.create_table(
        "similar_texts",
        sa.Column("ticket_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.Column("received_on", sa.Date(), nullable=False),
        sa.Column("pairs", postgresql.ARRAY(sa.Integer()), nullable=False),
        sa.PrimaryKeyConstraint("ticket_id", name=op.f("pk_similar_texts")),
    )
    op.create_index(op.f("ix_similar_texts_received_on"), "similar_texts", ["received_on"])
    op.create_table(
        "similar_pairs",
        sa.Column("unit_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("pair", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("ticket_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("unit_id", "pair", "ticket_id", name=op.f("pk_similar_pairs")),
    )


def downgrade() -> None:
    """Tickets stay as they are, but no longer say which group they belonged to; their histories still do."""
    op.drop_column("tickets", "group_id")
    for table in ("similar_pairs", "similar_texts", "ticket_group_steps", "ticket_group_news", "ticket_groups"):
        op.drop_table(table)
