"""Read the lines of an iCalendar file (RFC 5545) and the events that they make. Pure.

Only what calendars of days need is read. Each line has its number, so that a refusal can name every wrong line.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from backend.errors import LineRefusal
from backend.files.days import shortened
from backend.worktime.errors import WorktimeError, _

_LINE_ENDS: Final = re.compile(r"\r\n|\n|\r")
_PARAMETER: Final = r'[A-Za-z0-9-]+=(?:"[^"]*"|[^";:,]*)(?:,(?:"[^"]*"|[^";:,]*))*'
_CONTENT: Final = re.compile(rf"([A-Za-z0-9-]+)((?:;{_PARAMETER})*):(.*)", re.DOTALL)
_PARAMETERS: Final = re.compile(rf";({_PARAMETER})")
_ESCAPES: Final = re.compile(r"\\([\\;,nN])")
EVENT: Final = "VEVENT"
LIST_MOST: Final = 1_000  # letters of a list of categories
REFUSALS_MOST: Final = 5_000  # wrong lines after which reading stops


@dataclass(frozen=True)
class ContentLine:
    """One property: ``DTSTART;VALUE=DATE:20260902``. ``number`` is the line of the file where it begins."""

    number: int
    name: str
    parameters: Mapping[str, str]
    value: str

    @property
    def text(self) -> str:
        """The value as people read it."""
        return _ESCAPES.sub(lambda mark: "\n" if mark[1] in "nN" else mark[1], self.value)


@dataclass(frozen=True)
class CalendarEvent:
    """The lines of an event between its BEGIN and END. Lines of alarms inside it are left out."""

    number: int
    lines: dict[str, list[ContentLine]] = field(default_factory=dict)
    cancelled: bool = False  # by the file as a whole

    def line(self, name: str) -> ContentLine | None:
        return self.lines.get(name, [None])[-1]

    def text(self, name: str) -> str:
        line = self.line(name)
        return line.text.strip() if line else ""

    def all_texts(self, name: str) -> tuple[str, ...]:
        """Return the values of a property that occurs more than once or holds a list. A long list is cut off."""
        joined = ",".join(line.value for line in self.lines.get(name, []))[:LIST_MOST]
        return tuple(_ESCAPES.sub(r"\1", value).strip() for value in re.split(r"(?<!\\),", joined))


def read_events(text: str) -> tuple[list[CalendarEvent], list[LineRefusal]]:
    """Return the events of a file, and why lines of it cannot be read."""
    events: list[CalendarEvent] = []
    parts = OpenParts()
    refusals: list[LineRefusal] = []
    cancels = False
    for line in _content_lines(text, refusals):
        if line.name == "BEGIN":
            parts.begin(line)
            if parts.innermost == EVENT:
                events.append(CalendarEvent(line.number, cancelled=cancels))
        elif line.name == "END":
            refusals += parts.end(line)
        elif parts.innermost == EVENT:
            events[-1].lines.setdefault(line.name, []).append(line)
        elif line.name == "METHOD":
            cancels = line.value.strip().upper() == "CANCEL"
    return events, refusals + parts.unfinished()


@dataclass
class OpenParts:
    """The components around the present line, outermost first, each with the line of its BEGIN."""

    parts: list[tuple[str, int]] = field(default_factory=list)

    @property
    def innermost(self) -> str:
        return self.parts[-1][0] if self.parts else ""

    def begin(self, line: ContentLine) -> None:
        self.parts.append((line.value.strip().upper(), line.number))

    def end(self, line: ContentLine) -> list[LineRefusal]:
        """Close the innermost component. An END of another component is refused."""
        if self.innermost and self.innermost == line.value.strip().upper():
            self.parts.pop()
            return []
        message = _("“%(value)s” không khớp với BEGIN nào đang mở.")
        return [LineRefusal(line.number, WorktimeError(message, value=shortened(f"END:{line.value}")))]

    def unfinished(self) -> list[LineRefusal]:
        """Return a refusal for each component that the file never ends."""
        message = _("thiếu END:%(part)s; tệp có thể bị đứt.")
        return [LineRefusal(number, WorktimeError(message, part=shortened(part))) for part, number in self.parts]


def _content_lines(text: str, refusals: list[LineRefusal]) -> Iterator[ContentLine]:
    """Yield the lines. Folded lines are joined again (RFC 5545, 3.1)."""
    for number, line in _unfolded(text):
        if len(refusals) >= REFUSALS_MOST:
            return
        parts = _CONTENT.fullmatch(line)
        if parts:
            parameters = dict(part.split("=", 1) for part in _PARAMETERS.findall(parts[2]))
            upper = {name.upper(): value.strip('"') for name, value in parameters.items()}
            yield ContentLine(number, parts[1].upper(), upper, parts[3])
        else:
            message = _("“%(value)s” phải có dạng TÊN:giá trị; dòng nối tiếp phải bắt đầu bằng dấu cách.")
            refusals.append(LineRefusal(number, WorktimeError(message, value=shortened(line))))


def _unfolded(text: str) -> Iterator[tuple[int, str]]:
    number, parts = 0, list[str]()
    for line_number, raw in enumerate(_LINE_ENDS.split(text), start=1):
        if raw[:1] in (" ", "\t") and parts:
            parts.append(raw[1:])
        elif raw.strip():
            if parts:
                yield number, "".join(parts)
            number, parts = line_number, [raw]
    if parts:
        yield number, "".join(parts)
