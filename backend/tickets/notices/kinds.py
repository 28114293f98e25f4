"""What staff get notices about, and how each person may get them. Pure."""

from enum import StrEnum
from typing import Final


class NoticeKind(StrEnum):
    """What a notice is about. Each person chooses for each kind how to get it."""

    REMINDER = "reminder"  # of the ladder: near or past the due date
    NEW = "new"  # a ticket that came to the unit
    ASSIGNED = "assigned"
    REPLY = "reply"  # the sender answered a question
    APPROVAL = "approval"  # an answer waits for approval, or was decided
    EXTENSION = "extension"  # more time is wanted, or was decided
    DISPUTE = "dispute"  # the sender does not agree with a pause or an answer
    SECOND_LOOK = "second_look"
    MENTION = "mention"


class NoticeWay(StrEnum):
    """How a person gets a notice, from nothing to at once. Each way includes the bell, except ``OFF``."""

    OFF = "off"
    BELL = "bell"
    GATHERED = "gathered"  # in the digest, once each half day
    AT_ONCE = "at_once"  # as a message of its own, in working hours


ORDINARY: Final = (NoticeWay.OFF, NoticeWay.BELL, NoticeWay.GATHERED, NoticeWay.AT_ONCE)
# The ladder decides that somebody gets a reminder; the person decides only how soon. New tickets are counted, not
# written down one by one for each person, so none of them is a message of its own.
WAYS: Final[dict[NoticeKind, tuple[NoticeWay, ...]]] = dict.fromkeys(NoticeKind, ORDINARY) | {
    NoticeKind.REMINDER: (NoticeWay.GATHERED, NoticeWay.AT_ONCE),
    NoticeKind.NEW: (NoticeWay.OFF, NoticeWay.BELL, NoticeWay.GATHERED),
}
DEFAULTS: Final[dict[NoticeKind, NoticeWay]] = dict.fromkeys(NoticeKind, NoticeWay.GATHERED) | {
    NoticeKind.NEW: NoticeWay.BELL,
}
