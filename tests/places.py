"""Where the inputs of tests stand, so that a test may move from room to room."""

from backend.settings import ROOT

DATA = ROOT / "tests" / "data"
CASES = DATA / "cases"
