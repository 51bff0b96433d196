from __future__ import annotations

import email
import json
import socketserver
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import structlog
from pydantic import SecretStr

from alerts.dispatch import receivers, receivers_for
from alerts.dispatch.webhook import signature
from alerts.outbox import LEASE, LONGEST_PAUSE, Outbox, Outgoing, Sent, pause_after
from alerts.settings import AlertSettings, EmailSettings, WebhookSettings
from purna.core.clock import DAY, SECOND
from purna.core.errors import NotFound
from tests.alerts.fleet import Plant, risk, sqlite_url


class Hook:
    """A web server that answers with what it is told, and keeps what it gets."""

    def __init__(self) -> None:
        self.answers: list[int] = []
        self.delay = 0.0
        self.got: list[tuple[dict[str, str], bytes]] = []
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                hook.got.append((dict(self.headers), body))
                time.sleep(hook.delay)
                self.send_response(hook.answers.pop(0) if hook.answers else 204)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/orders"


@contextmanager
def serving(server: socketserver.BaseServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def hook() -> Iterator[Hook]:
    hook = Hook()
    with serving(hook.server):
        yield hook


class Line:
    """A plant whose orders are posted to a hook, and the outbox that does it."""

    def __init__(self, folder: Path, settings: AlertSettings) -> None:
        self.plant = Plant(sqlite_url(folder), settings=settings).stocked()
        self.outbox = self.restarted()

    def restarted(self) -> Outbox:
        settings, plant = self.plant.settings, self.plant
        self.outbox = Outbox(plant.db, receivers(settings), plant.clock, settings.send_attempts)
        return self.outbox


@pytest.fixture
def line(tmp_path: Path, hook: Hook) -> Iterator[Line]:
    webhook = WebhookSettings(url=hook.url, secret=SecretStr("s3cret"), timeout_s=2.0)
    line = Line(tmp_path, AlertSettings(webhook=webhook, send_attempts=3))
    yield line
    line.plant.db.close()


def test_an_order_is_posted_signed_with_its_reason_and_once(line: Line, hook: Hook) -> None:
    line.plant.see(risk(0, 0.9))
    assert line.outbox.send_due() == Sent(sent=2)  # log and webhook
    assert line.outbox.send_due() == Sent()
    ((headers, body),) = hook.got
    assert headers["Purna-Signature"] == signature("s3cret", body)
    assert headers["Purna-Event"] == "order.opened"
    content = json.loads(body)
    assert content["key"] == headers["Idempotency-Key"]
    assert content["order"]["number"] == "V-000001"
    assert content["order"]["reason"]["params"]["probability"] == 0.9
    assert content["order"]["parts"] == ["BRG-6205"]


def test_every_step_of_an_order_is_told_in_order(line: Line, hook: Hook) -> None:
    line.plant.see(risk(0, 0.9))
    line.plant.service.accept("ord_000001", "dora")
    line.plant.service.cancel("ord_000001", "dora", "closed")
    line.outbox.send_due()
    events = [headers["Purna-Event"] for headers, _ in hook.got]
    assert events == ["order.opened", "order.scheduled", "order.cancelled"]


def test_what_fails_is_tried_again_later_under_the_same_key(line: Line, hook: Hook) -> None:
    hook.answers = [503, 429]
    line.plant.see(risk(0, 0.9))
    assert line.outbox.send_due() == Sent(sent=1, postponed=1)
    assert line.outbox.send_due() == Sent()
    line.plant.clock.advance(pause_after(1))
    assert line.restarted().send_due() == Sent(postponed=1)
    line.plant.clock.advance(pause_after(2))
    assert line.outbox.send_due() == Sent(sent=1)
    assert len({headers["Idempotency-Key"] for headers, _ in hook.got}) == 1
    assert len(hook.got) == 3


def test_what_keeps_failing_is_given_up_visibly_and_may_be_retried(line: Line, hook: Hook) -> None:
    hook.answers = [500] * 3
    line.plant.see(risk(0, 0.9))
    for _ in range(5):
        line.outbox.send_due()
        line.plant.clock.advance(DAY)
    assert line.outbox.counts() == {"pending": 0, "sent": 1, "given_up": 1}
    (lost,) = line.outbox.given_up()
    assert (lost.receiver, lost.event, lost.attempts) == ("webhook", "order.opened", 3)
    assert lost.error == "webhook answered 500"
    assert line.plant.states() == {"V-000001": "proposed"}
    line.outbox.retry(lost.id)
    assert line.outbox.send_due() == Sent(sent=1)
    with pytest.raises(NotFound):
        line.outbox.retry(lost.id)


@pytest.mark.parametrize("answer", [302, 400, 401, 404, 410])
def test_an_answer_that_will_not_change_is_not_tried_again(
    line: Line, hook: Hook, answer: int
) -> None:
    hook.answers = [answer]
    line.plant.see(risk(0, 0.9))
    assert line.outbox.send_due() == Sent(sent=1, given_up=1)


def test_an_unreachable_receiver_is_tried_again(line: Line, hook: Hook) -> None:
    line.plant.see(risk(0, 0.9))
    unreachable = WebhookSettings(url="http://127.0.0.1:9/", timeout_s=0.5)
    line.plant.settings = AlertSettings(webhook=unreachable)
    assert line.restarted().send_due() == Sent(sent=1, postponed=1)


def test_a_sender_that_died_in_the_middle_is_replaced_after_its_lease(
    line: Line, hook: Hook
) -> None:
    line.plant.see(risk(0, 0.9))

    class Dies:
        def send(self, message: Outgoing) -> None:
            raise KeyboardInterrupt

    dying = Outbox(line.plant.db, {"log": Dies(), "webhook": Dies()}, line.plant.clock, 3)
    with pytest.raises(KeyboardInterrupt):
        dying.send_due()
    assert line.outbox.send_due() == Sent(sent=1)  # the other one; this one may be on its way
    line.plant.clock.advance(LEASE)
    assert line.outbox.send_due() == Sent(sent=1)


def test_senders_that_run_at_the_same_time_send_each_message_once(line: Line, hook: Hook) -> None:
    hook.delay = 0.2
    line.plant.see(risk(0, 0.9))
    threads = [threading.Thread(target=line.restarted().send_due) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(hook.got) == 1
    assert line.outbox.counts() == {"pending": 0, "sent": 2, "given_up": 0}


def test_a_fault_in_one_receiver_does_not_hold_up_the_others(line: Line, hook: Hook) -> None:
    class Faulty:
        def send(self, message: Outgoing) -> None:
            raise ZeroDivisionError

    both = {**receivers(line.plant.settings), "log": Faulty()}
    line.plant.see(risk(0, 0.9))
    outbox = Outbox(line.plant.db, both, line.plant.clock, 3)
    with structlog.testing.capture_logs() as logs:
        assert outbox.send_due() == Sent(sent=1, given_up=1)
    assert "ZeroDivisionError" in outbox.given_up()[0].error
    assert logs


def test_a_message_to_a_receiver_that_is_gone_is_given_up(line: Line) -> None:
    line.plant.see(risk(0, 0.9))
    line.plant.settings = AlertSettings()
    assert line.restarted().send_due() == Sent(sent=1, given_up=1)


def test_pauses_grow_and_are_bounded() -> None:
    pauses = [pause_after(n) for n in range(1, 40)]
    assert pauses[:3] == [30 * SECOND, 60 * SECOND, 120 * SECOND]
    assert pauses == sorted(pauses)
    assert pauses[-1] == LONGEST_PAUSE


def test_by_default_only_the_log_is_told(tmp_path: Path) -> None:
    line = Line(tmp_path, AlertSettings())
    line.plant.see(risk(0, 0.9))
    with structlog.testing.capture_logs() as logs:
        assert line.outbox.send_due() == Sent(sent=1)
    assert [(entry["event"], entry["number"]) for entry in logs] == [("order.opened", "V-000001")]
    line.plant.db.close()


def test_secrets_are_not_shown_by_the_settings() -> None:
    settings = AlertSettings(webhook=WebhookSettings(url="http://x", secret=SecretStr("s3cret")))
    assert "s3cret" not in repr(settings)


class Mailbox:
    """A mail server that speaks as much SMTP as it takes, and keeps what it gets."""

    def __init__(self, refusal: str = "") -> None:
        self.mails: list[email.message.EmailMessage] = []
        mailbox = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                self._say("220 mailbox")
                for line in self.rfile:
                    word = line.split()[0].upper()
                    if word == b"DATA":
                        self._say("354 go on")
                        mailbox.mails.append(self._mail())
                        self._say("250 taken")
                    elif word == b"RCPT" and refusal:
                        self._say(refusal)
                    elif word == b"QUIT":
                        self._say("221 bye")
                        return
                    else:
                        self._say("250 ok")

            def _mail(self) -> email.message.EmailMessage:
                lines = []
                for line in self.rfile:
                    if line == b".\r\n":
                        break
                    lines.append(line)
                return email.message_from_bytes(b"".join(lines), policy=default)

            def _say(self, text: str) -> None:
                self.wfile.write(text.encode() + b"\r\n")

        self.server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]


def mail_settings(port: int, language: str = "en") -> AlertSettings:
    mail = EmailSettings(
        host="127.0.0.1", port=port, tls="off", sender="purna@example.org",
        recipients=("dora@example.org", "rita@example.org"), language=language, timeout_s=5,
    )  # fmt: skip
    return AlertSettings(email=mail)


@pytest.mark.parametrize(("language", "word"), [("en", "proposed"), ("id", "diusulkan")])
def test_a_proposal_is_mailed_in_the_reader_s_language(
    tmp_path: Path, language: str, word: str
) -> None:
    mailbox = Mailbox()
    with serving(mailbox.server):
        line = Line(tmp_path, mail_settings(mailbox.port, language))
        line.plant.see(risk(0, 0.9))
        line.plant.service.accept("ord_000001", "dora")  # of what people do no mail is sent
        assert line.outbox.send_due() == Sent(sent=3)
    (mail,) = mailbox.mails
    assert mail["Subject"].startswith("V-000001 ")
    assert word in mail["Subject"]
    assert mail["To"] == "dora@example.org, rita@example.org"
    assert mail["Message-ID"] == "<msg_000001.email@purna>"
    text = mail.get_content()
    assert "90%" in text
    assert "Acme Water" in text
    assert "{" not in text
    line.plant.db.close()


@pytest.mark.parametrize(
    ("refusal", "outcome"),
    [
        ("451 try later", Sent(sent=1, postponed=1)),
        ("550 no such user", Sent(sent=1, given_up=1)),
    ],
)
def test_a_refused_mail_never_undoes_the_order(tmp_path: Path, refusal: str, outcome: Sent) -> None:
    mailbox = Mailbox(refusal)
    with serving(mailbox.server):
        line = Line(tmp_path, mail_settings(mailbox.port))
        line.plant.see(risk(0, 0.9))
        assert line.outbox.send_due() == outcome
    assert line.plant.states() == {"V-000001": "proposed"}
    assert mailbox.mails == []
    line.plant.db.close()


def test_every_mailed_event_has_its_texts() -> None:
    settings = mail_settings(1)
    assert receivers_for("order.opened", settings) == ("log", "email")
    assert receivers_for("order.accepted", settings) == ("log",)
