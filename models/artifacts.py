"""Trained models on disk: one folder per version, signed, loaded only if the signature is right.

``<root>/<version>/`` holds ``model.skops``, ``card.json`` and ``signature``: HMAC-SHA256 with the
instance key over both files. The signature is checked before either is parsed; even then only the
types listed here are built.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import shutil
from pathlib import Path

import msgspec
from skops import io as skops

from models.training import Artifact, Card
from purna.core.errors import Denied, NotFound

TRUSTED_TYPES = (
    "models.anomaly.DistanceDetector",
    "models.conditions.OperatingConditions",
    "models.failure.BoostedRisk",
    "models.features.FeaturePlan",
    "models.kinds.AnomalyKind",
    "models.kinds.FailureKind",
    "models.kinds.LifeKind",
    "models.kinds.LifeMember",
    "models.life.BlendedLife",
    "models.life._Blend",
    "models.wear.WearPlan",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn._loss.link.Interval",
)
"""What a model file may hold beyond the types that skops trusts by itself."""


def save(artifact: Artifact, root: Path, key: bytes) -> Path:
    """Write a version's folder, whole or not at all; a version that is there already stays."""
    folder = root / artifact.card.version
    if folder.exists():
        return folder
    card = msgspec.json.format(msgspec.json.encode(artifact.card), indent=2)
    model: bytes = skops.dumps(artifact.model)
    partial = root / f".{artifact.card.version}.{secrets.token_hex(4)}"
    partial.mkdir(parents=True)
    try:
        for name, content in (
            ("model.skops", model),
            ("card.json", card),
            ("signature", _signature(card, model, key).encode()),
        ):
            with (partial / name).open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return folder


def load(root: Path, version: str, key: bytes) -> Artifact:
    """The artifact of a version.

    Raises
    ------
    NotFound
        ``model.missing`` when there are no files of this version.
    Denied
        ``model.signature`` when the signature is missing or wrong (nothing was parsed), or is
        that of another version; ``model.types`` when the file holds types that are not listed.
    """
    folder = root / version
    try:
        card, model = (folder / "card.json").read_bytes(), (folder / "model.skops").read_bytes()
    except FileNotFoundError as missing:
        raise NotFound(
            "model.missing", f"no files of model {version}", version=version
        ) from missing
    try:
        signature = (folder / "signature").read_text()
    except (FileNotFoundError, UnicodeDecodeError):
        signature = ""
    if not hmac.compare_digest(signature.encode(), _signature(card, model, key).encode()):
        raise _refused(version)
    read = msgspec.json.decode(card, type=Card)
    if read.version != version:
        raise _refused(version)
    unknown = set(skops.get_untrusted_types(data=model)) - set(TRUSTED_TYPES)
    if unknown:
        raise Denied(
            "model.types",
            f"model {version} holds types that are not trusted: {sorted(unknown)}",
            version=version,
        )
    return Artifact(read, skops.loads(model, trusted=list(TRUSTED_TYPES)))


def _signature(card: bytes, model: bytes, key: bytes) -> str:
    signed = hmac.new(key, digestmod=hashlib.sha256)
    for part in (card, model):
        signed.update(len(part).to_bytes(8, "big"))
        signed.update(part)
    return signed.hexdigest()


def _refused(version: str) -> Denied:
    return Denied(
        "model.signature",
        f"the signature of model {version} is missing or wrong",
        version=version,
    )
