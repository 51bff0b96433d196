"""Wire shapes of devices, their readings and what the models say of them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from api.v1.common import Ref, Span, Wire

DEVICE_ID = r"^[A-Za-z0-9_-]{1,64}$"
AttributeName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]
AttributeText = Annotated[str, StringConstraints(max_length=200)]
Health = Literal["good", "watch", "act", "unknown"]


class Risk(Wire):
    """Probability that a component fails within ``horizon_hours``."""

    component: Ref
    probability: float
    horizon_hours: int


class Life(Wire):
    """Remaining useful life of a component in hours, with its interval."""

    component: Ref
    low: float
    median: float
    high: float
    level: float


class DeviceSummary(Wire):
    """A line of the fleet table. ``health`` is the worst of alerts, risk and anomaly."""

    id: str
    serial: str
    product: Ref
    site: Ref
    customer: Ref
    installed_at: datetime
    warranty_until: datetime
    last_seen: datetime | None
    online: bool
    health: Health
    anomaly_score: float | None = Field(description="1.0 is the detector's own limit")
    top_risk: Risk | None
    life: Life | None = Field(description="The component with the shortest remaining life")
    open_orders: int


class LatestReading(Wire):
    """The newest value of a quantity."""

    quantity: str
    name: str
    unit: str
    ts: datetime | None
    value: float | None
    alarm: float | None
    waveform: str | None = Field(
        description="The waveform that the platform computes it from; null when it is measured"
    )


class MaintenanceEntry(Wire):
    """A component was replaced."""

    ts: datetime
    component: Ref
    failed: bool
    source: str


class OpenAlert(Wire):
    """An open finding, for the device page."""

    id: str
    failure_mode: Ref
    state: str
    opened_at: datetime
    order: str | None


class DeviceDetail(DeviceSummary):
    """All about one device."""

    attributes: dict[str, float | str]
    quantities: list[LatestReading]
    risks: list[Risk]
    lives: list[Life]
    alerts: list[OpenAlert]
    orders: list[Ref]
    maintenance: list[MaintenanceEntry]
    assessed_at: datetime | None
    models: dict[str, str] = Field(description="Version of each kind of model that spoke last")


class Series(Wire):
    """A stretch of one series, reduced to at most the points asked for.

    With ``step_seconds`` 0 these are raw points (low = high = mean); otherwise each is a bucket.
    """

    quantity: str
    name: str
    unit: str
    alarm: float | None
    step_seconds: float
    ts: list[int] = Field(description="Milliseconds since the epoch, UTC")
    low: list[float]
    mean: list[float]
    high: list[float]


class RiskCurve(Wire):
    """Failure probability of one component over time."""

    component: Ref
    probability: list[float | None]


class LifeCurve(Wire):
    """Remaining useful life of one component over time, in hours."""

    component: Ref
    low: list[float | None]
    median: list[float | None]
    high: list[float | None]


class AssessmentHistory(Wire):
    """What the models said of one device over time; all lists have the length of ``ts``."""

    ts: list[int] = Field(description="Window ends, milliseconds since the epoch, UTC")
    anomaly: list[float | None]
    anomaly_spans: list[Span] = Field(description="Where the score was at or above 1.0")
    risks: list[RiskCurve]
    lives: list[LifeCurve]
    horizon_hours: int


class DeviceEventEntry(Wire):
    """Something the device said, or the platform noticed of it."""

    ts: datetime
    kind: str
    code: str
    text: str


class NewDevice(Wire):
    """A device to register. ``gateway`` is the device through which it speaks, if any."""

    id: str = Field(pattern=DEVICE_ID, examples=["pump-0042"])
    product: str = Field(max_length=80, examples=["cp-200"])
    site: str = Field(max_length=80, examples=["site-01"])
    serial: str = Field("", max_length=80)
    gateway: str = Field("", pattern=r"^[A-Za-z0-9_-]{0,64}$")
    installed_at: datetime | None = None
    warranty_until: datetime | None = None


class DeviceChange(Wire):
    """What is to be changed of a device; what is left out stays. ``attributes`` replace all."""

    site: str | None = Field(None, max_length=80)
    serial: str | None = Field(None, max_length=80)
    installed_at: datetime | None = None
    warranty_until: datetime | None = None
    attributes: dict[AttributeName, float | AttributeText] | None = Field(
        None, max_length=64, examples=[{"gateway": "gw-01", "age_years": 3.0}]
    )


class DeviceFile(Wire):
    """Many devices as CSV; docs/devices.md names the columns."""

    csv: str = Field(examples=["device,product,site\npump-0043,cp-200,site-01\n"])
    skip_bad: bool = Field(False, description="Register the good lines of a file with bad ones")


class DeviceSecret(Wire):
    """The password of a new device. It is shown this once and never again."""

    device: str
    password: str


class BadLine(Wire):
    """What is wrong with a line of a file; line 1 has the names of the columns."""

    line: int
    field: str
    reason: str


class DevicesImported(Wire):
    """What became of a file."""

    devices: list[DeviceSecret]
    skipped: list[BadLine]


class DeviceCredential(Wire):
    """What a device connects with. The password is shown this once and never again."""

    device: str
    username: str
    password: str
    host: str
    port: int
    topic: str = Field(examples=["purna/v1/pump-0042/telemetry"])


class CertificateEntry(Wire):
    """A registered certificate; ``fingerprint`` is the SHA-256 of its DER form."""

    fingerprint: str
    not_after: datetime
    registered_at: datetime
    revoked_at: datetime | None


class CredentialState(Wire):
    """How a device can prove itself; nothing secret in it."""

    password: bool = Field(description="Whether it has one")
    issued_at: datetime | None = Field(description="When the password was made, where known")
    revoked_at: datetime | None = Field(description="When all was last taken from the device")
    certificates: list[CertificateEntry]


class GapEntry(Wire):
    """Messages of a device that should have come and did not: numbers `first` to `last`."""

    boot: str
    first: int
    last: int
    missing: int = Field(description="How many of them are still missing")
    opened_at: datetime
    closed_at: datetime | None = Field(description="Null while it is open")
