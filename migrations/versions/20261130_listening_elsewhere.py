"""Accounts of ListenBrainz, decisions which song a list means, and the mark of a play sent out.

Revision 0030, after 0029.
"""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "listenbrainz_account",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("listener_id", sa.Integer(), nullable=False),
        sa.Column("url", sa.String(length=500), nullable=False),
        sa.Column("username", sa.String(length=200), nullable=False),
        sa.Column("secret", sa.String(length=1000), nullable=False),
        sa.Column("allows_private", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("reads_plays", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("reads_feedback", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("sends_plays", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("sends_feedback", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("sends_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sync", sa.JSON(), nullable=False),
        sa.Column("synced_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("retry_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error", sa.String(length=500), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["listener_id"],
            ["listener.id"],
            name=op.f("fk_listenbrainz_account_listener_id_listener"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_listenbrainz_account")),
        sa.UniqueConstraint("listener_id", name=op.f("uq_listenbrainz_account_listener_id")),
    )
    op.create_table(
        "match_decision",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("listener_id", sa.Integer(), nullable=False),
        sa.Column("key", sa.BigInteger(), nullable=False),
        sa.Column("group", sa.String(length=200), nullable=False),
        sa.Column("title", sa.String(length=500), nullable=False),
        sa.Column("artists", sa.String(length=500), nullable=False),
        sa.Column("candidates", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=10), server_default="open", nullable=False),
        sa.Column("track_id", sa.Integer(), nullable=True),
        sa.Column("applied", sa.JSON(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "state in ('open', 'matched', 'none')", name=op.f("ck_match_decision_state")
        ),
        sa.ForeignKeyConstraint(
            ["listener_id"],
            ["listener.id"],
            name=op.f("fk_match_decision_listener_id_listener"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["track_id"],
            ["track.id"],
            name=op.f("fk_match_decision_track_id_track"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_match_decision")),
    )
    with op.batch_alter_table("match_decision", schema=None) as batch_op:
        batch_op.create_index(
            "uq_match_decision_listener_id_key", ["listener_id", "key"], unique=True
        )
        batch_op.create_index(
            "ix_match_decision_listener_id_state_group",
            ["listener_id", "state", "group"],
            unique=False,
        )
        batch_op.create_index(batch_op.f("ix_match_decision_track_id"), ["track_id"], unique=False)
    op.add_column("listen", sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column("listen", "sent_at")
    with op.batch_alter_table("match_decision", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_match_decision_track_id"))
        batch_op.drop_index("ix_match_decision_listener_id_state_group")
        batch_op.drop_index("uq_match_decision_listener_id_key")

    op.drop_table("match_decision")
    op.drop_table("listenbrainz_account")
