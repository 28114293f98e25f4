"""The one refusal of this room, and the mark for its texts."""


def _(msgid: str) -> str:
    """Marks a text for the message catalogue; it is translated where it is shown, not here."""
    return msgid


class WorktimeError(ValueError):
    """A calendar, a term or a moment that cannot be counted with.

    ``msgid`` and ``params`` let a page translate the sentence; ``str()`` is the Vietnamese one.
    """

    def __init__(self, msgid: str, **params: object) -> None:
        self.msgid = msgid
        self.params = params
        super().__init__(msgid % params if params else msgid)
