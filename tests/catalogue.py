"""The words of pages as translators get them: `make words` writes the template of all catalogues.

Catalogues of languages that are there are brought up to date with it. The format is gettext's
(https://www.gnu.org/software/gettext/manual/html_node/PO-Files.html).
"""

from __future__ import annotations

import io
from datetime import UTC, datetime
from pathlib import Path

from babel.messages import pofile
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir

from fediverse_support.domain.version import PACKAGE, VERSION
from fediverse_support.speech import CATALOGUES

ROOT = Path(__file__).parents[1]
TEMPLATE = CATALOGUES / "messages.pot"
SOURCES = {"fediverse_support": {"**.py": "python"}, "templates": {"**.html": "jinja2", "**.txt": "jinja2"}}
OPTIONS = {pattern: {"trimmed": "true"} for pattern in SOURCES["templates"]}
KEYWORDS = {"_": None, "n_": (1, 2), "gettext": None, "ngettext": (1, 2)}
HEADER = "# The words of every page and mail. Written by `make words`."
DAY_ONE = datetime(2026, 1, 1, tzinfo=UTC)


def extract() -> Catalog:
    """Return every sentence that is marked in the sources."""
    catalog = Catalog(
        project=PACKAGE,
        version=VERSION,
        copyright_holder=PACKAGE,
        header_comment=HEADER,
        creation_date=DAY_ONE,
        revision_date=DAY_ONE,
        fuzzy=False,
    )
    for folder, methods in SOURCES.items():
        found = extract_from_dir(
            ROOT / folder, method_map=list(methods.items()), options_map=OPTIONS, keywords=KEYWORDS
        )
        for path, _line, words, comments, context in sorted(found, key=lambda each: (each[0], each[1])):
            places = [(f"{folder}/{path}", 0)]
            catalog.add(words, locations=places, auto_comments=comments, context=context)
    return catalog


def written(catalog: Catalog) -> bytes:
    """Return a catalogue as its file holds it."""
    file = io.BytesIO()
    pofile.write_po(file, catalog, width=100, sort_output=False, include_lineno=False, omit_header=False)
    return file.getvalue()


def main() -> None:
    """Write the template, and bring catalogues up to date with it."""
    CATALOGUES.mkdir(exist_ok=True)
    template = extract()
    TEMPLATE.write_bytes(written(template))
    for path in CATALOGUES.glob("*.po"):
        with path.open("rb") as file:
            catalog = pofile.read_po(file, locale=path.stem)
        catalog.update(template)
        path.write_bytes(written(catalog))


if __name__ == "__main__":
    main()
