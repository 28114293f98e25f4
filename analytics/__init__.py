"""Arithmetic of the indices and indicators: pure functions of numbers and frames, with no database and no clock."""
