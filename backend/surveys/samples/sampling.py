"""The sample of a round: its drawn ballots with their places, from a draw or from the draw's ``sample.csv``.

A round with a sample accepts only ballots of the sample. Stratum, first-stage unit, weight and finite population of a
ballot then come from the draw.
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
from backend.surveys.samples.sample_files import MOST_SENTENCES, read_rows
from backend.surveys.samples.unit_codes import UnitCodes, read_unit_codes

WHOLE: Final = "–"  # the stratum of a ballot whose design has no strata
NEEDED: Final = ("ballot", "weight", "stratum", "psu")


def read_sample(content: bytes, name: str, units: UnitCodes) -> list[BallotSlip]:
    """Read the drawn ballots of a ``sample.csv``. The unit of a ballot is the lowest of its units whose code we know.
    Raises Invalid with a sentence for each fault."""
    reader = _SampleReader(name, units)
    try:
        slips = [reader.slip(line, row) for line, row in read_rows(content, name, NEEDED)]
    except FileRefused as refusal:
        raise refusal.at("sample") from None
    if not slips and not reader.faults:
        reader.refuse(_("%(file)s: không có phiếu nào."))
    if not reader.faults:
        reader.check_populations(slips)
    if reader.faults:
        raise Invalid(_("Tệp mẫu đã rút chưa dùng được."), field="sample", errors=tuple(_shorten_faults(reader.faults)))
    return slips


def _shorten_faults(faults: Sequence[Invalid]) -> list[Invalid]:
    """Return the first ``MOST_SENTENCES`` faults, and the number of the others."""
    more = len(faults) - MOST_SENTENCES
    if more <= 0:
        return list(faults)
    return [*faults[:MOST_SENTENCES], Invalid(_("Và %(left)s chỗ khác cần sửa."), left=more)]


def read_sample_guarded(content: bytes, name: str, units: UnitCodes) -> list[BallotSlip]:
    """Do the same in a child process with limits on time and memory: a web process reads uploaded files this way."""
    return run_guarded(read_sample, content, name, units, limits=limits_for(len(content)), field="sample")


def slips_of(sample: Sample, units: UnitCodes) -> list[BallotSlip]:
    """Return the drawn ballots of a draw that was just made."""
    return [
        BallotSlip(
            number=ballot_number(sample.design.year, ballot.number),
            unit_id=_lowest_unit(ballot.branch.codes, units),
            stratum="/".join(ballot.branch.stratum) or WHOLE,
            psu=ballot.psu,
            weight=ballot.weight,
            population=ballot.population,
        )
        for ballot in sample.ballots
    ]


def _lowest_unit(codes: Sequence[str], units: UnitCodes) -> int | None:
    """Return the lowest unit that is valid among codes, given from the top level down; none where no code is known."""
    for code in reversed(codes):
        status = units.status(code)
        if status and status.unit_id is not None:
            return status.unit_id
    return None


def take_sample(
    session: Session,
    survey_round: Round,
    slips: Sequence[BallotSlip],
    account: Mapping[str, Any],
    *,
    coded: bool,
    by: str,
    now: datetime,
) -> dict[str, str]:
    """Make this the sample of the round. With ``coded``, return the respondents' codes by ballot number (only their
    hashes are stored); without, return an empty mapping. The same sample may be taken again and gets new codes. Raises
    Conflict where the round already has ballots."""
    service.lock_round(session, survey_round.id)
    if (
        session.scalar(select(Ballot.id).where(Ballot.round_id == survey_round.id, ~Ballot.withdrawn).limit(1))
        is not None
    ):
        raise Conflict(_("Đợt này đã có phiếu nên không thay mẫu đã rút được nữa."), field="sample")
    session.execute(delete(IssuedBallot).where(IssuedBallot.round_id == survey_round.id))
    codes = service.issue_ballots(session, survey_round.id, slips, coded=coded)
    survey_round.draw = {**account, "ballots": len(slips), "sha256": _digest(slips)}
    data = {"ballots": len(slips), "sha256": survey_round.draw["sha256"]}
    audit.record(session, f"survey:{survey_round.id}", "sampled", actor=by, now=now, data=data)
    session.flush()
    return codes


class _SampleReader:
    """Reads the rows of one file. ``faults``: everything that is wrong with them so far."""

    def __init__(self, name: str, units: UnitCodes) -> None:
        self._name, self._units = name, units
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
        """Refuse a stratum with several populations, or with fewer first-stage units than its sample has."""
        sizes: dict[str | None, set[int | None]] = defaultdict(set)
        psus: dict[str | None, set[str | None]] = defaultdict(set)
        for slip in slips:
            sizes[slip.stratum].add(slip.population)
            psus[slip.stratum].add(slip.psu)
        for stratum, populations in sizes.items():
            (size, *others) = populations
            if others:
                self.refuse(_("%(file)s: tầng “%(stratum)s” có nhiều giá trị fpc khác nhau."), stratum=stratum or "")
            elif size is not None and size < len(psus[stratum]):
                sentence = _("%(file)s: tầng “%(stratum)s” có %(drawn)s cụm trong mẫu, nhiều hơn fpc %(size)s.")
                self.refuse(sentence, stratum=stratum or "", drawn=len(psus[stratum]), size=size)

    def _number(self, line: int, text: str) -> str:
        number = read_ballot_number(text) or text
        if not 1 <= len(number) <= NUMBER_MOST or (WRITTEN.fullmatch(number) and not read_ballot_number(number)):
            self.refuse(_("%(file)s, dòng %(line)s: số phiếu “%(value)s” không đúng."), line=line, value=text[:40])
        elif before := self._lines.get(number):
            sentence = _("%(file)s, dòng %(line)s: số phiếu “%(value)s” đã có ở dòng %(before)s.")
            self.refuse(sentence, line=line, value=number, before=before)
        self._lines.setdefault(number, line)
        return number

    def _unit(self, row: Mapping[str, str]) -> int | None:
        """Units stand in pairs of columns, ``x`` for the code and ``x_name`` for the name, from the top level down."""
        return _lowest_unit([row[name] for name in row if f"{name}_name" in row], self._units)

    def _label(self, line: int, column: str, text: str) -> str | None:
        if len(text) > LABEL_MOST:
            sentence = _("%(file)s, dòng %(line)s: cột %(column)s dài quá %(most)s ký tự.")
            self.refuse(sentence, line=line, column=column, most=LABEL_MOST)
        return text or None

    def _psu(self, line: int, text: str) -> str | None:
        if not text:
            self.refuse(_("%(file)s, dòng %(line)s: thiếu cụm ở cột psu."), line=line)
        return self._label(line, "psu", text)

    def _weight(self, line: int, text: str) -> float:
        weight = float(text) if NUMERIC.fullmatch(text) else 0.0
        if not (0 < weight <= self._most and isfinite(weight)):
            sentence = _("%(file)s, dòng %(line)s: trọng số “%(value)s” phải lớn hơn 0 và không quá %(most)s.")
            self.refuse(sentence, line=line, value=text[:40], most=f"{self._most:g}")
        return weight

    def _population(self, line: int, text: str) -> int | None:
        if not text:
            return None
        if text.isascii() and text.isdigit() and 0 < int(text[:12]) < 2**31:
            return int(text)
        sentence = _("%(file)s, dòng %(line)s: fpc “%(value)s” phải là số cụm có trong tầng, số nguyên lớn hơn 0.")
        self.refuse(sentence, line=line, value=text[:40])
        return None


def _digest(slips: Iterable[BallotSlip]) -> str:
    lines = sorted(f"{s.number}\t{s.unit_id}\t{s.stratum}\t{s.psu}\t{s.weight!r}\t{s.population}\n" for s in slips)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def standings_of(session: Session, survey_round: Round) -> UnitCodes:
    """Return the statuses of unit codes on the first day of the round."""
    return read_unit_codes(session, survey_round.first_day)
