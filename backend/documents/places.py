"""The places for the author's own texts: their names and hints, and how to read them back from a document."""

import io
import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from backend.errors import Invalid, _
from backend.files.text import clean_text
from backend.jobs.guarded import limits_for, run_guarded

MOST = 20_000  # characters of one place
MOST_UNPACKED = 30 * 1024 * 1024
W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
SPACES = {f"{W}tab": "\t", f"{W}br": "\n", f"{W}cr": "\n"}
TAG, STYLE = "langnghe:", "langnghe"
BROKEN_ZIP = (zipfile.BadZipFile, zlib.error, KeyError, ValueError, OSError, RuntimeError, EOFError)
NOT_A_DOCUMENT = _("Tệp này không phải là báo cáo .docx đọc được.")


@dataclass(frozen=True)
class PlaceKind:
    """A place: its label on the page, and the hint shown while it is empty."""

    key: str
    label: str
    hint: str


# Labels are messages of the pages. Hints stand in the document and stay Vietnamese.
PLACES: tuple[PlaceKind, ...] = (
    PlaceKind("number", _("Số, ký hiệu"), ""),
    PlaceKind("dateline", _("Nơi và ngày ban hành"), ""),
    PlaceKind("achievements", _("Nhận xét về kết quả đạt được"), "[Nhận xét của cơ quan về kết quả đạt được]"),
    PlaceKind("shortcomings", _("Nhận xét về tồn tại, hạn chế"), "[Nhận xét của cơ quan về tồn tại, hạn chế]"),
    PlaceKind("causes", _("Nguyên nhân"), "[Nguyên nhân của tồn tại, hạn chế]"),
    PlaceKind("target", _("Mục tiêu"), "[Mục tiêu cho năm sau]"),
    PlaceKind("tasks", _("Nhiệm vụ và giải pháp"), "[Nhiệm vụ, giải pháp: việc gì, cơ quan nào chủ trì, bao giờ xong]"),
    PlaceKind("recipients", _("Nơi nhận"), ""),
    PlaceKind("signature", _("Quyền hạn, chức vụ, họ tên người ký"), ""),
)
KEYS = tuple(place.key for place in PLACES)
BY_KEY: Mapping[str, PlaceKind] = {place.key: place for place in PLACES}


def clean_place(key: str, text: str) -> str:
    """Return the text as it is stored. Raises Invalid at the field of that name where it is too long."""
    return clean_text(text, limit=MOST, multiline=True, field=key)


def read_back(document: bytes) -> dict[str, str]:
    """Return the texts in the places of an edited report by key. A place that still shows its hint is left out.

    A place is a content control. Where a program dropped the controls (LibreOffice does), the paragraphs with the
    place's style are read instead. Raises Invalid for a file that is not a readable document, or one that unpacks to
    more than 30 MB.
    """
    body = _body(document)
    texts = dict(_controls(body))
    texts = _styled_places(body) | texts
    return {
        key: clean_place(key, text) for key, text in texts.items() if text.strip() and text.strip() != BY_KEY[key].hint
    }


def read_back_guarded(document: bytes) -> dict[str, str]:
    """The same in a child process with limits: for what came from outside, in a process that others wait for."""
    return run_guarded(read_back, document, limits=limits_for(len(document)), field="tep")


def _body(document: bytes) -> Any:
    # Imported here: these modules are slow to load, and only reading a document needs them.
    from docx.oxml.parser import parse_xml
    from lxml.etree import XMLSyntaxError

    try:
        with zipfile.ZipFile(io.BytesIO(document)) as archive, archive.open("word/document.xml") as part:
            text = part.read(MOST_UNPACKED + 1)
        if len(text) > MOST_UNPACKED:
            raise Invalid(_("Tệp quá lớn sau khi mở nén."), field="tep")
        return parse_xml(text)
    except (XMLSyntaxError, *BROKEN_ZIP) as error:
        raise Invalid(NOT_A_DOCUMENT, field="tep") from error


def _controls(body: Any) -> Iterator[tuple[str, str]]:
    """Controls of ours; what lies in one of them belongs to it, and is read once however deep controls lie in one
    another."""
    waiting = [body]
    while waiting:
        element = waiting.pop()
        key = _key_of(element)
        content = element.find(f"{W}sdtContent") if key else None
        if key is None or content is None:
            waiting.extend(reversed(element))
            continue
        paragraphs = list(content.iter(f"{W}p"))
        yield key, "\n".join(map(_text, paragraphs)) if paragraphs else _text(content)


def _key_of(element: Any) -> str | None:
    """The place that a content control is for."""
    tag = element.find(f"{W}sdtPr/{W}tag") if element.tag == f"{W}sdt" else None
    key = (tag.get(f"{W}val") or "").removeprefix(TAG) if tag is not None else ""
    return key if key in KEYS else None


def _styled_places(body: Any) -> dict[str, str]:
    """Return the text of the paragraphs that have a place's style, by place."""
    lines_of: dict[str, list[str]] = {}
    for paragraph in body.iter(f"{W}p"):
        style = paragraph.find(f"{W}pPr/{W}pStyle")
        name = (style.get(f"{W}val") or "").casefold() if style is not None else ""
        key = name.removeprefix(STYLE)
        if name.startswith(STYLE) and key in KEYS:
            lines_of.setdefault(key, []).append(_text(paragraph))
    return {key: "\n".join(lines) for key, lines in lines_of.items()}


def _text(element: Any) -> str:
    """Return the words of a paragraph as if every tracked change were accepted: without what a reviewer deleted
    (``w:delText``) or moved away (``w:moveFrom``). Moved text counts at its new place alone."""
    parts = []
    for node in element.iter(f"{W}t", *SPACES):
        if next(node.iterancestors(f"{W}moveFrom"), None) is None:
            parts.append(SPACES.get(node.tag) or node.text or "")
    return re.sub(r"[ \t]+", " ", "".join(parts)).strip()
