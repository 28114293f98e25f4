"""Typed texts, made safe to store and to search. Pure."""

import re
import unicodedata

from backend.errors import Invalid, _

# Characters that no reader can see: controls, bidi and zero-width marks, fillers, lone surrogates, non-characters.
# They hide text from the reader, break PostgreSQL (NUL) or UTF-8 (surrogates), and defeat search and comparison.
INVISIBLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    "\u202a-\u202e\u2060-\u206f\u3164\ud800-\udfff\ufeff\uffa0\ufff9-\ufffb\ufffe\uffff"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
LINE_ENDS = re.compile("\r\n?|[\u2028\u2029]")
BLANKS = re.compile(r"[^\S\n]+")
EMPTY_LINES = re.compile(r"\n{3,}")
D_WITH_STROKE = str.maketrans("đðɖ", "ddd")
EMPTY_BRAILLE = "\u2800"
# What mail servers deliver to without extensions (RFC 5321, 4.1.2, the dot-string form): ASCII words with single dots
# between them, at a name of two labels or more.
EMAIL = re.compile(
    r"(?=[^@]{1,64}@)[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]([A-Za-z0-9-]{0,61}[A-Za-z0-9])"
)
MARKS_MOST = 8  # Vietnamese needs two
MANY_MARKS = re.compile(rf"[^\w\s\x00-\x7f]{{{MARKS_MOST + 1}}}")  # marks are neither word characters nor blanks
VISIBLE = "LNPS"  # general categories with a visible shape: letters, numbers, punctuation, symbols


def clean_text(text: str, *, limit: int, multiline: bool = False, field: str | None = None) -> str:
    """Return the text in its stored form: NFC, without invisible characters, blanks collapsed, ends stripped.

    ``limit`` counts characters after cleaning. Raises Invalid at ``field`` for a longer text; it is never cut. A single
    line gets spaces for its line ends; with ``multiline`` they stay, and at most one empty line in a row. A text that
    holds only marks (accents, variation selectors) becomes empty. Cleaning twice changes nothing more.
    """
    text = text.replace(EMPTY_BRAILLE, " ")
    cleaned = unicodedata.normalize("NFC", few_marks(INVISIBLE.sub("", LINE_ENDS.sub("\n", text))))
    if multiline:
        lines = (BLANKS.sub(" ", line).strip() for line in cleaned.split("\n"))
        cleaned = EMPTY_LINES.sub("\n\n", "\n".join(lines)).strip()
    else:
        cleaned = " ".join(cleaned.split())
    if not any(unicodedata.category(letter)[0] in VISIBLE for letter in cleaned):
        return ""
    if len(cleaned) > limit:
        raise Invalid(_("Dài quá %(limit)s ký tự. Hãy viết ngắn lại."), field=field, limit=limit)
    return cleaned


def few_marks(text: str) -> str:
    """Return the text with at most ``MARKS_MOST`` marks on one letter; the others are removed (UAX #15, 13, has a limit
    of 30). Normalizing sorts the marks of a letter, and the cost is the square of their number: a form full of marks
    would keep the process busy for half an hour."""
    if not MANY_MARKS.search(text):
        return text
    letters: list[str] = []
    marks = 0
    for letter in text:
        marks = marks + 1 if unicodedata.combining(letter) else 0
        if marks <= MARKS_MOST:
            letters.append(letter)
    return "".join(letters)


def fold_text(text: str) -> str:
    """Return the search form: lower case, no tone marks or other accents, ``đ`` as ``d``, single spaces. Ð (U+00D0) and
    Ɖ (U+0189) look like Đ and are typed for it.

    The embedded PostgreSQL has neither ``unaccent`` nor ICU, so this form is stored beside each column that is
    searched.
    """
    bare = "".join(c for c in unicodedata.normalize("NFKD", few_marks(text)) if not unicodedata.combining(c))
    return " ".join(INVISIBLE.sub("", bare).casefold().translate(D_WITH_STROKE).split())


def folded_sql(column: str) -> str:
    """Return the search form of a column as an expression of SQL, for small tables that have no stored one."""
    bare = f"regexp_replace(NORMALIZE({column}, NFKD), '[\u0300-\u036f]'::text, ''::text, 'g'::text)"
    return f"lower(translate({bare}, 'đĐðÐɖƉ'::text, 'dddddd'::text))"
