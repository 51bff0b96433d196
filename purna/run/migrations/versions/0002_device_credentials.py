"""Device credentials: when they were given and taken, certificates, gateways."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("device") as batch_op:
        batch_op.add_column(
            sa.Column("gateway", sa.String(length=80), nullable=False, server_default="")
        )
        batch_op.create_index(batch_op.f("ix_device_gateway"), ["gateway"], unique=False)
    _fill_gateways()

    with op.batch_alter_table("device_credential") as batch_op:
        batch_op.add_column(sa.Column("issued_at", sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column("revoked_at", sa.BigInteger(), nullable=True))
        batch_op.add_column(
            sa.Column("change", sa.BigInteger(), nullable=False, server_default="0")
        )
        batch_op.create_index(batch_op.f("ix_device_credential_change"), ["change"], unique=False)

    op.create_table(
        "credential_position",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_credential_position")),
    )
    op.create_table(
        "device_certificate",
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("device_id", sa.String(length=80), nullable=False),
        sa.Column("not_after", sa.BigInteger(), nullable=False),
        sa.Column("registered_at", sa.BigInteger(), nullable=False),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["device_id"],
            ["device.id"],
            name=op.f("fk_device_certificate_device_id_device"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("fingerprint", name=op.f("pk_device_certificate")),
    )
    with op.batch_alter_table("device_certificate") as batch_op:
        batch_op.create_index(
            batch_op.f("ix_device_certificate_device_id"), ["device_id"], unique=False
        )


def _fill_gateways() -> None:
    device = sa.table(
        "device",
        sa.column("id", sa.String),
        sa.column("gateway", sa.String),
        sa.column("attributes", sa.JSON),
    )
    connection = op.get_bind()
    for name, attributes in connection.execute(sa.select(device.c.id, device.c.attributes)).all():
        if gateway := attributes.get("gateway"):
            connection.execute(
                sa.update(device).where(device.c.id == name).values(gateway=str(gateway)[:80])
            )


def downgrade() -> None:
    op.drop_table("device_certificate")
    op.drop_table("credential_position")
    # Not as a batch: that makes the tables anew, and dropping the old ones takes what refers to them.
    op.drop_index(op.f("ix_device_credential_change"), "device_credential")
    for column in ("change", "revoked_at", "issued_at"):
        op.drop_column("device_credential", column)
    op.drop_index(op.f("ix_device_gateway"), "device")
    op.drop_column("device", "gateway")
