"""From devices and what is known of them to what goes over the wire."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from alerts.alert import Alert
from alerts.order import Order
from api.v1.common import Ref
from api.v1.devices.contact import Contact, is_online
from api.v1.devices.fleet import Line
from api.v1.devices.health import top_risk
from api.v1.devices.schemas import (
    DeviceDetail,
    DeviceSummary,
    LatestReading,
    Life,
    MaintenanceEntry,
    OpenAlert,
    Risk,
)
from api.v1.refs import component_ref, customer_ref, product_ref, site_ref
from purna.core.assessments import FailureRisk, RemainingLife
from purna.core.catalogue import Product, Quantity
from purna.core.clock import to_datetime
from purna.core.devices import Maintenance
from purna.core.ports import Latest
from purna.core.quantities import Indicator
from purna.core.readings import SeriesKey


def device_summary(
    line: Line, contact: Contact, open_orders: int, now: int, language: str
) -> DeviceSummary:
    return DeviceSummary.model_validate(_summary(line, contact, open_orders, now, language))


def device_detail(
    line: Line,
    contact: Contact,
    now: int,
    language: str,
    *,
    newest: Mapping[SeriesKey, Latest],
    alerts: Sequence[Alert],
    orders: Sequence[Order],
    open_orders: int,
    maintenance: Sequence[Maintenance],
) -> DeviceDetail:
    product, assessment = line.product, line.assessment
    horizon = product.policy.horizon_hours
    risks = assessment.risks if assessment else ()
    return DeviceDetail.model_validate(
        {
            **_summary(line, contact, open_orders, now, language),
            "attributes": dict(line.device.attributes),
            "quantities": [
                _latest(quantity, newest.get(SeriesKey(line.device.id, quantity.id)), language)
                for quantity in product.quantities
            ],
            "risks": [
                _risk(risk, product, horizon, language)
                for risk in risks
                if horizon in risk.probability
            ],
            "lives": [
                _life(life, product, language) for life in (assessment.lives if assessment else ())
            ],
            "alerts": [
                OpenAlert(
                    id=alert.id,
                    failure_mode=Ref(id=alert.mode.id, name=alert.mode.name.text(language)),
                    state=alert.state.value,
                    opened_at=to_datetime(alert.opened_at),
                    order=alert.order or None,
                )
                for alert in alerts
            ],
            "orders": [Ref(id=order.id, name=order.number) for order in orders],
            "maintenance": [
                MaintenanceEntry(
                    ts=to_datetime(record.ts),
                    component=component_ref(product, record.component, language),
                    failed=record.failed,
                    source=record.source,
                )
                for record in reversed(maintenance)
            ],
            "assessed_at": assessment and to_datetime(assessment.window_end),
            "models": dict(assessment.models) if assessment else {},
        }
    )


def _summary(
    line: Line, contact: Contact, open_orders: int, now: int, language: str
) -> dict[str, object]:
    device, product, assessment = line.device, line.product, line.assessment
    horizon = product.policy.horizon_hours
    risk = top_risk(assessment, horizon)
    life = min(assessment.lives if assessment else (), key=lambda life: life.median, default=None)
    return {
        "id": device.id,
        "serial": device.serial,
        "product": product_ref(product, language),
        "site": site_ref(device.site),
        "customer": customer_ref(device.site.customer),
        "installed_at": to_datetime(device.installed_at),
        "warranty_until": to_datetime(device.warranty_until),
        "last_seen": None if contact.last_seen is None else to_datetime(contact.last_seen),
        "online": is_online(contact, product, now),
        "health": line.health,
        "anomaly_score": assessment and assessment.anomaly and assessment.anomaly.score,
        "top_risk": risk and _risk(risk, product, horizon, language),
        "life": life and _life(life, product, language),
        "open_orders": open_orders,
    }


def _risk(risk: FailureRisk, product: Product, horizon: int, language: str) -> Risk:
    return Risk(
        component=component_ref(product, risk.component, language),
        probability=risk.probability[horizon],
        horizon_hours=horizon,
    )


def _life(life: RemainingLife, product: Product, language: str) -> Life:
    return Life(
        component=component_ref(product, life.component, language),
        low=life.low,
        median=life.median,
        high=life.high,
        level=life.level,
    )


def _latest(quantity: Quantity, latest: Latest | None, language: str) -> LatestReading:
    return LatestReading(
        quantity=quantity.id,
        name=quantity.name.text(language),
        unit=quantity.unit,
        ts=None if latest is None else to_datetime(latest.ts),
        value=None if latest is None else latest.value,
        alarm=quantity.alarm,
        waveform=quantity.waveform if isinstance(quantity, Indicator) else None,
    )
