"""What a template says of a made-up ticket, before anybody saves it."""

from dataclasses import dataclass

from backend.desk.replies.placeholders import SAMPLE_VALUES, fill_in, read_template
from backend.desk.replies.texts import EVERY_TICKET, EXAMPLE_NAMES
from backend.files.text import clean_text


@dataclass(frozen=True)
class FilledExample:
    """The text for one kind of ticket, under its title."""

    title: str
    text: str


def fill_examples(body: str) -> list[FilledExample]:
    """Return the text for a ticket in time and for an overdue one; once where they do not differ.

    Raises Invalid at ``body`` for a template that cannot be read.
    """
    parts = read_template(body)
    texts = {name: tidy_text(fill_in(parts, SAMPLE_VALUES, {name})) for name in EXAMPLE_NAMES}
    if len(set(texts.values())) == 1:
        return [FilledExample(EVERY_TICKET, next(iter(texts.values())))]
    return [FilledExample(EXAMPLE_NAMES[name], text) for name, text in texts.items()]


def tidy_text(text: str) -> str:
    """Return the text without the empty lines that parts leave where they are left out."""
    return clean_text(text, limit=len(text), multiline=True)
