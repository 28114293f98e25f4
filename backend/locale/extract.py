"""Update the English catalogue from the texts in code and templates: python -m backend.locale.extract

Translations stay, messages without a source are dropped, new messages are added without a translation. With ``--check``
the command writes nothing, and fails where a message has no translation.
"""

import sys
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_file
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parents[2]
ENGLISH = Path(__file__).parent / "en" / "LC_MESSAGES" / "messages.po"
SOURCES = {"backend/**/*.py": "python", "bot/**/*.py": "python", "backend/templates/**/*.html": "jinja2"}
METHODS = {"python": "python", "jinja2": "jinja2.ext:babel_extract"}
OPTIONS = {"python": {}, "jinja2": {"trimmed": "true", "silent": "false"}}
# A fixed date, so that the file changes only when a text changes.
EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


def extract_messages() -> Catalog:
    """Return every marked text, with the files that have it."""
    catalog = Catalog(project="Lắng Nghe", creation_date=EPOCH, fuzzy=False)
    for pattern, kind in SOURCES.items():
        for path in sorted(ROOT.glob(pattern)):
            name = path.relative_to(ROOT).as_posix()
            messages = extract_from_file(METHODS[kind], path, options=OPTIONS[kind])
            for _line, message, comments, context in messages:
                catalog.add(message, None, [(name, 0)], auto_comments=comments, context=context)
    return catalog


def merge_catalogue() -> Catalog:
    """Return the English catalogue, updated to the present messages."""
    if ENGLISH.exists():
        with ENGLISH.open("rb") as file:
            english = read_po(file, locale="en")
    else:
        english = Catalog(locale="en", project="Lắng Nghe", fuzzy=False)
    english.update(extract_messages(), no_fuzzy_matching=True)
    english.creation_date = english.revision_date = EPOCH
    return english


def list_untranslated(catalog: Catalog) -> list[str]:
    """Return the Vietnamese texts of messages without a complete translation."""
    missing = []
    for message in catalog:
        texts = message.string if isinstance(message.string, (tuple, list)) else (message.string,)
        if message.id and not (texts and all(texts)):
            missing.append(message.id if isinstance(message.id, str) else message.id[0])
    return missing


def main() -> int:
    catalog = merge_catalogue()
    missing = list_untranslated(catalog)
    sys.stdout.write(f"{len(catalog)} messages, {len(missing)} without English\n")
    if "--check" in sys.argv[1:]:
        sys.stdout.write("".join(f"  {text}\n" for text in missing))
        return 1 if missing else 0
    out = BytesIO()
    write_po(out, catalog, width=110, sort_output=True, ignore_obsolete=True, include_lineno=False)
    ENGLISH.parent.mkdir(parents=True, exist_ok=True)
    ENGLISH.write_bytes(out.getvalue())
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
