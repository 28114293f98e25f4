"""What the page of a ticket shows of answers: the choices of their forms, and what the latest answer or draft says."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from backend.deadlines.grounds import GroundList, grounds_on
from backend.tickets.answers import queries
from backend.tickets.answers.points import propose_points
from backend.tickets.answers.promises import AnswerPromise, open_promise
from backend.tickets.answers.queries import AnswerView
from backend.tickets.answers.texts import OUTCOME_NAMES, AnswerTexts, answer_texts
from backend.tickets.dossier import Dossier
from backend.tickets.models import TicketState
from backend.web.language import day_text, gettext
from backend.worktime.calendar import local_time

# The text fields that begin with a text that is there already: field -> the event that wrote it.
BEGINS_WITH: Final = {"approved": "submitted_for_approval", "points": "points_listed"}
# Actions whose fields change neither due date nor unit: a preview would say nothing.
PREVIEWLESS: Final = ("assigned", "noted", "answered", "submitted_for_approval", "promise_explained")


@dataclass(frozen=True)
class DeskAnswer:
    """An answer, a refusal or a draft as staff read it: its texts, and what the sender does not get.

    ``outcome`` is its name for staff, with the date or the ground; empty where there is none.
    """

    view: AnswerView
    texts: AnswerTexts
    outcome: str


@dataclass(frozen=True)
class DeskAnswering:
    """What the forms of answers offer, and what was said so far.

    ``outcomes`` and ``grounds`` are (value, name). ``points`` are those that the officer listed;
    ``proposed``: the sender's text holds points that could be listed.
    """

    outcomes: Sequence[tuple[str, str]]
    grounds: Sequence[tuple[str, str]]
    points: Sequence[str]
    proposed: bool
    draft: DeskAnswer | None
    answer: DeskAnswer | None
    promise: AnswerPromise | None
    promise_missed: bool


def read_answering(dossier: Dossier, language: str) -> DeskAnswering:
    """Return what the page of a ticket shows of answers."""
    session, history, ticket = dossier.session, dossier.history, dossier.ticket
    today = local_time(dossier.at).date()
    promise = open_promise(history)
    points = queries.points_of(session, history)
    awaiting = ticket.state is TicketState.AWAITING_APPROVAL
    return DeskAnswering(
        **_choices(language, today),
        points=points,
        proposed=not points and bool(propose_points(ticket.content)),
        draft=_desk_answer(queries.latest_draft(session, history), language) if awaiting else None,
        answer=_desk_answer(queries.latest_decision(session, history), language),
        promise=promise,
        promise_missed=promise is not None and promise.promised < today,
    )


def answering_of_group(language: str, today: date) -> DeskAnswering:
    """Return what the answer to a group offers: it names an outcome and replies to no single point."""
    nothing: dict[str, Any] = dict.fromkeys(("draft", "answer", "promise"))
    return DeskAnswering(**_choices(language, today), points=(), proposed=False, promise_missed=False, **nothing)


def _choices(language: str, today: date) -> dict[str, Any]:
    """Return the outcomes, and the grounds on which something cannot be done today."""
    grounds = grounds_on(GroundList.NOT_POSSIBLE, today)
    return {
        "outcomes": [(outcome.value, gettext(language, name)) for outcome, name in OUTCOME_NAMES.items()],
        "grounds": [
            (ground.code, f"{gettext(language, ground.text)} ({gettext(language, ground.basis)})") for ground in grounds
        ],
    }


def _desk_answer(view: AnswerView | None, language: str) -> DeskAnswer | None:
    if view is None:
        return None
    return DeskAnswer(view, answer_texts(view, language), _outcome_for_staff(view, language))


def _outcome_for_staff(view: AnswerView, language: str) -> str:
    if view.outcome is None:
        return ""
    name = gettext(language, OUTCOME_NAMES[view.outcome])
    more = gettext(language, view.ground.text) if view.ground else day_text(view.until) if view.until else ""
    return f"{name}: {more}" if more else name
