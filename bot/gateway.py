"""Between messenger and services: one turn is one transaction in a thread, then what is owed is done in the chat."""

import asyncio
import logging
from collections.abc import Iterable
from io import BytesIO

from sqlalchemy.exc import InterfaceError, OperationalError

from backend import clock
from backend.attachments import service as attachments
from backend.db import transaction
from backend.errors import DomainError, TooMany
from backend.messengers.messenger import ChatGone, ChatInput, Keyboard, Messenger, TryLater
from backend.notify.channels import split_text
from backend.web.language import SOURCE, gettext, translate_error
from bot import conversations, persistence, texts
from bot.conversations import ConversationTurn
from bot.effects import BotEffect, EffectKind

NO_DATABASE = (OperationalError, InterfaceError)

log = logging.getLogger("langnghe.bot")


class BotGateway:
    """``debts`` are chats that something is still owed to, each with the moment of the loop's clock to try again."""

    def __init__(self, messenger: Messenger) -> None:
        self.messenger = messenger
        self.debts: dict[int, float] = {}

    async def handle(self, incoming: Iterable[ChatInput]) -> None:
        """Updates of one chat, in their order. Raises only where the database is away: they will come again."""
        for said in incoming:
            await asyncio.to_thread(answer_input, said)
            if said.press_id:
                await self._settle(said.press_id)
            await self.pay(said.chat_id)

    async def _settle(self, press_id: str) -> None:
        """Stops the waiting sign on the button; nothing is lost where it does not."""
        try:
            await self.messenger.settle(press_id)
        except (ChatGone, TryLater):
            log.info("a press was not settled")

    async def pay(self, chat_id: int) -> None:
        """Do all that is owed to a chat, in order; what cannot be done now stays owed."""
        self.debts.pop(chat_id, None)
        try:
            while True:
                owed, language = await asyncio.to_thread(_list_owed, chat_id)
                if not owed:
                    return
                for effect in owed:
                    await self._perform(chat_id, effect, language or SOURCE)
        except TryLater as later:
            self.debts[chat_id] = asyncio.get_running_loop().time() + later.seconds
        except ChatGone:
            await asyncio.to_thread(_forget, chat_id)

    async def pay_again(self) -> None:
        """Chats whose waiting time is over."""
        now = asyncio.get_running_loop().time()
        for chat_id in [chat_id for chat_id, at in self.debts.items() if at <= now]:
            await self.pay(chat_id)

    async def take_over(self) -> None:
        """What a process that ended still owed."""
        for chat_id in await asyncio.to_thread(_debtors):
            await self.pay(chat_id)

    async def _perform(self, chat_id: int, effect: BotEffect, language: str) -> None:
        if effect.do is EffectKind.KEEP_PHOTO:
            await self._keep_photo(chat_id, effect, language)
            return
        if effect.do is EffectKind.DELETE:
            await self.messenger.delete(chat_id, effect.message_id)
        elif effect.do is EffectKind.REMOVE_BUTTONS:
            await self.messenger.remove_buttons(chat_id, effect.message_id)
        else:
            *parts, last = split_text(effect.words())
            for part in parts:
                await self.messenger.say(chat_id, part, (), Keyboard.NONE, "")
            await self.messenger.say(chat_id, last, effect.buttons, effect.keyboard, effect.keyboard_text)
        await asyncio.to_thread(_mark_paid, chat_id)

    async def _keep_photo(self, chat_id: int, effect: BotEffect, language: str) -> None:
        """Fetched and re-encoded with no connection held; kept, and no longer owed, in one transaction. A photo that
        finds no decoder or no room stays owed."""
        try:
            content = await self.messenger.file(effect.file_id)
            photo = await attachments.hold_upload(BytesIO(content), clock.now())
            await asyncio.to_thread(_keep_photo, chat_id, effect.ticket_id, photo)
        except TooMany as full:
            raise TryLater(full.retry_after) from None
        except DomainError as refusal:
            sentence = gettext(language, texts.PHOTO_LOST, {"why": translate_error(refusal, language)})
            await asyncio.to_thread(_mark_paid, chat_id, BotEffect(EffectKind.SAY, sentence))


def answer_input(said: ChatInput) -> None:
    """One turn: all of it or nothing. A refusal, or a failure of ours, is a turn too: it is told and not met again."""
    try:
        _turn(said, None)
    except DomainError as refusal:
        _turn(said, refusal)
    except NO_DATABASE:
        raise
    except Exception as failure:
        # The message of an exception may quote what was typed, so only its kind and place are logged.
        trace = failure.__traceback__
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        place = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace else "?"
        log.error("a turn failed: %s at %s", type(failure).__name__, place)
        _turn(said, DomainError(texts.FAILED))


def _turn(said: ChatInput, refusal: DomainError | None) -> None:
    now = clock.now()
    with transaction() as session:
        chat = persistence.lock_chat(session, said.chat_id, now)
        if persistence.dealt_with(chat, said.update_id, now):
            return
        talk = ConversationTurn(session, said.chat_id, chat.language, persistence.state_of(chat), now)
        if refusal is None:
            conversations.respond(talk, said)
        else:
            conversations.tell_refusal(talk, said, refusal)
        chat.language = talk.language
        persistence.keep_state(chat, talk.state, talk.effects, said.update_id, now)


def _list_owed(chat_id: int) -> tuple[list[BotEffect], str | None]:
    with transaction() as session:
        return persistence.list_owed(session, chat_id)


def _mark_paid(chat_id: int, instead: BotEffect | None = None) -> None:
    with transaction() as session:
        persistence.mark_paid(session, chat_id)
        if instead is not None:
            persistence.add_debt(session, chat_id, instead)


def _keep_photo(chat_id: int, ticket_id: int, photo: attachments.WaitingPhoto) -> None:
    with transaction() as session:
        attachments.attach_photos(session, ticket_id, [photo], clock.now())
        persistence.mark_paid(session, chat_id)


def _forget(chat_id: int) -> None:
    with transaction() as session:
        persistence.forget_chat(session, chat_id)


def _debtors() -> list[int]:
    with transaction() as session:
        return persistence.list_debtors(session)
