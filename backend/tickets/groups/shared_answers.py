"""The text of one answer to many senders, as each of them reads it. Pure."""

from typing import Final

from backend.deadlines.limits import GROUP_COUNTED
from backend.errors import _
from backend.web.language import gettext, number_text

OTHERS: Final = _("Chúng tôi cũng nhận được phản ánh khác về cùng việc này.")
MANY_OTHERS: Final = _("Chúng tôi cũng nhận được %(n)s phản ánh khác về cùng việc này.")


def answer_text(text: str, others: int, language: str) -> str:
    """Return the answer with the sentence that others reported the same, in the sender's language.

    It names nobody. Of few others it does not say how many: their number could tell who they are.
    """
    if not others or not text.strip():
        return text
    message = MANY_OTHERS if others >= GROUP_COUNTED else OTHERS
    sentence = gettext(language, message, {"n": number_text(others, language)} if message is MANY_OTHERS else None)
    return f"{text.rstrip()}\n\n{sentence}"
