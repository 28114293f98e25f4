"""A rating in the chat: three scores by buttons and an optional remark, stored by the same service as on the web.

The scores wait in the chat's state until the person writes a remark, declines to, or turns to something else.
"""

from backend.errors import Conflict
from backend.messengers.messenger import ChatInput
from backend.notify import invitation
from backend.notify import texts as notices
from backend.notify.invitation import ButtonPress
from backend.ratings import service as ratings
from backend.tickets import queries
from backend.tickets.dossier import Dossier, read_dossier
from backend.tickets.lifecycle import Event
from backend.tickets.models import Channel
from backend.tickets.senders.sender_checks import decision_number
from backend.tickets.senders.sender_rights import read_sender_rights, tell_sender
from backend.web.language import SOURCE
from bot import texts
from bot.conversations import judgement
from bot.conversations.talk import ConversationTurn, own_ticket

OPEN_MOST = 5  # unfinished ratings that a chat's state holds


def press_score(talk: ConversationTurn, chat_input: ChatInput, button: ButtonPress) -> None:
    """Take one score. Only the first press of an item counts.

    Raises NotFound unless this chat sent the ticket; Conflict where the answer cannot be rated, or not any more.
    """
    ticket = own_ticket(talk, button.ticket_id)
    talk.remove_buttons(chat_input)
    tell_sender(talk.session, ticket, talk.now)  # the button stands below the answer, so the sender has read it
    dossier = read_dossier(talk.session, queries.by_id(talk.session, ticket.id), talk.now)
    answer = decision_number(dossier.history)
    _check_rating_right(talk, dossier, answer)
    if button.answer != answer:
        raise Conflict(texts.ANSWERED_ANEW)
    scores = _open_scores(talk, ticket.id, answer)
    item = str(button.item)
    text = texts.SCORED_BEFORE if item in scores else texts.SCORED
    talk.say(text, n=button.item + 1, score=scores.setdefault(item, button.score))
    _ask_next(talk, ticket.id, answer, scores)


def _check_rating_right(talk: ConversationTurn, dossier: Dossier, answer: int) -> None:
    """Raise Conflict where the sender may not rate: the answer is rated already, or there is none."""
    if Event.RATED in read_sender_rights(dossier):
        return
    rated = ratings.find_rating(talk.session, dossier.ticket.id, answer) is not None
    raise Conflict(texts.RATED_BEFORE if rated else texts.NOT_ANSWERED)


def _open_scores(talk: ConversationTurn, ticket_id: int, answer: int) -> dict[str, int]:
    """Return the scores of one answer in the chat's state: item -> score. Drop the oldest beyond ``OPEN_MOST``."""
    open_ratings: dict[str, dict[str, int]] = talk.state.setdefault("scores", {})
    scores = open_ratings.setdefault(_rating_key(ticket_id, answer), {})
    while len(open_ratings) > OPEN_MOST:
        open_ratings.pop(next(iter(open_ratings)))
    return scores


def _rating_key(ticket_id: int, answer: int) -> str:
    """Return the key of one answer's scores: ``42`` for the first answer of ticket 42, ``42.2`` for the second."""
    return str(ticket_id) if answer == 1 else f"{ticket_id}.{answer}"


def _ask_next(talk: ConversationTurn, ticket_id: int, answer: int, scores: dict[str, int]) -> None:
    """Ask for the next score, or for the remark once all scores are there."""
    open_items = [item for item in range(len(ratings.ITEMS)) if str(item) not in scores]
    if open_items:
        buttons = invitation.rating_buttons(ticket_id, talk.chat_id, open_items[0], answer)
        talk.tell(notices.rating_question(talk.language or SOURCE, open_items[0]), buttons)
        return
    talk.turn_aside("remark", ticket_id=ticket_id, answer=answer)
    ask_remark(talk)


def ask_remark(talk: ConversationTurn) -> None:
    talk.ask(talk.words(texts.REMARK), [[(talk.words(texts.REMARK_NONE), "none")]])


def take_remark(talk: ConversationTurn, chat_input: ChatInput, value: str | None) -> None:
    """Take the remark, or the button that says there is none, and store the rating."""
    _store(talk, chat_input.text if value is None else "")


def finish_before(talk: ConversationTurn) -> None:
    """Store the three scores without a remark when the person turns to something else."""
    if talk.aside is not None and talk.aside["kind"] == "remark":
        _store(talk, "")


def _store(talk: ConversationTurn, remark: str) -> None:
    """Store the rating. Raises Conflict if a new answer came meanwhile: the scores are about the old one."""
    aside = talk.aside or {}
    ticket_id, answer = int(aside["ticket_id"]), int(aside.get("answer", 1))
    ticket = own_ticket(talk, ticket_id)
    if decision_number(read_dossier(talk.session, ticket, talk.now).history) != answer:
        raise Conflict(texts.ANSWERED_ANEW)
    scores = talk.state["scores"].pop(_rating_key(ticket_id, answer))
    scores_by_name = {name: scores[str(item)] for item, name in enumerate(ratings.ITEMS)}
    rating = ratings.RatingScores(**scores_by_name, remark=remark)
    ratings.store_rating(talk.session, ticket_id, rating, channel=Channel.TELEGRAM, now=talk.now)
    talk.come_back()
    talk.say(texts.RATED)
    dossier = read_dossier(talk.session, queries.by_id(talk.session, ticket_id), talk.now)
    if dossier.ticket.citizen_verdict is None:
        judgement.offer_judgement(talk, dossier, read_sender_rights(dossier))
