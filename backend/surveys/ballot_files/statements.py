"""SQL of the import of ballots: COPY into a staging table, then one statement that compares and one that inserts."""

from typing import Final

COLUMNS: Final = "number, unit_id, stratum, psu, weight, answers, valid, marks, age, sex, ethnicity, entered_on"

STAGE: Final = """
    CREATE TEMP TABLE IF NOT EXISTS staged_ballots (
        line int, number text, unit_id int, stratum text, psu text, weight float8, answers int2[], valid bool,
        marks text[], age text, sex text, ethnicity text, entered_on date
    ) ON COMMIT DROP
"""

COPY_BALLOTS: Final = f"COPY staged_ballots (line, {COLUMNS}) FROM STDIN"
COPY_HELD: Final = "COPY survey_held_rows (batch_id, line, findings, cells) FROM STDIN"

# The day is not compared: the ballots of a file without days get the day of the import.
KNOWN: Final = """
    SELECT staged.line, known.batch_id, ROW(known.unit_id, known.stratum, known.psu, known.weight, known.answers,
            known.age, known.sex, known.ethnicity)
        IS NOT DISTINCT FROM ROW(staged.unit_id, staged.stratum::varchar, staged.psu::varchar, staged.weight,
            staged.answers, staged.age::varchar, staged.sex::varchar, staged.ethnicity::varchar) AS same
    FROM staged_ballots staged
    JOIN survey_ballots known
        ON known.round_id = :round_id AND known.number = staged.number AND NOT known.withdrawn
    ORDER BY staged.line
"""

# Stored in a random order under random keys, so that neither shows who answered when.
ADD: Final = f"""
    INSERT INTO survey_ballots (round_id, batch_id, {COLUMNS})
    SELECT :round_id, :batch_id, {COLUMNS} FROM staged_ballots staged
    WHERE NOT EXISTS (
        SELECT 1 FROM survey_ballots known
        WHERE known.round_id = :round_id AND known.number = staged.number AND NOT known.withdrawn
    )
    ORDER BY random()
    RETURNING valid
"""  # noqa: S608 - only the constant list of columns above is filled in
COUNT_ADDED: Final = f"WITH added AS ({ADD}) SELECT valid, count(*) FROM added GROUP BY valid"  # noqa: S608 - as above
