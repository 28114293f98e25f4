"""Channels that send messages: e-mail, the development mailbox, Telegram. One method, two ways to fail.

A channel gets everything it needs and holds no database connection while it sends. The text of a failure is stored in
the outbox, so it never names a recipient.
"""

import http.client
import json
import smtplib
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from hashlib import sha256
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

from backend.db import transaction
from backend.outbox.models import LocalMail

TIMEOUT = 20.0  # seconds for each answer; a whole delivery fits into the lease of its row
TELEGRAM_MOST = 4096  # UTF-16 code units in one message (Bot API, sendMessage)
LOOPBACK = {"localhost", "127.0.0.1", "::1"}


@dataclass(frozen=True)
class ChatButton:
    """A button under a chat message; ``data`` comes back when it is pressed."""

    text: str
    data: str


Buttons = tuple[tuple[ChatButton, ...], ...]


@dataclass(frozen=True)
class OutgoingMessage:
    """A message ready to send. ``key`` is the same at every attempt. Chats use buttons; mail uses subject and html."""

    key: str
    recipient: str
    subject: str
    body: str
    html: str
    at: datetime
    buttons: Buttons = ()


class DeliveryRefused(Exception):
    """The message will never arrive: the address does not exist, or the person has blocked the bot."""


class DeliveryDelayed(Exception):
    """The message did not arrive this time. ``retry_after``: the seconds that the other side asks us to wait."""

    def __init__(self, reason: str, retry_after: float = 0.0) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


class MessageChannel(Protocol):
    """Sends a message, or raises DeliveryRefused or DeliveryDelayed."""

    def send(self, message: OutgoingMessage) -> None: ...


class UnsetChannel:
    """Used where an address or a token is not set: messages wait until an administrator sets it."""

    def __init__(self, setting: str) -> None:
        self.setting = setting

    def send(self, message: OutgoingMessage) -> None:
        raise DeliveryDelayed(f"{self.setting} is not set")


class LocalMailbox:
    """E-mail in development: stored and shown on a page."""

    def send(self, message: OutgoingMessage) -> None:
        with transaction() as session:
            session.add(
                LocalMail(at=message.at, recipient=message.recipient, subject=message.subject, body=message.body)
            )


class EmailChannel:
    """SMTP at ``smtp://user:password@host:587`` (STARTTLS where the server offers it) or ``smtps://host``.

    A password is never sent without encryption to another machine.
    """

    def __init__(self, url: str, mail_from: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
            raise ValueError("LANGNGHE_SMTP_URL must look like smtp://user:password@host:587 or smtps://host")
        self.host = parts.hostname
        self.tls = parts.scheme == "smtps"
        self.user, self.password = unquote(parts.username or ""), unquote(parts.password or "")
        self.port = parts.port or (465 if self.tls else 587 if self.user else 25)
        self.sender_name, self.sender = parseaddr(mail_from)

    def send(self, message: OutgoingMessage) -> None:
        mail = self._mail(message)
        with _smtp_failures(), self._connection() as server:
            server.send_message(mail, from_addr=self.sender, to_addrs=[message.recipient])

    def _mail(self, message: OutgoingMessage) -> EmailMessage:
        """Build the mail. Raises DeliveryRefused for an address that no header can hold.

        Headers come from parsed addresses, and the policy refuses line ends, so no typed text can add a header. The
        Message-ID follows from the key, so that a duplicate has the same one.
        """
        mail = EmailMessage(policy=SMTP)
        try:
            mail["From"] = Address(self.sender_name, addr_spec=self.sender)
            mail["To"] = Address(addr_spec=message.recipient)
            mail["Subject"] = message.subject
        except (ValueError, IndexError, MessageError) as error:  # IndexError: an empty part, in some Pythons
            raise DeliveryRefused("the address cannot be written into a header") from error
        mail["Date"] = format_datetime(message.at)
        digest = sha256(message.key.encode()).hexdigest()[:32]
        mail["Message-ID"] = f"<{digest}@{self.sender.rpartition('@')[2] or 'localhost'}>"
        mail["Auto-Submitted"] = "auto-generated"
        mail["X-Auto-Response-Suppress"] = "All"
        mail.set_content(message.body)
        mail.add_alternative(message.html, subtype="html")
        return mail

    @contextmanager
    def _connection(self) -> Iterator[smtplib.SMTP]:
        context = ssl.create_default_context()
        server: smtplib.SMTP
        if self.tls:
            server = smtplib.SMTP_SSL(self.host, self.port, timeout=TIMEOUT, context=context)
        else:
            server = smtplib.SMTP(self.host, self.port, timeout=TIMEOUT)
        with server:
            server.ehlo()
            secure = self.tls
            if not secure and server.has_extn("starttls"):
                server.starttls(context=context)
                server.ehlo()
                secure = True
            if self.user:
                if not secure and self.host not in LOOPBACK:
                    raise DeliveryDelayed("the mail server offers no TLS, so the password was not sent")
                server.login(self.user, self.password)
            yield server


@contextmanager
def _smtp_failures() -> Iterator[None]:
    """Turn SMTP errors into DeliveryRefused or DeliveryDelayed.

    A final code (5xx) about this recipient or this mail is a refusal. Everything else may work later.
    """
    try:
        yield
    except smtplib.SMTPRecipientsRefused as error:
        code = max(code for code, _text in error.recipients.values())
        raise (DeliveryRefused if code >= 500 else DeliveryDelayed)(f"SMTP {code} for the recipient") from None
    except smtplib.SMTPNotSupportedError:
        raise DeliveryRefused("the mail server cannot take this address") from None
    except smtplib.SMTPDataError as error:
        raise (DeliveryRefused if error.smtp_code >= 500 else DeliveryDelayed)(
            f"SMTP {error.smtp_code} for the text"
        ) from None
    except smtplib.SMTPResponseException as error:
        raise DeliveryDelayed(f"SMTP {error.smtp_code}") from None
    except (smtplib.SMTPException, OSError) as error:
        raise DeliveryDelayed(type(error).__name__) from None


class TelegramChannel:
    """The Bot API at ``url``. Messages are plain text without markup, so nothing needs escaping."""

    def __init__(self, url: str, token: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("LANGNGHE_TELEGRAM_API_URL must look like https://api.telegram.org")
        self.https, self.host, self.port = parts.scheme == "https", parts.hostname, parts.port
        self.path = f"{parts.path.rstrip('/')}/bot{token}/sendMessage"

    def send(self, message: OutgoingMessage) -> None:
        texts = split_text(message.body)
        for number, text in enumerate(texts, start=1):
            content: dict[str, Any] = {"chat_id": int(message.recipient), "text": text}
            content["link_preview_options"] = {"is_disabled": True}
            if message.buttons and number == len(texts):
                content["reply_markup"] = {"inline_keyboard": [_keyboard_row(row) for row in message.buttons]}
            self._post(content)

    def _post(self, content: dict[str, Any]) -> None:
        """Send one request. No exception names the address, because the address holds the token."""
        kind = http.client.HTTPSConnection if self.https else http.client.HTTPConnection
        connection = kind(self.host, self.port, timeout=TIMEOUT)
        try:
            connection.request("POST", self.path, json.dumps(content).encode(), {"Content-Type": "application/json"})
            response = connection.getresponse()
            status, body = response.status, response.read(1_000_000)
        except (OSError, http.client.HTTPException) as error:
            raise DeliveryDelayed(type(error).__name__) from None
        finally:
            connection.close()
        _check_answer(status, body)


def _keyboard_row(buttons: Sequence[ChatButton]) -> list[dict[str, str]]:
    return [{"text": button.text, "callback_data": button.data} for button in buttons]


def _check_answer(status: int, body: bytes) -> None:
    """Raise what an answer of the Bot API means.

    403: the bot is blocked or the account is gone. 400: no such chat. 401 and 404: our token is wrong; an administrator
    can correct it, so the message waits. 429: wait as long as the answer says.
    """
    if status == http.client.OK:
        return
    if status in (http.client.FORBIDDEN, http.client.BAD_REQUEST):
        raise DeliveryRefused(f"Telegram {status}")
    wait = 0.0
    if status == http.client.TOO_MANY_REQUESTS:
        try:
            wait = float(json.loads(body)["parameters"]["retry_after"])
        except (ValueError, KeyError, TypeError):
            wait = 30.0
    raise DeliveryDelayed(f"Telegram {status}", wait)


def split_text(text: str, most: int = TELEGRAM_MOST) -> list[str]:
    """Split a text into parts that fit into a chat message, at the end of a line or a word where possible."""
    rest, parts = text.strip(), []
    while _units(rest) > most:
        end = _fitting(rest, most)
        cut = max(rest.rfind("\n", 0, end), rest.rfind(" ", 0, end))
        cut = cut if cut > end // 2 else end
        parts.append(rest[:cut].rstrip())
        rest = rest[cut:].lstrip()
    return [*parts, rest]


def _units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def _fitting(text: str, most: int) -> int:
    """Return how many characters fit. Characters outside the basic plane count twice (UTF-16)."""
    units = 0
    for index, letter in enumerate(text):
        units += 2 if ord(letter) > 0xFFFF else 1
        if units > most:
            return index
    return len(text)
