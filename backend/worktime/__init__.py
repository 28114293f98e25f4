"""Working time: calendars, terms, due dates and their explanation. Pure: no database, no clock."""
