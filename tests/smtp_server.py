"""A small SMTP server on a free port that keeps what it is handed, or refuses recipients with a code of the test's."""

import socketserver
import threading
from collections.abc import Iterable
from contextlib import suppress
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default


class SmtpServer:
    """``url`` goes into LANGNGHE_SMTP_URL; ``mails`` holds what arrived. RFC 5321, without extensions.

    After ``take_at_most`` the mail beyond that is read and never answered, so that its sender stands still.
    """

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.recipients: list[str] = []
        self.refuse_with = ""  # such as "550 5.1.1 no such user"
        self._room: threading.Semaphore | None = None
        server = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                with suppress(ConnectionError):  # the other side was killed
                    self._converse()

            def _converse(self) -> None:
                self._say("220 local")
                for line in self.rfile:
                    verb = line.decode().strip().split(" ")[0].split(":")[0].upper()
                    if verb == "QUIT":
                        self._say("221 bye")
                        return
                    self._say(server._answer(verb, line.decode().strip()))
                    if verb == "DATA":
                        self._say(server._take(self.rfile))

            def _say(self, text: str) -> None:
                self.wfile.write(text.encode() + b"\r\n")

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"smtp://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    def take_at_most(self, mails: int | None) -> None:
        """From now on so many more; None: any number. Who stands still already is not let go."""
        self._room = None if mails is None else threading.Semaphore(mails)

    def _answer(self, verb: str, line: str) -> str:
        if verb == "RCPT":
            if self.refuse_with:
                return self.refuse_with
            self.recipients.append(line.partition("<")[2].rstrip(">"))
        return "354 go on" if verb == "DATA" else "250 ok"

    def _take(self, lines: Iterable[bytes]) -> str:
        raw = b""
        for line in lines:
            if line == b".\r\n":
                break
            raw += line.removeprefix(b".") if line.startswith(b"..") else line
        if (room := self._room) is not None:
            room.acquire()
        self.mails.append(message_from_bytes(raw, policy=default))
        return "250 taken"

    def __enter__(self) -> "SmtpServer":
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
