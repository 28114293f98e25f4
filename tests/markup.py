"""What a page says, without its markup."""

import re
from html import unescape


def text_of(html: str) -> str:
    """Return the words of a page or of a part of one, with single spaces between them."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


def field_error(page: str, field: str) -> str:
    """Return the sentence that stands at a field; empty where there is none."""
    error = re.search(rf'id="{field}-error">(.*?)</p>', page, re.DOTALL)
    return text_of(error[1]) if error else ""
