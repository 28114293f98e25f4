"""Titles without tone marks beside them, so that the inbox finds words at the cost of reading and not of folding.

Writes the table of tickets anew, about half a minute a million of them; nobody reads or writes tickets meanwhile.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0009"
down_revision: str | Sequence[str] | None = "0008"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

FOLDED = (
    "lower(translate(regexp_replace(NORMALIZE(title, NFKD), '[\u0300-\u036f]'::text, ''::text, 'g'::text), "
    "'đĐ'::text, 'dd'::text))"
)


def upgrade() -> None:
    op.add_column("tickets", sa.Column("title_folded", sa.Text(), sa.Computed(FOLDED, persisted=True), nullable=False))


def downgrade() -> None:
    op.drop_column("tickets", "title_folded")
