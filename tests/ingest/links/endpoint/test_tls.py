"""TLS, and devices that prove themselves by a certificate."""

from __future__ import annotations

import hashlib
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import paho.mqtt.client as paho
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from paho.mqtt.enums import CallbackAPIVersion

from purna.core.errors import AskOperator
from tests.ingest.kit import wait_for
from tests.ingest.links.endpoint import wire
from tests.ingest.links.endpoint.kit import PASSWORDS, Endpoint, Raw, endpoint_in

TOPIC = "purna/v1/d1/telemetry"
FROM, UNTIL = datetime(2026, 1, 1, tzinfo=UTC), timedelta(days=36_500)


class Issued(NamedTuple):
    certificate: Path
    key: Path
    fingerprint: str


class Authority:
    """A certificate authority in a folder."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.file = folder / f"{name}.pem"
        certificate = (
            self._builder(self._name, self._key)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        self.file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    def issue(self, name: str) -> Issued:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        certificate = (
            self._builder(subject, key)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        files = self._folder / f"{self.file.stem}-{name}.crt", self._folder / f"{name}.key"
        files[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        files[1].write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        shown = certificate.public_bytes(serialization.Encoding.DER)
        return Issued(*files, hashlib.sha256(shown).hexdigest())

    def _builder(
        self, subject: x509.Name, key: ec.EllipticCurvePrivateKey
    ) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(FROM)
            .not_valid_after(FROM + UNTIL)
        )


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"), "plant")


@pytest.fixture
def secure(tmp_path: Path, authority: Authority) -> Iterator[Endpoint]:
    own = authority.issue("localhost")
    settings = {
        "tls_certificate": own.certificate, "tls_key": own.key, "tls_client_ca": authority.file,
    }  # fmt: skip
    with endpoint_in(tmp_path, **settings) as endpoint:
        yield endpoint


class TlsRaw(Raw):
    def __init__(self, endpoint: Endpoint, authority: Authority, shown: Issued | None) -> None:
        super().__init__(endpoint.link.ports[1])
        context = ssl.create_default_context(cafile=str(authority.file))
        if shown is not None:
            context.load_cert_chain(shown.certificate, shown.key)
        self.socket = context.wrap_socket(self.socket, server_hostname="localhost")


@pytest.mark.parametrize("v5", [False, True], ids=["3.1.1", "5"])
def test_a_password_over_tls(secure: Endpoint, authority: Authority, v5: bool) -> None:
    with TlsRaw(secure, authority, None) as raw:
        raw.connect(v5=v5)
        raw.send(*(wire.publish(TOPIC, b"x" * 1000, 1, n, v5=v5) for n in range(1, 500)))
        assert all(raw.read() is not None for _ in range(499))
    assert len(secure.taken) == 499
    with Raw(secure.port) as plain:  # the other port stays what it is
        plain.connect(v5=v5)


@pytest.mark.parametrize("v5", [False, True], ids=["3.1.1", "5"])
def test_a_certificate_speaks_for_the_device_it_names(
    secure: Endpoint, authority: Authority, v5: bool
) -> None:
    with TlsRaw(secure, authority, authority.issue("d1")) as raw:
        raw.send(wire.connect("anything", v5=v5))
        answer = raw.read()
        assert answer is not None
        assert answer.body[1] == 0
        raw.send(wire.publish(TOPIC, b"1", 1, 1, v5=v5))
        assert raw.read() == (wire.PUBACK, 0, b"\x00\x01")
    assert [message.source for message in secure.taken] == ["d1"]


def test_a_registered_certificate_speaks_for_the_device_it_was_registered_for(
    secure: Endpoint, authority: Authority
) -> None:
    shown = authority.issue("some serial number")
    secure.register.certificates[shown.fingerprint] = "d2"
    with TlsRaw(secure, authority, shown) as raw:
        raw.send(wire.connect("c"), wire.publish("purna/v1/d2/event", b"1"))
        assert [raw.read(), raw.read()] == [
            (wire.CONNACK, 0, b"\x00\x00"),
            (wire.PUBACK, 0, b"\x00\x01"),
        ]


def test_a_certificate_of_nobody_needs_a_password_besides(
    secure: Endpoint, authority: Authority
) -> None:
    shown = authority.issue("nobody")
    with TlsRaw(secure, authority, shown) as raw:
        raw.send(wire.connect("c"))
        assert raw.read() == (wire.CONNACK, 0, b"\x00\x04")
    with TlsRaw(secure, authority, shown) as raw:
        raw.connect("d1", password=PASSWORDS["d1"])


def test_a_certificate_of_another_authority_does_not_get_through(
    secure: Endpoint, authority: Authority, tmp_path: Path
) -> None:
    stranger = Authority(tmp_path, "stranger").issue("d1")
    with pytest.raises((ssl.SSLError, ConnectionError)):  # noqa: PT012, SIM117
        with TlsRaw(secure, authority, stranger) as raw:
            raw.send(wire.connect("c"))
            if raw.read() is None:
                raise ConnectionResetError
    assert secure.link.figures()["accepted"] == 0


def test_a_revoked_certificate_is_closed_and_does_not_come_back(
    secure: Endpoint, authority: Authority
) -> None:
    shown = authority.issue("d1")
    with TlsRaw(secure, authority, shown) as raw:
        raw.send(wire.connect("c", v5=True))
        raw.read()
        del secure.register.passwords["d1"]
        secure.link.expel("d1")
        goodbye = raw.read()
        assert goodbye is not None
        assert goodbye.body[0] == 0x98
    with TlsRaw(secure, authority, shown) as raw:
        raw.send(wire.connect("c"))
        assert raw.read() == (wire.CONNACK, 0, b"\x00\x04")


def test_a_handshake_that_is_never_finished_is_given_up(
    tmp_path: Path, authority: Authority
) -> None:
    own = authority.issue("localhost")
    settings = {"tls_certificate": own.certificate, "tls_key": own.key, "connect_timeout_s": 0.3}
    with endpoint_in(tmp_path, **settings) as endpoint, Raw(endpoint.link.ports[1]) as raw:
        raw.send(b"\x16\x03\x01")
        assert raw.read() is None


def test_paho_over_tls_with_a_certificate(secure: Endpoint, authority: Authority) -> None:
    shown = authority.issue("d1")
    client = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTProtocolVersion.MQTTv5)
    client.tls_set(str(authority.file), str(shown.certificate), str(shown.key))
    client.connect("localhost", secure.link.ports[1])
    client.loop_start()
    client.publish(TOPIC, b"1", qos=2).wait_for_publish(10)
    wait_for(lambda: secure.payloads == [b"1"])
    client.disconnect()
    client.loop_stop()


def test_a_key_that_does_not_fit_is_named_with_its_setting(
    tmp_path: Path, authority: Authority
) -> None:
    one, other = authority.issue("one"), authority.issue("other")
    endpoint = Endpoint(tmp_path, tls_certificate=one.certificate, tls_key=other.key)
    with pytest.raises(AskOperator, match=r"endpoint\.tls_key"):
        endpoint.link.start()
    endpoint.link.stop()
