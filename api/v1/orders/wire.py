"""From an order to what goes over the wire."""

from __future__ import annotations

from collections.abc import Sequence
from typing import get_args

from alerts.order import Evidence, HistoryEntry, Order
from alerts.order import Option as Weighed
from api.v1.common import Ref
from api.v1.orders import schemas
from api.v1.orders.schemas import Money, OrderDetail, OrderSummary, PartLine, Warranty
from api.v1.refs import component_ref, customer_ref, device_ref, product_ref, shown_text, site_ref
from purna.core.catalogue import Product
from purna.core.clock import to_datetime
from purna.core.texts import render


def order_summary(order: Order, language: str) -> OrderSummary:
    return OrderSummary.model_validate(_summary(order, language))


def order_detail(order: Order, history: Sequence[HistoryEntry], language: str) -> OrderDetail:
    outcome = order.outcome
    return OrderDetail.model_validate(
        {
            **_summary(order, language),
            "skill": order.skill,
            "work_hours": order.work_hours,
            "evidence": [
                _evidence_quantity(entry, order.product, language)
                for entry in order.evidence
                if ":" not in entry.name
            ],
            "evidence_events": [
                schemas.EvidenceEvent(
                    name=_evidence_name(entry.name, order.product, language), share=entry.share
                )
                for entry in order.evidence
                if ":" in entry.name
            ],
            "options": [_option(option, order.currency, language) for option in order.options],
            "history": [
                schemas.HistoryEntry(
                    ts=to_datetime(entry.ts),
                    actor=entry.actor,
                    action=entry.action,
                    text=entry.text.text(language),
                )
                for entry in history
            ],
            "outcome": outcome
            and schemas.Outcome(
                kind=outcome.kind and outcome.kind.value,
                component=outcome.component
                and component_ref(order.product, outcome.component, language),
                note=outcome.note,
                serial=outcome.serial,
            ),
            "actions": [action.value for action in order.actions if action.value in _ACTIONS],
            "models": dict(order.models),
            "alert": order.alert,
        }
    )


_ACTIONS = get_args(schemas.Action)


def _summary(order: Order, language: str) -> dict[str, object]:
    device, product = order.device, order.product
    return {
        "id": order.id,
        "number": order.number,
        "kind": order.kind.value,
        "state": order.state.value,
        "priority": order.priority.value,
        "rank": order.rank,
        "device": device_ref(device),
        "product": product_ref(product, language),
        "site": site_ref(device.site),
        "customer": customer_ref(device.site.customer),
        "failure_mode": Ref(id=order.mode.id, name=order.mode.name.text(language)),
        "component": order.component
        and Ref(id=order.component.id, name=order.component.name.text(language)),
        "reason": shown_text(order.reason, language),
        "probability": order.probability,
        "horizon_hours": order.horizon_hours,
        "life_hours": order.life_hours,
        "opened_at": to_datetime(order.opened_at),
        "due": to_datetime(order.due),
        "planned_start": order.planned_start and to_datetime(order.planned_start),
        "technician": order.technician and Ref(id=order.technician.id, name=order.technician.name),
        "parts": [
            PartLine(
                number=part.number,
                name=part.name.text(language),
                quantity=part.quantity,
                available=part.available,
                reserved=part.reserved,
            )
            for part in order.parts
        ],
        "warranty": Warranty(
            covered=order.warranty.covered, until=to_datetime(order.warranty.until)
        ),
        "saving": Money(amount=order.saving, currency=order.currency),
    }


def _evidence_quantity(
    entry: Evidence, product: Product, language: str
) -> schemas.EvidenceQuantity:
    quantity = product.quantity(entry.name)
    return schemas.EvidenceQuantity(
        quantity=entry.name,
        name=quantity.name.text(language) if quantity else entry.name,
        unit=quantity.unit if quantity else "",
        share=entry.share,
        start=to_datetime(entry.start),
        end=to_datetime(entry.end),
    )


def _evidence_name(name: str, product: Product, language: str) -> str:
    """``event:E17`` and ``age:bearing`` in words."""
    kind, _, what = name.partition(":")
    if kind == "age":
        what = component_ref(product, what, language).name
    return render(f"evidence.{kind}", language, what=what)


def _option(option: Weighed, currency: str, language: str) -> schemas.Option:
    return schemas.Option(
        action=option.action.value,
        expected_cost=Money(amount=option.expected_cost, currency=currency),
        failure_probability=option.failure_probability,
        chosen=option.chosen,
        reason=shown_text(option.reason, language),
    )
