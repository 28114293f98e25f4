"""A page as somebody types on it: every field that takes text, every button, and what is still there afterwards."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

TEXT_TYPES = {"text", "email", "tel", "search"}


@dataclass(frozen=True)
class Button:
    """Where a button sends its form, and what it says for itself."""

    address: str
    name: str = ""
    value: str = ""


@dataclass
class TypedPage(HTMLParser):
    """The one form of a page with ``id="typed"``: its controls stand in it or name it."""

    html: str
    texts: dict[str, str] = field(default_factory=dict)
    hidden: dict[str, str] = field(default_factory=dict)
    buttons: list[Button] = field(default_factory=list)
    _inside: str | None = None
    _textarea: str | None = None

    def __post_init__(self) -> None:
        super().__init__()
        self.feed(self.html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._inside = given.get("action", "") if given.get("id") == "typed" else None
        elif self._inside is not None or given.get("form") == "typed":
            self._control(tag, given)

    def _control(self, tag: str, given: dict[str, str]) -> None:
        name, value = given.get("name", ""), given.get("value", "")
        if tag == "textarea":
            self._textarea, self.texts[name] = name, ""
        elif tag == "input" and given.get("type") == "hidden":
            self.hidden[name] = value
        elif tag == "input" and given.get("type", "text") in TEXT_TYPES:
            self.texts[name] = value
        elif tag == "button":
            self.buttons.append(Button(given.get("formaction", self._inside or ""), name, value))

    def handle_data(self, data: str) -> None:
        if self._textarea is not None:
            self.texts[self._textarea] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._inside = None
        elif tag == "textarea":
            self._textarea = None

    def sent_by(self, button: Button, typed: dict[str, str]) -> dict[str, str]:
        """What a browser sends when the button is pressed."""
        return {**self.hidden, **typed, **({button.name: button.value} if button.name else {})}
