"""The three scores by buttons and an optional remark, stored once by the same verb as on the web.

Scores wait in the chat's state until the remark is written, declined, or the person turns to something else.
"""

from backend.errors import Conflict
from backend.messengers.messenger import ChatInput
from backend.notify import invitation
from backend.notify import texts as notices
from backend.notify.invitation import ButtonPress
from backend.ratings import service as ratings
from backend.tickets.models import Channel, TicketState
from backend.web.language import SOURCE
from bot import texts
from bot.conversations.follow import own_ticket
from bot.conversations.talk import ConversationTurn

OPEN_MOST = 5  # ratings begun and not finished that a chat's state keeps


def press_score(talk: ConversationTurn, said: ChatInput, invited: ButtonPress) -> None:
    """One score. Whoever presses must be the sender of that ticket, in this chat; the first press of an item counts."""
    ticket = own_ticket(talk, invited.ticket_id)
    talk.remove_buttons(said)
    if ratings.find_rating(talk.session, ticket.id) is not None:
        raise Conflict(texts.RATED_BEFORE)
    if ticket.state is not TicketState.ANSWERED:
        raise Conflict(texts.NOT_ANSWERED)
    begun: dict[str, dict[str, int]] = talk.state.setdefault("scores", {})
    scores = begun.setdefault(str(ticket.id), {})
    item = str(invited.item)
    text = texts.SCORED_BEFORE if item in scores else texts.SCORED
    score = scores.setdefault(item, invited.score)
    talk.say(text, n=invited.item + 1, score=score)
    while len(begun) > OPEN_MOST:
        begun.pop(next(iter(begun)))
    _ask_next(talk, ticket.id, scores)


def _ask_next(talk: ConversationTurn, ticket_id: int, scores: dict[str, int]) -> None:
    left = [item for item in range(len(ratings.ITEMS)) if str(item) not in scores]
    if left:
        buttons = invitation.rating_buttons(ticket_id, talk.chat_id, left[0])
        talk.tell(notices.rating_question(talk.language or SOURCE, left[0]), buttons)
        return
    talk.turn_aside("remark", ticket_id=ticket_id)
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
    ticket_id = int((talk.aside or {})["ticket_id"])
    own_ticket(talk, ticket_id)
    scores = talk.state["scores"][str(ticket_id)]
    given = {name: scores[str(item)] for item, name in enumerate(ratings.ITEMS)}
    ratings.store_rating(
        talk.session, ticket_id, ratings.RatingScores(**given, remark=remark), channel=Channel.TELEGRAM, now=talk.now
    )
    talk.state["scores"].pop(str(ticket_id))
    talk.come_back()
    talk.say(texts.RATED)
