"""The one reader of tables from outside: CSV and XLSX, their headings, dates, numbers and names. Pure."""
