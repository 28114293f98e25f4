"""What in a text looks like personal data, to be read twice before the text is published. Pure.

It finds phone numbers, numbers of papers, e-mail addresses. It cannot find names or home addresses: a person reads.
"""

import re
from collections.abc import Iterable
from typing import Final

_MARKS: Final = re.compile(
    r"[\w.+-]+@[\w-]+\.[\w.-]+"  # an e-mail address
    r"|(?<!\w)(?:\+?84|0)(?:[ .-]?\d){8,10}(?!\d)"  # a phone number
    r"|(?<!\d)\d{9}(?:\d{3})?(?!\d)"  # an identity card of 9 or 12 digits
)


def find_personal_marks(texts: Iterable[str]) -> list[str]:
    """Return what looks like personal data in the texts, each once, in order."""
    return list(dict.fromkeys(match.strip() for text in texts for match in _MARKS.findall(text)))
