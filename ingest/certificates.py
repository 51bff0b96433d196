"""Certificates by which devices prove themselves over TLS. No files, no sockets.

An installation may be its own small authority (:func:`make_authority`, :func:`issue`), or the
operator's authority signs and Purna only registers (:func:`describe`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from purna.core.clock import from_datetime
from purna.core.errors import BadInput

_AUTHORITY_YEARS = 20
_SLACK = timedelta(minutes=5)  # a device's clock may be a little behind ours


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A certificate and its private key, both as PEM; the key does not show when printed."""

    certificate: bytes
    key: bytes

    def __repr__(self) -> str:
        return "KeyPair(…)"


@dataclass(frozen=True, slots=True)
class Description:
    """What matters of a certificate; ``fingerprint`` is the SHA-256 of its DER, in hexadecimal."""

    fingerprint: str
    common_name: str
    not_after: int


def make_authority(name: str, now: datetime) -> KeyPair:
    """A new authority that can sign device certificates for twenty years."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = _name(f"{name} devices")
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _SLACK)
        .not_valid_after(now + timedelta(days=365 * _AUTHORITY_YEARS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return _pair(certificate, key)


def issue(authority: KeyPair, device: str, days: float, now: datetime) -> KeyPair:
    """A new certificate for a device, whose id is its common name."""
    signer = serialization.load_pem_private_key(authority.key, password=None)
    if not isinstance(signer, ec.EllipticCurvePrivateKey):
        raise TypeError("the authority's key is not one that make_authority made")
    issuer = x509.load_pem_x509_certificate(authority.certificate)
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = (
        x509.CertificateBuilder()
        .subject_name(_name(device))
        .issuer_name(issuer.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _SLACK)
        .not_valid_after(min(now + timedelta(days=days), issuer.not_valid_after_utc))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False
        )
        .sign(signer, hashes.SHA256())
    )
    return _pair(certificate, key)


def describe(pem: bytes) -> Description:
    """What a certificate says; raises :class:`BadInput` (``certificate.invalid``)."""
    try:
        certificate = x509.load_pem_x509_certificate(pem)
    except ValueError as error:
        raise BadInput(
            "certificate.invalid", f"this is no certificate in PEM ({error})", field="certificate"
        ) from error
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return Description(
        certificate.fingerprint(hashes.SHA256()).hex(),
        str(names[0].value) if names else "",
        from_datetime(certificate.not_valid_after_utc),
    )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _pair(certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> KeyPair:
    return KeyPair(
        certificate.public_bytes(serialization.Encoding.PEM),
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ),
    )
