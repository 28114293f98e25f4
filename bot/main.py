"""``python -m bot``: the process that reads by long polling what people write to the bot. Only one runs at a time."""

import asyncio
import contextlib
import logging
import signal
import sys
from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import groupby

from sqlalchemy import Connection
from telegram.error import InvalidToken

from backend import clock
from backend.attachments.decoder_pool import close_decoders
from backend.db import transaction
from backend.messengers.messenger import ChatInput, Messenger, TryLater
from backend.messengers.telegram.transport import TelegramMessenger
from backend.settings import get_settings
from bot import persistence
from bot.gateway import NO_DATABASE, BotGateway

LONG_POLL = 25  # seconds; 1 second while something is owed to a chat
STAND_BY = 5.0  # seconds until the next try while another process reads
NO_DATABASE_FOR = 2.0  # seconds until the next try while the database does not answer
FORGET_EVERY = timedelta(hours=6)

log = logging.getLogger("langnghe.bot")


class MaskingFormatter(logging.Formatter):
    """Replaces the token in every log line, also in tracebacks."""

    def __init__(self, token: str) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s")
        self.token = token

    def format(self, record: logging.LogRecord) -> str:
        return super().format(record).replace(self.token, "<token>")


async def serve_updates(messenger: Messenger) -> None:
    """Read updates while no other process does and the database answers; else wait and try again. Never returns."""
    while True:
        try:
            with persistence.only_consumer() as connection:
                log.info("reading updates")
                await _read(messenger, connection)
        except persistence.BotBusy:
            await asyncio.sleep(STAND_BY)
        except NO_DATABASE as failure:
            log.error("the database does not answer: %s", type(failure).__name__)
            await asyncio.sleep(NO_DATABASE_FOR)


async def _read(messenger: Messenger, connection: Connection) -> None:
    """Read and answer updates. Each is confirmed only after it was handled, so none is lost if the process dies."""
    gateway = BotGateway(messenger)
    await gateway.take_over()
    confirmed: int | None = None
    last_forgetting: datetime | None = None
    while True:
        await asyncio.to_thread(persistence.still_only, connection)
        if last_forgetting is None or clock.now() - last_forgetting > FORGET_EVERY:
            last_forgetting = clock.now()
            await asyncio.to_thread(_forget_old, last_forgetting)
        try:
            updates = await messenger.updates(confirmed, 1 if gateway.debts else LONG_POLL)
        except TryLater as later:
            await asyncio.sleep(later.seconds)
            continue
        turns = (gateway.handle(chat_inputs) for chat_inputs in by_chat(updates.incoming))
        # Wait for all turns before raising a failure: otherwise the next reading could answer a chat at the same time.
        for failure in await asyncio.gather(*turns, return_exceptions=True):
            if failure is not None:
                raise failure
        confirmed = updates.confirmed
        await gateway.pay_again()


def by_chat(incoming: Iterable[ChatInput]) -> list[list[ChatInput]]:
    """Group updates by chat, each chat's in their order."""
    ordered = sorted(incoming, key=lambda chat_input: (chat_input.chat_id, chat_input.update_id))
    return [list(group) for _chat, group in groupby(ordered, key=lambda chat_input: chat_input.chat_id)]


def _forget_old(now: datetime) -> None:
    with transaction() as session:
        persistence.forget_old(session, now)


async def _run(url: str, token: str) -> None:
    if task := asyncio.current_task():
        for stop_signal in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(stop_signal, task.cancel)
    messenger = TelegramMessenger(url, token)
    while True:
        try:
            await messenger.open()
            break
        except TryLater as later:
            await asyncio.sleep(later.seconds)
    try:
        await serve_updates(messenger)
    finally:
        close_decoders()
        await messenger.close()


def main() -> int:
    """Run the bot. Return the exit code: 0 when asked to stop, 2 without a usable token."""
    settings = get_settings()
    if settings.telegram_token is None or not settings.telegram_token.get_secret_value():
        sys.stderr.write("langnghe: LANGNGHE_TELEGRAM_TOKEN is not set, so there is no bot to run\n")
        return 2
    token = settings.telegram_token.get_secret_value()
    handler = logging.StreamHandler()
    handler.setFormatter(MaskingFormatter(token))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    for name in ("httpx", "httpcore", "telegram"):
        logging.getLogger(name).setLevel(logging.WARNING)
    try:
        with contextlib.suppress(asyncio.CancelledError):
            asyncio.run(_run(settings.telegram_api_url, token))
    except InvalidToken:
        log.error("Telegram refuses LANGNGHE_TELEGRAM_TOKEN")
        return 2
    return 0
