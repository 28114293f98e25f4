"""A rating belongs to one answer of its ticket, so that the next answer can be rated as well.

Which answer an earlier rating was of follows from the history: the answers that came before it.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0015"
down_revision: str | Sequence[str] | None = "0014"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

NUMBER_ANSWERS = """
    UPDATE ratings SET answer = counted.answers
    FROM (
        SELECT rated.chain, count(*) AS answers
        FROM audit AS rated JOIN audit AS earlier ON earlier.chain = rated.chain AND earlier.seq < rated.seq
        WHERE rated.action = 'rated' AND earlier.action IN ('answered', 'answered_together')
        GROUP BY rated.chain, rated.seq HAVING count(*) > 1
    ) AS counted
    WHERE counted.chain = 'ticket:' || ratings.ticket_id
"""
KEEP_THE_LATEST = """
    DELETE FROM ratings AS earlier USING ratings AS later
    WHERE earlier.ticket_id = later.ticket_id AND earlier.answer < later.answer
"""


def upgrade() -> None:
    op.add_column("ratings", sa.Column("answer", sa.Integer(), server_default="1", nullable=False))
    op.create_check_constraint(op.f("ck_ratings_answer"), "ratings", "answer >= 1")
    op.execute(NUMBER_ANSWERS)
    op.drop_constraint("pk_ratings", "ratings", type_="primary")
    op.create_primary_key("pk_ratings", "ratings", ["ticket_id", "answer"])


def downgrade() -> None:
    """A ticket with several ratings keeps the latest."""
    op.execute(KEEP_THE_LATEST)
    op.drop_constraint("pk_ratings", "ratings", type_="primary")
    op.drop_column("ratings", "answer")
    op.create_primary_key("pk_ratings", "ratings", ["ticket_id"])
