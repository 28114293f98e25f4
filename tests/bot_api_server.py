"""A small Bot API server over real HTTP: what bot and outbox ask of Telegram, and a person who types and presses.

Method names, fields and error answers follow https://core.telegram.org/bots/api. One bot, private chats.
"""

import json
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from email.parser import BytesParser
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

Json = dict[str, Any]
TOKEN = "123456:test-token-of-the-local-server"


@dataclass
class Sent:
    """A message that the bot has sent, as the person sees it now."""

    chat_id: int
    message_id: int
    text: str
    markup: Json
    deleted: bool = False

    @property
    def buttons(self) -> dict[str, str]:
        """Text -> callback data of the buttons still under the message."""
        rows = self.markup.get("inline_keyboard", [])
        return {button["text"]: button["callback_data"] for row in rows for button in row}


@dataclass
class Fault(Exception):
    """An error answer of the API."""

    code: int
    description: str
    parameters: Json = field(default_factory=dict)


class BotApiServer:
    """``url`` goes into LANGNGHE_TELEGRAM_API_URL. The person acts by ``say``, ``press``, ``send_photo``, ..."""

    def __init__(self, token: str = TOKEN) -> None:
        self.token = token
        self.sent: list[Sent] = []
        self.transcript: list[str] = []
        self.history: list[Json] = []  # every update a person caused
        self.calls: list[tuple[str, Json]] = []
        self.deleted: set[tuple[int, int]] = set()
        self.blocked: set[int] = set()
        self.flooded: list[int] = []  # each entry answers one sendMessage with 429 and that retry_after
        self.failing: int = 0  # so many of the next sendMessage calls are answered 502
        self._updates: list[Json] = []
        self._files: dict[str, bytes] = {}
        self._ids, self._messages = count(7_000_001), count(1)
        self._changed = threading.Condition()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"api": self}))
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True)

    def start(self) -> "BotApiServer":
        self._thread.start()
        return self

    def stop(self) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def __enter__(self) -> "BotApiServer":
        return self.start()

    def __exit__(self, *exc: object) -> None:
        self.stop()

    # What a person does.

    def say(self, chat_id: int, text: str, **more: Any) -> Json:
        return self._write(chat_id, text=text, **more)

    def send_photo(self, chat_id: int, content: bytes, *, album: str = "", caption: str = "") -> Json:
        file_id = f"photo-{len(self._files)}"
        self._files[file_id] = content
        size = {"file_id": file_id, "file_unique_id": file_id, "width": 640, "height": 480, "file_size": len(content)}
        extra = {"media_group_id": album} if album else {}
        return self._write(chat_id, photo=[size], **extra, **({"caption": caption} if caption else {}))

    def share_phone(self, chat_id: int, number: str, *, owner: int | None = None) -> Json:
        contact = {"phone_number": number, "first_name": "A", "user_id": owner or chat_id}
        return self._write(chat_id, contact=contact)

    def press(self, chat_id: int, data: str, message_id: int = 0) -> Json:
        message = {"message_id": message_id, "date": int(time.time()), "chat": _chat(chat_id), "text": "…"}
        query = {"id": str(next(self._ids)), "from": _person(chat_id), "chat_instance": "1", "data": data}
        shown = self._find({"chat_id": chat_id, "message_id": message_id})
        label = next((text for text, known in shown.buttons.items() if known == data), data) if shown else data
        self.transcript.append(f"  › [{label}]")
        return self._add({"callback_query": query | {"message": message}})

    def press_button(self, chat_id: int, text: str) -> Json:
        """Press the newest button whose text contains ``text``."""
        for message in reversed(self.of_chat(chat_id)):
            for label, data in message.buttons.items():
                if text in label:
                    return self.press(chat_id, data, message.message_id)
        raise AssertionError(f"no button {text!r} under {[m.buttons for m in self.of_chat(chat_id)]}")

    def edit(self, chat_id: int, message_id: int, text: str) -> Json:
        message = {"message_id": message_id, "date": 1, "edit_date": 2, "chat": _chat(chat_id), "text": text}
        return self._add({"edited_message": message | {"from": _person(chat_id)}})

    def deliver_again(self, update: Json) -> None:
        """The same update once more, as after a lost confirmation."""
        with self._changed:
            self._updates.append(update)
            self._changed.notify_all()

    def of_chat(self, chat_id: int) -> list[Sent]:
        with self._changed:
            return [message for message in self.sent if message.chat_id == chat_id and not message.deleted]

    def wait(self, chat_id: int, matches: Callable[[Sent], bool], *, after: int = 0, seconds: float = 30.0) -> Sent:
        """The first message sent to the chat after the ``after``-th that fits."""
        deadline = time.monotonic() + seconds
        with self._changed:
            while True:
                for message in [m for m in self.sent if m.chat_id == chat_id][after:]:
                    if matches(message):
                        return message
                if not self._changed.wait(deadline - time.monotonic()):
                    said = [m.text for m in self.sent if m.chat_id == chat_id][after:]
                    raise AssertionError(f"not said within {seconds} s; said: {said}")

    # What the API does.

    def _write(self, chat_id: int, **content: Any) -> Json:
        message = {"message_id": next(self._messages), "date": int(time.time()), "chat": _chat(chat_id)}
        what = content.get("text") or "".join(f"({kind}) " for kind in ("photo", "contact") if kind in content)
        self.transcript.append(f"  › {what or '(?)'}{content.get('caption', '')}")
        return self._add({"message": message | {"from": _person(chat_id)} | content})

    def _add(self, update: Json) -> Json:
        update = {"update_id": next(self._ids), **update}
        self.history.append(update)
        with self._changed:
            self._updates.append(update)
            self._changed.notify_all()
        return update

    def answer(self, method: str, params: Json) -> Any:
        with self._changed:
            self.calls.append((method, params))
        return getattr(self, f"_do_{method.lower()}", lambda _params: True)(params)

    def _do_getme(self, _params: Json) -> Json:
        return {"id": 123456, "is_bot": True, "first_name": "Lắng Nghe", "username": "lang_nghe_bot"}

    def _do_getupdates(self, params: Json) -> list[Json]:
        """Confirms what is below ``offset``, then waits up to ``timeout`` for something new."""
        deadline = time.monotonic() + float(params.get("timeout", 0))
        with self._changed:
            if (offset := int(params.get("offset", 0))) > 0:
                self._updates = [update for update in self._updates if update["update_id"] >= offset]
            while not self._updates and time.monotonic() < deadline:
                self._changed.wait(deadline - time.monotonic())
            return sorted(self._updates, key=lambda update: int(update["update_id"]))[:100]

    def _do_sendmessage(self, params: Json) -> Json:
        chat_id = int(params["chat_id"])
        if chat_id in self.blocked:
            raise Fault(403, "Forbidden: bot was blocked by the user")
        if self.flooded:
            wait = self.flooded.pop(0)
            raise Fault(429, f"Too Many Requests: retry after {wait}", {"retry_after": wait})
        if self.failing:
            self.failing -= 1
            raise Fault(502, "Bad Gateway")
        if not params["text"] or len(params["text"].encode("utf-16-le")) // 2 > 4096:
            raise Fault(400, "Bad Request: message is too long")
        markup = params.get("reply_markup") or {}
        for row in markup.get("inline_keyboard", []):
            for button in row:
                if not 1 <= len(button["callback_data"].encode()) <= 64:
                    raise Fault(400, "Bad Request: BUTTON_DATA_INVALID")
        with self._changed:
            message = Sent(chat_id, next(self._messages), params["text"], markup)
            self.sent.append(message)
            rows = [[b["text"] for b in row] for row in markup.get("inline_keyboard", [])]
            drawn = ["    " + " ".join(f"[{text}]" for text in row) for row in rows]
            self.transcript.append("\n".join(["bot: " + message.text.replace("\n", "\n     "), *drawn]))
            self._changed.notify_all()
        return {"message_id": message.message_id, "date": 1, "chat": _chat(chat_id), "text": message.text}

    def _do_editmessagereplymarkup(self, params: Json) -> bool:
        message = self._find(params)
        if message is None:
            raise Fault(400, "Bad Request: message to edit not found")
        message.markup = params.get("reply_markup") or {}
        return True

    def _do_deletemessage(self, params: Json) -> bool:
        with self._changed:
            self.deleted.add((int(params["chat_id"]), int(params["message_id"])))
            self._changed.notify_all()
        if (message := self._find(params)) is not None:
            message.deleted = True
        return True

    def _do_getfile(self, params: Json) -> Json:
        content = self._files[params["file_id"]]
        path = f"photos/{params['file_id']}.jpg"
        return {
            "file_id": params["file_id"],
            "file_unique_id": params["file_id"],
            "file_size": len(content),
            "file_path": path,
        }

    def _find(self, params: Json) -> Sent | None:
        wanted = (int(params["chat_id"]), int(params["message_id"]))
        return next((m for m in self.sent if (m.chat_id, m.message_id) == wanted), None)

    @property
    def _bot(self) -> str:
        return f"bot{self.token}"


def _params(kind: str, body: bytes) -> Json:
    """JSON, a form, or a multipart form; values of forms that are JSON themselves are read as such."""
    if kind.startswith("application/json"):
        return dict(json.loads(body or b"{}"))
    if kind.startswith("multipart/form-data"):
        parsed = BytesParser(policy=HTTP).parsebytes(f"Content-Type: {kind}\r\n\r\n".encode() + body)
        fields = {
            str(part.get_param("name", header="content-disposition")): part.get_content()
            for part in parsed.iter_parts()
        }  # type: ignore[attr-defined]
    else:
        fields = dict(parse_qsl(body.decode(), keep_blank_values=True))
    return {name: _value(value) for name, value in fields.items()}


def _value(text: str) -> Any:
    if text[:1] in ("{", "["):
        return json.loads(text)
    return text


def _chat(chat_id: int) -> Json:
    return {"id": chat_id, "type": "private" if chat_id > 0 else "supergroup", "first_name": "A"}


def _person(chat_id: int) -> Json:
    return {"id": abs(chat_id), "is_bot": False, "first_name": "A", "language_code": "vi"}


class _Handler(BaseHTTPRequestHandler):
    api: BotApiServer
    protocol_version = "HTTP/1.1"

    def handle(self) -> None:
        with suppress(ConnectionError):  # a bot that was killed
            super().handle()

    def do_GET(self) -> None:
        parts = unquote(urlsplit(self.path).path).split("/")
        if parts[1] == "file":
            content = self.api._files.get(parts[-1].removesuffix(".jpg")) if parts[2] == self.api._bot else None
            self._send(200 if content is not None else 404, content or b"", "image/jpeg")
        else:
            self._api(dict(parse_qsl(urlsplit(self.path).query)))

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self._api(_params(self.headers.get("Content-Type", ""), body))

    def _api(self, params: Json) -> None:
        _empty, bot, method = unquote(urlsplit(self.path).path).split("/")
        answer: Json
        try:
            if bot != self.api._bot:
                raise Fault(401, "Unauthorized")
            status, answer = 200, {"ok": True, "result": self.api.answer(method, params)}
        except Fault as fault:
            status = fault.code
            answer = {"ok": False, "error_code": status, "description": fault.description}
            answer |= {"parameters": fault.parameters} if fault.parameters else {}
        self._send(status, json.dumps(answer).encode(), "application/json")

    def _send(self, status: int, body: bytes, kind: str) -> None:
        try:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True  # a bot that was killed while it waited for updates

    def log_message(self, *_args: object) -> None:
        """The test says what matters."""
