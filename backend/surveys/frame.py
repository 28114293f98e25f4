"""What the rows of a file are judged against. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from backend.surveys.instruments import Instrument
from backend.surveys.rules import Rules
from backend.surveys.units import Standing


@dataclass(frozen=True)
class Frame:
    """What rows are judged against. ``units``: how each code stands in the time of the survey."""

    instrument: Instrument
    units: Mapping[str, Standing]
    first_day: date
    today: date
    rules: Rules
