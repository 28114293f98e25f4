"""The three scores by buttons and an optional remark, stored once by the same verb as on the web.

Scores wait in the chat's state until the remark is written, declined, or the person turns to something else.
"""

from backend.errors import Conflict
from backend.messengers.messenger import ChatInput
from backend.notify import invitation
from backend.notify import texts as notices
from backend.notify.invitation import ButtonPress
from backend.ratings import service as ratings
from backend.tickets import dossier, queries
from backend.tickets.lifecycle import Event
from backend.tickets.models import Channel
from backend.tickets.sender_checks import count_answers
from backend.tickets.sender_rights import read_sender_rights, tell_sender
from backend.web.language import SOURCE
from bot import texts
from bot.conversations.follow import own_ticket
from bot.conversations.talk import ConversationTurn

OPEN_MOST = 5  # ratings begun and not finished that a chat's state keeps


def press_score(talk: ConversationTurn, said: ChatInput, invited: ButtonPress) -> None:
    """One score. Whoever presses must be the sender of that ticket, in this chat; the first press of an item counts."""
    ticket = own_ticket(talk, invited.ticket_id)
    talk.remove_buttons(said)
    tell_sender(talk.session, ticket, talk.now)  # the button stood below the answer
    known = dossier.read_dossier(talk.session, queries.by_id(talk.session, ticket.id), talk.now)
    answers = count_answers(known.history)
    if Event.RATED not in read_sender_rights(known):
        rated = ratings.find_rating(talk.session, ticket.id, answers) is not None
        raise Conflict(texts.RATED_BEFORE if rated else texts.NOT_ANSWERED)
    if invited.answer != answers:
        raise Conflict(texts.ANSWERED_ANEW)
    begun: dict[str, dict[str, int]] = talk.state.setdefault("scores", {})
    scores = begun.setdefault(_place(ticket.id, answers), {})
    item = str(invited.item)
    text = texts.SCORED_BEFORE if item in scores else texts.SCORED
    score = scores.setdefault(item, invited.score)
    talk.say(text, n=invited.item + 1, score=score)
    while len(begun) > OPEN_MOST:
        begun.pop(next(iter(begun)))
    _ask_next(talk, ticket.id, answers, scores)


def _place(ticket_id: int, answer: int) -> str:
    """Where the scores of one answer wait: ``42`` of the first, ``42.2`` of the second."""
    return str(ticket_id) if answer == 1 else f"{ticket_id}.{answer}"


def _ask_next(talk: ConversationTurn, ticket_id: int, answer: int, scores: dict[str, int]) -> None:
    left = [item for item in range(len(ratings.ITEMS)) if str(item) not in scores]
    if left:
        buttons = invitation.rating_buttons(ticket_id, talk.chat_id, left[0], answer)
        talk.tell(notices.rating_question(talk.language or SOURCE, left[0]), buttons)
        return
    talk.turn_aside("remark", ticket_id=ticket_id, answer=answer)
    ask_remark(talk)


def ask_remark(talk: ConversationTurn) -> None:
    talk.ask(talk.words(texts.REMARK), [[(talk.words(texts.REMARK_NONE), "none")]])


def take_remark(talk: ConversationTurn, said: ChatInput, value: str | None) -> None:
    """The remark, or the button that there is none."""
    _store(talk, said.text if value is None else "")


def finish_before(talk: ConversationTurn) -> None:
    """Somebody who turns to something else has given three scores all the same: they are stored without a remark."""
    if talk.aside is not None and talk.aside["kind"] == "remark":
        _store(talk, "")


def _store(talk: ConversationTurn, remark: str) -> None:
    """Scores of an answer that was followed by another are not taken for the new one."""
    aside = talk.aside or {}
    ticket_id, answer = int(aside["ticket_id"]), int(aside.get("answer", 1))
    ticket = own_ticket(talk, ticket_id)
    known = dossier.read_dossier(talk.session, ticket, talk.now)
    if count_answers(known.history) != answer:
        raise Conflict(texts.ANSWERED_ANEW)
    scores = talk.state["scores"][_place(ticket_id, answer)]
    given = {name: scores[str(item)] for item, name in enumerate(ratings.ITEMS)}
    ratings.store_rating(
        talk.session, ticket_id, ratings.RatingScores(**given, remark=remark), channel=Channel.TELEGRAM, now=talk.now
    )
    talk.state["scores"].pop(_place(ticket_id, answer))
    talk.come_back()
    talk.say(texts.RATED)
