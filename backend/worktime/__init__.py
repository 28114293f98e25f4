"""Working time: calendars, durations, due dates and their explanation. All but ``models`` and ``service`` is pure."""
