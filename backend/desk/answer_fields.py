"""The fields of an answer's form beside its text: their names on the page, and what was submitted in them.

A page can hold the answer, the draft and the approval at once, in one form. So each field bears the name of the
action's text in front: ``answer_outcome``, ``draft_outcome``, ``approved_outcome``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from backend.errors import DomainError
from backend.tickets.answers.outcomes import AnswerContent, AnswerOutcome, AnswerProof, EarlierReference
from backend.tickets.answers.points import POINTS_MOST, propose_points, read_points
from backend.web.forms import FormReader, FormView

TEXTS: Final = ("answer", "draft", "approved")  # the text fields of the three actions
REFUSAL: Final = "refusal"
_PLAIN: Final = (
    *("outcome", "until", "ground", "earlier", "earlier_words", "document", "document_on", "visited_on", "visitor"),
    *("send_open", "open_reason"),
)
_EARLIER: Final = ("earlier", "earlier_words")
_POINTS: Final = tuple(f"{name}_{number}" for number in range(1, POINTS_MOST + 1) for name in ("point", "in_text"))
# Fields that hold no text to be copied: quick to choose again.
CHOICES: Final = frozenset(
    f"{text}_{name}"
    for text in TEXTS
    for name in (*("outcome", "ground", "send_open"), *(name for name in _POINTS if name.startswith("in_text")))
)


@dataclass(frozen=True)
class AnswerForm:
    """What was submitted with an answer."""

    content: AnswerContent
    until: date | None
    ground: str
    earlier: EarlierReference


def answer_inputs(text: str) -> tuple[str, ...]:
    """Return the names of all fields that belong to the action with this text field."""
    return tuple(f"{text}_{name}" for name in (*_PLAIN, *_POINTS))


def approval_inputs(text: str) -> tuple[str, ...]:
    """Return the names of the fields of an approval: the outcome alone can be named anew."""
    return tuple(f"{text}_{name}" for name in ("outcome", "until", "ground", *_EARLIER))


def refusal_inputs() -> tuple[str, ...]:
    """Return the names of the fields about an earlier answer in the form of a refusal."""
    return tuple(f"{REFUSAL}_{name}" for name in _EARLIER)


def read_answer(form: FormReader, text: str) -> AnswerForm:
    """Read the fields of an answer. The form collects what is no date; the ticket's checks say what is missing."""
    outcome = form.raw(f"{text}_outcome")
    proof = AnswerProof(
        document=form.raw(f"{text}_document"),
        document_on=form.day(f"{text}_document_on"),
        visited_on=form.day(f"{text}_visited_on"),
        visitor=form.raw(f"{text}_visitor"),
    )
    numbers = range(1, POINTS_MOST + 1)
    replies = tuple((form.raw(f"{text}_point_{n}"), form.ticked(f"{text}_in_text_{n}")) for n in numbers)
    content = AnswerContent(
        outcome=AnswerOutcome(outcome) if outcome in set(AnswerOutcome) else None,
        proof=proof,
        replies=replies,
        send_open=form.ticked(f"{text}_send_open"),
        open_reason=form.raw(f"{text}_open_reason"),
    )
    until = form.day(f"{text}_until") if content.outcome is AnswerOutcome.PROMISED else None
    return AnswerForm(content, until, form.raw(f"{text}_ground")[:40], read_earlier(form, text))


def read_earlier(form: FormReader, text: str) -> EarlierReference:
    return EarlierReference(form.raw(f"{text}_earlier")[:40], form.raw(f"{text}_earlier_words"))


def with_proposal(form: FormReader, content: str) -> FormView:
    """Return the form as typed. Where its officer asks for it, the points that the sender's text seems to hold stand
    below those that were typed."""
    view = form.form()
    if not form.ticked("propose_points"):
        return view
    typed = read_points(view.value("points"))
    proposed = [point for point in propose_points(content) if point not in typed]
    return FormView({**view.values, "points": "\n".join([*typed, *proposed])}, view.errors)


def errors_on_page(errors: Mapping[str, DomainError], text: str, inputs: tuple[str, ...]) -> dict[str, DomainError]:
    """Return refusals by the names of the page. The services call the text of an action ``text``, and the fields of an
    answer by their plain names."""
    prefix = REFUSAL if f"{REFUSAL}_earlier" in inputs else text
    return {_name_on_page(name, text, f"{prefix}_{name}", inputs): error for name, error in errors.items()}


def _name_on_page(name: str, text: str, prefixed: str, inputs: tuple[str, ...]) -> str:
    if name == "text":
        return text
    return prefixed if prefixed in inputs else name
