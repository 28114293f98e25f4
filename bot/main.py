"""``python -m bot``: reads what people write to the bot, by long polling, as the only one who does."""

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

LONG_POLL = 25  # seconds; shorter while something is owed to a chat
STAND_BY = 5.0  # seconds between looks whether the process that reads has ended
NO_DATABASE_FOR = 2.0
FORGET_EVERY = timedelta(hours=6)

log = logging.getLogger("langnghe.bot")


class MaskingFormatter(logging.Formatter):
    """No line, traceback included, shows the token."""

    def __init__(self, token: str) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s")
        self.token = token

    def format(self, record: logging.LogRecord) -> str:
        return super().format(record).replace(self.token, "<token>")


async def serve_updates(messenger: Messenger) -> None:
    """Read as long as nobody else does and the database answers; else wait and try again."""
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
    """Updates are confirmed after they were dealt with: who dies in between meets them again."""
    gateway = BotGateway(messenger)
    await gateway.take_over()
    confirmed: int | None = None
    forgot: datetime | None = None
    while True:
        await asyncio.to_thread(persistence.still_only, connection)
        if forgot is None or clock.now() - forgot > FORGET_EVERY:
            forgot = clock.now()
            await asyncio.to_thread(_forget_old, forgot)
        try:
            updates = await messenger.updates(confirmed, 1 if gateway.debts else LONG_POLL)
        except TryLater as later:
            await asyncio.sleep(later.seconds)
            continue
        turns = (gateway.handle(said) for said in by_chat(updates.incoming))
        # All end before any failure counts: nobody is to be answered by two readings at once.
        for failure in await asyncio.gather(*turns, return_exceptions=True):
            if failure is not None:
                raise failure
        confirmed = updates.confirmed
        await gateway.pay_again()


def by_chat(incoming: Iterable[ChatInput]) -> list[list[ChatInput]]:
    """Each chat's updates in their order."""
    ordered = sorted(incoming, key=lambda said: (said.chat_id, said.update_id))
    return [list(group) for _chat, group in groupby(ordered, key=lambda said: said.chat_id)]


def _forget_old(now: datetime) -> None:
    with transaction() as session:
        persistence.forget_old(session, now)


async def _run(url: str, token: str) -> None:
    if task := asyncio.current_task():
        for sign in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(sign, task.cancel)
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
    """Exit code: 0 when asked to stop, 2 without a usable token."""
    settings = get_settings()
    if settings.telegram_token is None or not settings.telegram_token.get_secret_value():
        sys.stderr.write("langnghe: LANGNGHE_TELEGRAM_TOKEN is not set, so there is no bot to run\n")
        return 2
    token = settings.telegram_token.get_secret_value()
    handler = logging.StreamHandler()
    handler.setFormatter(MaskingFormatter(token))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    for noisy in ("httpx", "httpcore", "telegram"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    try:
        with contextlib.suppress(asyncio.CancelledError):
            asyncio.run(_run(settings.telegram_api_url, token))
    except InvalidToken:
        log.error("Telegram refuses LANGNGHE_TELEGRAM_TOKEN")
        return 2
    return 0
