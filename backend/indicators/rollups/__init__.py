"""Roll-ups: tickets and ratings counted by unit and month, so that a figure never scans the history.

The conditions are those of `backend.indicators.conditions` (`facts`, `kinds`). A trigger notes which months of which
units have changed. Whoever reads a figure first counts these again (`service`); a sweep does it when nobody reads.
"""
