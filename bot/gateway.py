"""Connects messenger and conversations. A turn is one transaction in a thread; then its effects are carried out."""

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
    """``debts``: chat id -> when to try its effects again, in seconds of the event loop's clock."""

    def __init__(self, messenger: Messenger) -> None:
        self.messenger = messenger
        self.debts: dict[int, float] = {}

    async def handle(self, incoming: Iterable[ChatInput]) -> None:
        """Answer the updates of one chat in their order. Raises only if the database is away; then they come again."""
        for chat_input in incoming:
            await asyncio.to_thread(answer_input, chat_input)
            if chat_input.press_id:
                await self._settle(chat_input.press_id)
            await self.pay(chat_input.chat_id)

    async def _settle(self, press_id: str) -> None:
        """Stop the waiting sign on the button. A failure is harmless and only logged."""
        try:
            await self.messenger.settle(press_id)
        except (ChatGone, TryLater):
            log.info("a press was not settled")

    async def pay(self, chat_id: int) -> None:
        """Carry out all effects owed to a chat, in order. What cannot be done now stays owed."""
        self.debts.pop(chat_id, None)
        try:
            while True:
                effects, language = await asyncio.to_thread(_list_owed, chat_id)
                if not effects:
                    return
                for effect in effects:
                    await self._perform(chat_id, effect, language or SOURCE)
        except TryLater as later:
            self.debts[chat_id] = asyncio.get_running_loop().time() + later.seconds
        except ChatGone:
            await asyncio.to_thread(_forget, chat_id)

    async def pay_again(self) -> None:
        """Carry out the effects of chats whose waiting time is over."""
        now = asyncio.get_running_loop().time()
        for chat_id in [chat_id for chat_id, at in self.debts.items() if at <= now]:
            await self.pay(chat_id)

    async def take_over(self) -> None:
        """Carry out the effects that a process left when it ended."""
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
        """Fetch and re-encode a photo without a database connection, then store it and settle the debt in one
        transaction. The photo stays owed if no decoder or no room is free. A photo that is refused is reported."""
        try:
            content = await self.messenger.file(effect.file_id)
            photo = await attachments.hold_upload(BytesIO(content), clock.now())
            await asyncio.to_thread(_keep_photo, chat_id, effect.ticket_id, photo)
        except TooMany as busy:
            raise TryLater(busy.retry_after) from None
        except DomainError as refusal:
            sentence = gettext(language, texts.PHOTO_LOST, {"why": translate_error(refusal, language)})
            await asyncio.to_thread(_mark_paid, chat_id, BotEffect(EffectKind.SAY, sentence))


def answer_input(chat_input: ChatInput) -> None:
    """Take one turn, completely or not at all.

    A refusal or a failure of the program rolls the turn back and then becomes a turn of its own that tells the person;
    so the same update does not fail again and again. Raises only if the database is away.
    """
    try:
        _turn(chat_input, None)
    except DomainError as refusal:
        _turn(chat_input, refusal)
    except NO_DATABASE:
        raise
    except Exception as failure:
        # The message of an exception may quote what somebody typed, so only its class and place are logged.
        trace = failure.__traceback__
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        place = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace else "?"
        log.error("a turn failed: %s at %s", type(failure).__name__, place)
        _turn(chat_input, DomainError(texts.FAILED))


def _turn(chat_input: ChatInput, refusal: DomainError | None) -> None:
    now = clock.now()
    with transaction() as session:
        chat = persistence.lock_chat(session, chat_input.chat_id, now)
        if persistence.dealt_with(chat, chat_input.update_id, now):
            return
        talk = ConversationTurn(session, chat_input.chat_id, chat.language, persistence.state_of(chat), now)
        if refusal is None:
            conversations.respond(talk, chat_input)
        else:
            conversations.tell_refusal(talk, chat_input, refusal)
        chat.language = talk.language
        persistence.keep_state(chat, talk.state, talk.effects, chat_input.update_id, now)


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
