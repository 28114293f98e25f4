"""The sample of a round: the drawn ballots with their places, from a draw or from its ``sample.csv``.

A round with a sample takes no other ballots, and stratum, first-stage unit, weight and finite population of a ballot
are those of the draw.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from math import isfinite
from typing import Any, Final

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from analytics.sampling.ballot_number import WRITTEN, ballot_number, read_ballot_number
from analytics.sampling.drawing import Sample
from backend import audit
from backend.errors import Conflict, Invalid, _
from backend.files.faults import FileRefused
from backend.jobs.guarded import limits_for, run_guarded
from backend.surveys.ballot_files import ballot_rules
from backend.surveys.ballot_files.particulars import LABEL_MOST, NUMBER_MOST, NUMERIC
from backend.surveys.models import Ballot, IssuedBallot, Round
from backend.surveys.rounds import service
from backend.surveys.rounds.service import BallotSlip
from backend.surveys.samples import unit_codes
from backend.surveys.samples.sample_files import MOST_SENTENCES, read_rows
from backend.surveys.samples.unit_codes import UnitStatus

WHOLE: Final = "–"  # the stratum of what lies in none
NEEDED: Final = ("ballot", "weight", "stratum", "psu")


def read_sample(content: bytes, name: str, standings: Mapping[str, UnitStatus]) -> list[BallotSlip]:
    """The drawn ballots of a ``sample.csv``; the unit is the lowest of its units whose code is one of ours. Raises
    Invalid with a sentence for each fault."""
    reader = _SampleReader(name, standings)
    try:
        slips = [reader.slip(line, row) for line, row in read_rows(content, name, NEEDED)]
    except FileRefused as refusal:
        raise refusal.at("sample") from None
    if not slips and not reader.faults:
        reader.refuse(_("%(file)s: không có phiếu nào."))
    if not reader.faults:
        reader.check_populations(slips)
    if left := len(reader.faults) - MOST_SENTENCES:
        reader.faults[MOST_SENTENCES:] = [Invalid(_("Và %(left)s chỗ khác cần sửa."), left=left)] if left > 0 else []
    if reader.faults:
        raise Invalid(_("Tệp mẫu đã rút chưa dùng được."), field="sample", errors=tuple(reader.faults))
    return slips


def read_sample_guarded(content: bytes, name: str, standings: Mapping[str, UnitStatus]) -> list[BallotSlip]:
    """The same in a child process with limits: for what came from outside, in a process that others wait for."""
    return run_guarded(read_sample, content, name, standings, limits=limits_for(len(content)), field="sample")


def slips_of(sample: Sample, standings: Mapping[str, UnitStatus]) -> list[BallotSlip]:
    """The same from a draw at hand."""
    return [
        BallotSlip(
            number=ballot_number(sample.design.year, one.number),
            unit_id=_lowest_unit(one.branch.codes, standings),
            stratum="/".join(one.branch.stratum) or WHOLE,
            psu=one.psu,
            weight=one.weight,
            population=one.population,
        )
        for one in sample.ballots
    ]


def _lowest_unit(codes: Sequence[str], standings: Mapping[str, UnitStatus]) -> int | None:
    """The unit of ours among codes from the top down; a table of numbers loses the zeros before a code."""
    for code in reversed(codes):
        standing = standings.get(code) or standings.get(code.zfill(5))
        if standing and standing.unit_id is not None:
            return standing.unit_id
    return None


def take_sample(
    session: Session, found: Round, slips: Sequence[BallotSlip], account: Mapping[str, Any], *, coded: bool, by: str,
    now: datetime,
) -> dict[str, str]:  # fmt: skip
    """Make this the sample of the round; returns the respondents' codes by number, which are kept nowhere else, or none
    unless ``coded``. The same sample may be taken again, with new codes. Raises Conflict once ballots came in."""
    service.lock_round(session, found.id)
    if session.scalar(select(Ballot.id).where(Ballot.round_id == found.id, ~Ballot.withdrawn).limit(1)) is not None:
        raise Conflict(_("Đợt này đã có phiếu nên không thay mẫu đã rút được nữa."), field="sample")
    session.execute(delete(IssuedBallot).where(IssuedBallot.round_id == found.id))
    codes = service.issue_ballots(session, found.id, slips, coded=coded)
    found.draw = {**account, "ballots": len(slips), "sha256": _digest(slips)}
    data = {"ballots": len(slips), "sha256": found.draw["sha256"]}
    audit.record(session, f"survey:{found.id}", "sampled", actor=by, now=now, data=data)
    session.flush()
    return codes


class _SampleReader:
    """Reads the rows of one file and gathers what is wrong with them."""

    def __init__(self, name: str, standings: Mapping[str, UnitStatus]) -> None:
        self._name, self._standings = name, standings
        self._lines: dict[str, int] = {}
        self._most = ballot_rules.shipped_rules().weight_most
        self.faults: list[Invalid] = []

    def refuse(self, message: str, **params: str | int) -> None:
        self.faults.append(Invalid(message, field="sample", errors=(), file=self._name, **params))

    def slip(self, line: int, row: Mapping[str, str]) -> BallotSlip:
        return BallotSlip(
            number=self._number(line, row["ballot"]),
            unit_id=self._unit(row),
            stratum=self._label(line, "stratum", row["stratum"]) or WHOLE,
            psu=self._psu(line, row["psu"]),
            weight=self._weight(line, row["weight"]),
            population=self._population(line, row.get("fpc", "")),
        )

    def check_populations(self, slips: Sequence[BallotSlip]) -> None:
        """The population of a stratum is one number, and holds what was drawn from it."""
        sizes: dict[str | None, set[int | None]] = defaultdict(set)
        drawn: dict[str | None, set[str | None]] = defaultdict(set)
        for slip in slips:
            sizes[slip.stratum].add(slip.population)
            drawn[slip.stratum].add(slip.psu)
        for stratum, found in sizes.items():
            (size, *others) = found
            if others:
                self.refuse(_("%(file)s: tầng “%(stratum)s” có nhiều giá trị fpc khác nhau."), stratum=stratum or "")
            elif size is not None and size < len(drawn[stratum]):
                said = _("%(file)s: tầng “%(stratum)s” có %(drawn)s cụm trong mẫu, nhiều hơn fpc %(size)s.")
                self.refuse(said, stratum=stratum or "", drawn=len(drawn[stratum]), size=size)

    def _number(self, line: int, text: str) -> str:
        number = read_ballot_number(text) or text
        if not 1 <= len(number) <= NUMBER_MOST or (WRITTEN.fullmatch(number) and not read_ballot_number(number)):
            self.refuse(_("%(file)s, dòng %(line)s: số phiếu “%(value)s” không đúng."), line=line, value=text[:40])
        elif before := self._lines.get(number):
            said = _("%(file)s, dòng %(line)s: số phiếu “%(value)s” đã có ở dòng %(before)s.")
            self.refuse(said, line=line, value=number, before=before)
        self._lines.setdefault(number, line)
        return number

    def _unit(self, row: Mapping[str, str]) -> int | None:
        """Columns of units come in pairs, code and name, from the top down."""
        return _lowest_unit([row[name] for name in row if f"{name}_name" in row], self._standings)

    def _label(self, line: int, column: str, text: str) -> str | None:
        if len(text) > LABEL_MOST:
            said = _("%(file)s, dòng %(line)s: cột %(column)s dài quá %(most)s ký tự.")
            self.refuse(said, line=line, column=column, most=LABEL_MOST)
        return text or None

    def _psu(self, line: int, text: str) -> str | None:
        if not text:
            self.refuse(_("%(file)s, dòng %(line)s: thiếu cụm ở cột psu."), line=line)
        return self._label(line, "psu", text)

    def _weight(self, line: int, text: str) -> float:
        weight = float(text) if NUMERIC.fullmatch(text) else 0.0
        if not (0 < weight <= self._most and isfinite(weight)):
            said = _("%(file)s, dòng %(line)s: trọng số “%(value)s” phải lớn hơn 0 và không quá %(most)s.")
            self.refuse(said, line=line, value=text[:40], most=f"{self._most:g}")
        return weight

    def _population(self, line: int, text: str) -> int | None:
        if not text:
            return None
        if text.isascii() and text.isdigit() and 0 < int(text[:12]) < 2**31:
            return int(text)
        said = _("%(file)s, dòng %(line)s: fpc “%(value)s” phải là số cụm có trong tầng, số nguyên lớn hơn 0.")
        self.refuse(said, line=line, value=text[:40])
        return None


def _digest(slips: Iterable[BallotSlip]) -> str:
    lines = sorted(f"{s.number}\t{s.unit_id}\t{s.stratum}\t{s.psu}\t{s.weight!r}\t{s.population}\n" for s in slips)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def standings_of(session: Session, found: Round) -> dict[str, UnitStatus]:
    """How codes stood when the round began."""
    return unit_codes.unit_statuses(session, found.first_day)
