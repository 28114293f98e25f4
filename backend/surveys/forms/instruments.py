"""Instruments of a survey as data: a tree of questions, items and levels, with versions. Pure.

The files in ``backend/surveys/data`` are the shipped instruments. A published version never changes: its checksum
covers the whole document, and a new wording is a new version. Terms: question (câu hỏi), item (nội dung), level (mức),
slot (the place of one answer in a ballot).
"""

import hashlib
import json
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from importlib.resources import files
from itertools import chain
from typing import Any

from analytics.methods import BilingualText
from backend.errors import Invalid, _
from backend.surveys.forms.instrument_faults import list_faults

SHIPPED = ("household-2023", "household-2022", "feedback-1")


class InstrumentError(ValueError):
    """A document that is no instrument. ``faults``: each as a sentence with its path."""

    def __init__(self, faults: Sequence[Invalid]) -> None:
        self.faults = tuple(faults)
        super().__init__("; ".join(map(str, faults)))


class QuestionKind(StrEnum):
    """How a question is answered."""

    SCALE = "scale"
    SINGLE = "single"
    MULTIPLE = "multiple"
    YES_NO = "yes_no"


class Aspect(StrEnum):
    """What a question is about: perception (nhận định), satisfaction (hài lòng), expectation (mong đợi)."""

    PERCEPTION = "perception"
    SATISFACTION = "satisfaction"
    EXPECTATION = "expectation"


@dataclass(frozen=True, slots=True)
class AnswerLevel:
    """One possible answer: the number in the ballot, and its label."""

    value: int
    text: BilingualText


@dataclass(frozen=True, slots=True)
class AnswerSlot:
    """The place of one answer in a ballot. ``columns``: one name, or for a multiple choice one for each option, in
    their order. ``weight``: of the item within its index."""

    code: str
    question: str
    aspect: Aspect
    kind: QuestionKind
    text: BilingualText
    levels: tuple[AnswerLevel, ...]
    columns: tuple[str, ...]
    weight: float = 1.0

    @property
    def values(self) -> tuple[int, ...]:
        return tuple(level.value for level in self.levels)


@dataclass(frozen=True, slots=True)
class SkipRule:
    """The question is asked only where the answer to ``slot`` is one of ``values``."""

    slot: str
    values: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class SurveyQuestion:
    """A question with its slots in order. ``skip``: none where everybody is asked."""

    code: str
    aspect: Aspect
    kind: QuestionKind
    text: BilingualText
    slots: tuple[AnswerSlot, ...]
    skip: SkipRule | None


@dataclass(frozen=True, eq=False)
class Instrument:
    """A version of an instrument. ``slots``: the order of the answers in a stored ballot; it never changes."""

    code: str
    version: str
    name: BilingualText
    method: str
    legal_basis: str
    complete: bool
    note: BilingualText | None
    groups: Mapping[str, BilingualText]
    questions: tuple[SurveyQuestion, ...]
    document: Mapping[str, Any]
    checksum: str

    @property
    def key(self) -> str:
        """The name of the version in files: household-2023."""
        return f"{self.code}-{self.version}"

    @property
    def slots(self) -> tuple[AnswerSlot, ...]:
        return tuple(chain.from_iterable(question.slots for question in self.questions))

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of the answers in a file, in the order of the template."""
        return tuple(chain.from_iterable(slot.columns for slot in self.slots))

    def of(self, aspect: Aspect) -> tuple[AnswerSlot, ...]:
        return tuple(slot for slot in self.slots if slot.aspect is aspect)


@lru_cache
def shipped_instrument(key: str) -> Instrument:
    """Return the shipped instrument of this key (household-2023). Raises `InstrumentError`."""
    if key not in SHIPPED:
        raise InstrumentError([Invalid(_("Không có mẫu phiếu “%(key)s”."), key=key)])
    text = files("backend.surveys").joinpath("data", f"{key}.toml").read_text(encoding="utf-8")
    return parse_instrument(tomllib.loads(text))


def checksum_of(document: Mapping[str, Any]) -> str:
    """Return the SHA-256 of the canonical form: JSON, keys sorted, no spaces."""
    form = json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(form.encode()).hexdigest()


def parse_instrument(document: Mapping[str, Any]) -> Instrument:
    """Return the instrument that a document describes. Raises `InstrumentError` with every fault of the document."""
    if faults := list_faults(document):
        raise InstrumentError(faults)
    scales = {name: _levels(raw["levels"]) for name, raw in document.get("scale", {}).items()}
    return Instrument(
        code=document["code"],
        version=document["version"],
        name=_text_of(document, "name"),
        method=document["method"],
        legal_basis=document["legal_basis"],
        complete=document["complete"],
        note=_text_of(document, "note") if "note_vi" in document else None,
        groups={code: _text(raw) for code, raw in document.get("group", {}).items()},
        questions=tuple(_question(raw, scales) for raw in document["question"]),
        document=document,
        checksum=checksum_of(document),
    )


def _question(raw: Mapping[str, Any], scales: Mapping[str, tuple[AnswerLevel, ...]]) -> SurveyQuestion:
    kind, aspect = QuestionKind(raw["kind"]), Aspect(raw["aspect"])
    skip = SkipRule(raw["skip"]["unless"], tuple(raw["skip"]["is"])) if "skip" in raw else None
    slots = tuple(_slots(raw, kind, aspect, scales))
    return SurveyQuestion(raw["code"], aspect, kind, _text(raw), slots, skip)


def _slots(
    raw: Mapping[str, Any], kind: QuestionKind, aspect: Aspect, scales: Mapping[str, tuple[AnswerLevel, ...]]
) -> Iterator[AnswerSlot]:
    code, text = raw["code"], _text(raw)
    if kind in (QuestionKind.SINGLE, QuestionKind.MULTIPLE):
        named = [raw] if kind is QuestionKind.SINGLE else raw["options"]
        columns = tuple(part["column"] for part in named)
        yield AnswerSlot(code, code, aspect, kind, text, _levels(raw["options"]), columns)
        return
    levels = YES_NO if kind is QuestionKind.YES_NO else scales[raw["scale"]]
    for item in raw["items"]:
        weight = float(item.get("weight", 1))
        yield AnswerSlot(item["code"], code, aspect, kind, _text(item), levels, (item["column"],), weight)


def _levels(raw: list[Mapping[str, Any]]) -> tuple[AnswerLevel, ...]:
    return tuple(AnswerLevel(level["value"], _text(level)) for level in raw)


YES_NO = (AnswerLevel(0, BilingualText(vi="Không", en="No")), AnswerLevel(1, BilingualText(vi="Có", en="Yes")))


def _text(raw: Mapping[str, Any]) -> BilingualText:
    return BilingualText(vi=raw["vi"], en=raw["en"])


def _text_of(raw: Mapping[str, Any], name: str) -> BilingualText:
    return BilingualText(vi=raw[f"{name}_vi"], en=raw[f"{name}_en"])
