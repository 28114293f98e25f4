"""Reply templates of the units and of the province, with every version of each.

A version is never changed: a trigger refuses UPDATE, DELETE and TRUNCATE.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0025"
down_revision: str | Sequence[str] | None = "0024"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

TEMPLATES, VERSIONS = "reply_templates", "reply_template_versions"
KINDS = "('answer', 'question', 'refusal')"


def _text_columns() -> list[sa.Column[str] | sa.Column[bool]]:
    return [
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("in_use", sa.Boolean(), nullable=False),
    ]


def upgrade() -> None:
    op.create_table(
        TEMPLATES,
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        *_text_columns(),
        sa.Column("folded", sa.Text(), nullable=False),
        sa.CheckConstraint("version > 0", name=op.f("ck_reply_templates_version")),
        sa.CheckConstraint(f"kind IN {KINDS}", name=op.f("ck_reply_templates_reply_kind")),
        sa.ForeignKeyConstraint(["unit_id"], ["units.id"], name=op.f("fk_reply_templates_unit_id_units")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reply_templates")),
    )
    op.create_index("uq_reply_templates_owner", TEMPLATES, [sa.text("coalesce(unit_id, 0)"), "name"], unique=True)
    op.create_table(
        VERSIONS,
        sa.Column("template_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        *_text_columns(),
        sa.Column("written_by", sa.Integer(), nullable=False),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(f"kind IN {KINDS}", name=op.f("ck_reply_template_versions_reply_version_kind")),
        sa.ForeignKeyConstraint(
            ["template_id"], [f"{TEMPLATES}.id"], name=op.f("fk_reply_template_versions_template_id_reply_templates")
        ),
        sa.ForeignKeyConstraint(["written_by"], ["users.id"], name=op.f("fk_reply_template_versions_written_by_users")),
        sa.PrimaryKeyConstraint("template_id", "version", name=op.f("pk_reply_template_versions")),
    )
    op.execute(f"""
        CREATE TRIGGER {VERSIONS}_append_only BEFORE UPDATE OR DELETE ON {VERSIONS}
            FOR EACH ROW EXECUTE FUNCTION audit_is_append_only();
        CREATE TRIGGER {VERSIONS}_no_truncate BEFORE TRUNCATE ON {VERSIONS}
            FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only();
    """)


def downgrade() -> None:
    """The templates go: the earlier version has none."""
    op.drop_table(VERSIONS)
    op.drop_table(TEMPLATES)
