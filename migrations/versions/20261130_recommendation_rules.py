"""Rules of listeners: what they never want to be recommended.

Revision 0024, after 0023.
"""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "recommendation_rule",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("listener_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("value", sa.String(length=600), nullable=False),
        sa.Column("label", sa.String(length=300), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["listener_id"],
            ["listener.id"],
            name="fk_recommendation_rule_listener_id_listener",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_recommendation_rule"),
    )
    op.create_index(
        "uq_recommendation_rule_listener_id_kind_value",
        "recommendation_rule",
        ["listener_id", "kind", "value"],
        unique=True,
    )


def downgrade() -> None:
    op.drop_table("recommendation_rule")
