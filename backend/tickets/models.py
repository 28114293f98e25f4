"""Tables of tickets: what was sent, which unit has it, until when. The personal data of senders is in its own table."""

import hashlib
from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    ColumnElement,
    Computed,
    Date,
    ForeignKey,
    Index,
    LargeBinary,
    Sequence,
    String,
    Text,
    literal_column,
    text,
)
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column, relationship

from backend.db import Base, Moment, by_value
from backend.deadlines.terms import Verdict as Verdict
from backend.tickets.answers.outcomes import AnswerOutcome
from backend.tickets.answers.outcomes import CitizenVerdict as CitizenVerdict
from backend.tickets.search.models import INDEX_OPTIONS
from backend.units.models import Unit
from backend.worktime.models import CalendarVersion

ticket_ids = Sequence("tickets_id_seq", metadata=Base.metadata)


class TicketState(StrEnum):
    """The state of a ticket. ``lifecycle.TRANSITIONS`` is the table of moves between states."""

    NEW = "new"
    ACCEPTED = "accepted"
    IN_PROGRESS = "in_progress"
    AWAITING_SENDER = "awaiting_sender"
    AWAITING_APPROVAL = "awaiting_approval"
    ANSWERED = "answered"
    PUBLISHED = "published"
    CONFIRMED = "confirmed"
    CLOSED = "closed"
    REFUSED = "refused"
    REDIRECTED = "redirected"
    WITHDRAWN = "withdrawn"
    MERGED = "merged"


# States in which a unit has work to do. A merged ticket is not open: the one that it is merged into is.
OPEN_STATES = (
    TicketState.NEW,
    TicketState.ACCEPTED,
    TicketState.IN_PROGRESS,
    TicketState.AWAITING_SENDER,
    TicketState.AWAITING_APPROVAL,
)
SETTLED_STATES = (TicketState.ANSWERED, TicketState.PUBLISHED, TicketState.CONFIRMED, TicketState.CLOSED)


def _sql_list(states: tuple[TicketState, ...]) -> str:
    return "(" + ", ".join(f"'{state.value}'" for state in states) + ")"


SETTLED_SQL = _sql_list(SETTLED_STATES)
# Literal values, so that every query plan can use the partial indexes on this condition.
OPEN_SQL = f"state IN {_sql_list(OPEN_STATES)}"
NEW_SQL = f"state = '{TicketState.NEW.value}'"
_ENDED = ("state", "waits_since", "id")
INBOX_INCLUDES = (
    *("state", "waits_for", "waits_since", "changed_at", "assignee_id", "category_code", "about_unit_id", "channel"),
    *("received_on", "received_at", "paused_on", "verdict"),
)

# Answered and not yet public, while the sender may still object.
TO_PUBLISH_SQL = "state IN ('answered', 'confirmed') AND published_at IS NULL"

FOLDED_TITLE = (
    "lower(translate(regexp_replace(NORMALIZE(title, NFKD), '[\u0300-\u036f]'::text, ''::text, 'g'::text), "
    "'đĐðÐɖƉ'::text, 'dddddd'::text))"
)


class WaitsFor(StrEnum):
    """What a ticket waits for. ``waiting`` has the rule; only a ticket that is not open waits for nothing."""

    NEW = "new"  # a unit that takes it up
    WORK = "work"
    REPLIED = "replied"  # somebody who reads what the sender has just said
    ANSWER_APPROVAL = "answer_approval"
    EXTENSION_APPROVAL = "extension_approval"
    PAUSE_DISPUTE = "pause_dispute"  # the judgement of a pause that the sender disputes
    SENDER = "sender"
    NOTHING = "nothing"


class Channel(StrEnum):
    """How the feedback came in."""

    WEB = "web"
    TELEGRAM = "telegram"
    COUNTER = "counter"
    IMPORT = "import"


class CategoryClass(StrEnum):
    """What feedback is about: a regulation (quy định), conduct (hành vi), or a place (field report, hiện trường)."""

    REGULATION = "regulation"
    CONDUCT = "conduct"
    FIELD = "field"


class Category(Base):
    """What feedback can be about, and whether its sender must give a contact.

    NĐ 92/2017 wants a name and a way to reach the sender. A province may accept field reports without them.
    """

    __tablename__ = "categories"

    code: Mapped[str] = mapped_column(String(40), primary_key=True)
    name_vi: Mapped[str] = mapped_column(String(120))
    name_en: Mapped[str] = mapped_column(String(120))
    category_class: Mapped[CategoryClass] = mapped_column(by_value(CategoryClass, "category_class"))
    contact_required: Mapped[bool] = mapped_column()
    position: Mapped[int] = mapped_column()
    listed: Mapped[bool] = mapped_column(default=True, doc="offered to senders")

    def name(self, language: str) -> str:
        return self.name_en if language == "en" else self.name_vi


class TicketDay(Base):
    """The base of the public numbers of a day: number = ticket id - base.

    The row is written once a day, so that senders never wait for a counter.
    """

    __tablename__ = "ticket_days"

    day: Mapped[date] = mapped_column(Date, primary_key=True)
    base: Mapped[int] = mapped_column()


class Ticket(Base):
    """A piece of feedback and its handling. Only ``tickets.service`` assigns ``state``."""

    __tablename__ = "tickets"
    __table_args__ = (
        CheckConstraint("answered_at IS NULL OR verdict IS NOT NULL", name="verdict_with_answer"),
        CheckConstraint(f"answered_at IS NOT NULL OR state NOT IN {SETTLED_SQL}", name="answered_state"),
        CheckConstraint("(state = 'merged') = (merged_into_id IS NOT NULL)", name="merged_state"),
        CheckConstraint("merged_into_id <> id", name="merged_into_another"),
        CheckConstraint(f"(waits_for = 'nothing') = (NOT {OPEN_SQL})", name="waiting_state"),
        CheckConstraint("answered_at IS NULL OR answered_on >= received_on", name="answered_after_received"),
        CheckConstraint("octet_length(secret_hash) = 32 OR channel = 'import'", name="secret"),
        # The inbox: what its filters ask of open tickets stands in the index, so that only the page itself is read.
        Index(
            "ix_tickets_inbox",
            *("unit_id", "due_date", "id"),
            postgresql_include=INBOX_INCLUDES,
            postgresql_where=text(OPEN_SQL),
        ),
        Index("ix_tickets_open", "id", postgresql_where=text(OPEN_SQL)),
        Index("ix_tickets_new", "unit_id", "id", postgresql_where=text(NEW_SQL)),
        # The orders of the province's inbox, and its lists of what few tickets wait for.
        Index("ix_tickets_open_wait", "waits_for", "due_date", "id", postgresql_where=text(OPEN_SQL)),
        Index("ix_tickets_open_due", "due_date", "id", postgresql_where=text(OPEN_SQL)),
        Index("ix_tickets_open_received", "received_at", "id", postgresql_where=text(OPEN_SQL)),
        Index("ix_tickets_open_changed", "changed_at", "id", postgresql_where=text(OPEN_SQL)),
        Index("ix_tickets_open_waiting", "waits_since", "id", postgresql_where=text(OPEN_SQL)),
        Index("ix_tickets_assignee", "assignee_id", postgresql_where=text(f"assignee_id IS NOT NULL AND {OPEN_SQL}")),
        # Lists of ended tickets, of the province and of a unit.
        Index("ix_tickets_ended", "state", "waits_since", "id", postgresql_where=text(f"NOT {OPEN_SQL}")),
        Index(
            "ix_tickets_ended_unit", "unit_id", "state", "waits_since", "id", postgresql_where=text(f"NOT {OPEN_SQL}")
        ),
        Index(None, "merged_into_id", postgresql_where=text("merged_into_id IS NOT NULL")),
        CheckConstraint("promises_missed <= promises_given", name="promises"),
        Index("ix_tickets_promised", "promise_until", "id", postgresql_where=text("promise_until IS NOT NULL")),
        Index(None, "group_id", postgresql_where=text("group_id IS NOT NULL")),
        Index("ix_tickets_received", "unit_id", "received_on"),
        Index("ix_tickets_received_all", "received_on"),
        Index("ix_tickets_answered", "unit_id", "answered_on"),
        Index("ix_tickets_to_publish", "decided_at", "id", postgresql_where=text(TO_PUBLISH_SQL)),
    )

    id: Mapped[int] = mapped_column(ticket_ids, primary_key=True)
    number: Mapped[str] = mapped_column(String(40), unique=True)
    state: Mapped[TicketState] = mapped_column(by_value(TicketState, "state"))
    version: Mapped[int] = mapped_column(
        default=1, doc="rises with each transition; a form with an old version is refused"
    )
    channel: Mapped[Channel] = mapped_column(by_value(Channel, "channel"))
    category_code: Mapped[str] = mapped_column(ForeignKey("categories.code"))
    about_unit_id: Mapped[int] = mapped_column(ForeignKey("units.id"), doc="the unit that the feedback is about")
    unit_id: Mapped[int] = mapped_column(ForeignKey("units.id"), doc="the unit that has it now")
    title: Mapped[str] = mapped_column(String(200))
    title_folded: Mapped[str] = mapped_column(
        Text,
        Computed(FOLDED_TITLE, persisted=True),
        deferred=True,
        doc="for searching: the title as ``fold_text`` gives it",
    )
    content: Mapped[str] = mapped_column(Text)
    language: Mapped[str] = mapped_column(String(2), default="vi")

    received_at: Mapped[datetime] = mapped_column(Moment)
    received_on: Mapped[date] = mapped_column(doc="day of reception in Asia/Ho_Chi_Minh")
    acknowledged_at: Mapped[datetime | None] = mapped_column(
        Moment, doc="when the sender got number, unit and due date"
    )
    rule: Mapped[str] = mapped_column(String(40), doc="code of the rule that counts the due date")
    term: Mapped[str] = mapped_column(String(40), doc="value of the rule at that time, such as 15 working days")
    rule_id: Mapped[int | None] = mapped_column(ForeignKey("rules.id"), doc="the stored version of that rule")
    calendar_id: Mapped[int] = mapped_column(ForeignKey("calendar_versions.id"))
    episode: Mapped[int] = mapped_column(
        default=1, server_default="1", doc="rises with each reopening; each has its own due date and rule"
    )
    due_date: Mapped[date] = mapped_column()
    due_estimated: Mapped[bool] = mapped_column(
        default=False, doc="the date depends on days that are not announced yet"
    )
    accepted_at: Mapped[datetime | None] = mapped_column(Moment)
    paused_on: Mapped[date | None] = mapped_column(doc="first day of the pause that stops the clock now")
    waits_for: Mapped[WaitsFor] = mapped_column(by_value(WaitsFor, "waits_for"))
    waits_since: Mapped[datetime] = mapped_column(Moment, doc="for a ticket that is not open: when its work ended")
    changed_at: Mapped[datetime] = mapped_column(Moment, doc="when something last happened that concerns staff")
    assignee_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    merged_into_id: Mapped[int | None] = mapped_column(ForeignKey("tickets.id"))
    group_id: Mapped[int | None] = mapped_column(ForeignKey("ticket_groups.id"))
    # These belong to the first answer. Reopening changes neither the verdict nor the day.
    answered_at: Mapped[datetime | None] = mapped_column(Moment)
    answered_on: Mapped[date | None] = mapped_column()
    working_days: Mapped[int | None] = mapped_column(doc="working days from reception to answer, without pauses")
    verdict: Mapped[Verdict | None] = mapped_column(by_value(Verdict, "verdict"))
    decided_at: Mapped[datetime | None] = mapped_column(Moment, doc="the latest answer, refusal or redirection")
    answer_outcome: Mapped[AnswerOutcome | None] = mapped_column(
        by_value(AnswerOutcome, "answer_outcome"), doc="of the latest answer; empty where the answer names none"
    )
    citizen_verdict: Mapped[CitizenVerdict | None] = mapped_column(
        by_value(CitizenVerdict, "citizen_verdict"), doc="the sender's last word; a later answer does not erase it"
    )
    promises_given: Mapped[int] = mapped_column(default=0, server_default="0", doc="answers that promised a date")
    promises_missed: Mapped[int] = mapped_column(default=0, server_default="0", doc="of these, ended after their date")
    promised_on: Mapped[date | None] = mapped_column(doc="first date of the promise that is still owed")
    promise_until: Mapped[date | None] = mapped_column(doc="date that holds now for the promise that is still owed")
    published_at: Mapped[datetime | None] = mapped_column(Moment)
    told_at: Mapped[datetime | None] = mapped_column(Moment, doc="when the latest decision first reached the sender")
    told_in_time: Mapped[bool | None] = mapped_column(doc="whether that was within the term of the rule ``notify``")
    tell_by: Mapped[date | None] = mapped_column(
        doc="last day on which the sender can get the decision in time; empty once they have it"
    )

    secret_hash: Mapped[bytes] = mapped_column(LargeBinary(32), default=b"")
    idempotency_hash: Mapped[bytes | None] = mapped_column(LargeBinary(32), unique=True)
    fingerprint: Mapped[bytes | None] = mapped_column(
        LargeBinary(32), doc="hash of what was sent, to distinguish a retry from a new text"
    )
    import_key: Mapped[str | None] = mapped_column(String(200), unique=True)
    reminded_after: Mapped[date | None] = mapped_column(
        doc="no reminders for steps up to this day; for a case of another system, the day of import"
    )
    demonstration: Mapped[bool] = mapped_column(default=False)

    category: Mapped[Category] = relationship(lazy="raise")
    unit: Mapped[Unit] = relationship(lazy="raise", foreign_keys=[unit_id])
    about_unit: Mapped[Unit] = relationship(lazy="raise", foreign_keys=[about_unit_id])
    calendar: Mapped[CalendarVersion] = relationship(lazy="raise")
    contact: Mapped["Contact | None"] = relationship(lazy="raise", back_populates="ticket")

    @property
    def open(self) -> bool:
        return self.state in OPEN_STATES

    @property
    def settled(self) -> bool:
        """Whether the ticket is answered and nobody works on it any more."""
        return self.state in SETTLED_STATES

    @property
    def untold(self) -> bool:
        """Whether the ticket is decided and the sender has not read the decision yet."""
        return self.decided_at is not None and self.told_at is None and not self.open


class Contact(Base):
    """Who sent a ticket and how to reach them. A separate table, so that it can be withheld and erased."""

    __tablename__ = "ticket_contacts"
    __table_args__ = (
        Index("ix_ticket_contacts_sender_words", "sender_words", postgresql_using="gin", postgresql_with=INDEX_OPTIONS),
    )

    ticket_id: Mapped[int] = mapped_column(ForeignKey("tickets.id"), primary_key=True)
    name: Mapped[str | None] = mapped_column(String(120))
    phone: Mapped[str | None] = mapped_column(String(40))
    email: Mapped[str | None] = mapped_column(String(200))
    address: Mapped[str | None] = mapped_column(String(300))
    chat_id: Mapped[int | None] = mapped_column(BigInteger, index=True, doc="Telegram chat that gets the messages")
    consent_at: Mapped[datetime] = mapped_column(Moment)
    sender_words: Mapped[str | None] = mapped_column(
        TSVECTOR, deferred=True, doc="for searching: see ``search.typed_sender``; erased together with the name"
    )

    ticket: Mapped[Ticket] = relationship(lazy="raise", back_populates="contact")


class MessageKind(StrEnum):
    """What kind of text a message of a ticket is."""

    QUESTION = "question"
    REPLY = "reply"
    REASON = "reason"
    ANSWER = "answer"
    DRAFT = "draft"  # an answer before its approval; the sender never reads it
    OBJECTION = "objection"  # by the sender: a dispute, a request to reopen
    NOTE = "note"  # of staff for staff; the sender never reads it
    POINTS = "points"  # what the sender asks about, one point a line
    REPORT = "report"  # what became of a promise
    DETAILS = "details"  # proof and points of an answer (``AnswerDetails``); its entry names it as ``details``


class TicketMessage(Base):
    """A text written while a ticket is handled. The history names it by id and hash."""

    __tablename__ = "ticket_messages"

    id: Mapped[int] = mapped_column(primary_key=True)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("tickets.id"), index=True)
    kind: Mapped[MessageKind] = mapped_column(by_value(MessageKind, "message_kind"))
    body: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(Moment)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))

    def digest(self) -> bytes:
        """Return the hash that the history keeps of the text, so that a later change of the text would show."""
        return hashlib.sha256(self.body.encode()).digest()


def words_digest(title: str, content: str) -> str:
    """Return the hash that the history keeps of the feedback: SHA-256 over title, NUL, content, in hexadecimal."""
    return hashlib.sha256(f"{title}\0{content}".encode()).hexdigest()


def is_open() -> ColumnElement[bool]:
    """Return the condition that a ticket is open. The partial indexes of open tickets serve it."""
    return literal_column(f"tickets.{OPEN_SQL}", Boolean())


def is_new() -> ColumnElement[bool]:
    """Return the condition that nobody has taken up a ticket yet. The partial index of new tickets serves it."""
    return literal_column(f"tickets.{NEW_SQL}", Boolean())
