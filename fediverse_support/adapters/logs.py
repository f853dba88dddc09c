"""Log lines: codes and ids with a time, as text or as JSON; never what people wrote.

Library lines below a warning are left out, and so are the contents of exceptions that carry rows of the
database.
"""

from __future__ import annotations

import json
import logging
import sys
import time
from typing import Final, Literal

USUAL: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
OURS: Final = ("fediverse_support", "federation")
REPEATING: Final = ("asyncpg.pool",)
"""Libraries that warn again and again, with a stack trace, of an outage that we tell in one line."""


class TextLines(logging.Formatter):
    """`2030-05-01T12:00:00Z info web.inbox refused code=stale host=peer.example`."""

    def format(self, record: logging.LogRecord) -> str:
        """Return one line, or several when a stack trace belongs to it."""
        parts = [_time(record), record.levelname.lower(), _name(record), record.getMessage()]
        parts += [f"{key}={_one_line(value)}" for key, value in _extras(record).items()]
        return " ".join(parts) + _trace(self, record)


class JsonLines(logging.Formatter):
    """The same as one JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """Return one line of JSON."""
        line: dict[str, object] = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": _name(record),
            "event": record.getMessage(),
            **_extras(record),
        }
        if trace := _trace(self, record):
            line["trace"] = trace.strip()
        return json.dumps(line, ensure_ascii=False, default=str)


def set_up(form: Literal["text", "json"]) -> None:
    """Send our lines from `info` on, and warnings of libraries, to stderr."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if form == "json" else TextLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    for name in OURS:
        logging.getLogger(name).setLevel(logging.INFO)
    for name in REPEATING:
        logging.getLogger(name).setLevel(logging.ERROR)


def _time(record: logging.LogRecord) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(record.created))


def _name(record: logging.LogRecord) -> str:
    return record.name.removeprefix("fediverse_support.")


def _extras(record: logging.LogRecord) -> dict[str, object]:
    return {key: value for key, value in vars(record).items() if key not in USUAL}


def _one_line(value: object) -> str:
    text = str(value)
    return text if text.isprintable() and " " not in text else json.dumps(text)


def _trace(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    """Return the stack trace without the messages of its exceptions: they may quote what somebody wrote."""
    if not record.exc_info or record.exc_info[1] is None:
        return ""
    lines = []
    error: BaseException | None = record.exc_info[1]
    while error is not None:
        lines.append(f"{type(error).__module__}.{type(error).__qualname__}")
        trace = error.__traceback__
        while trace is not None:
            code = trace.tb_frame.f_code
            lines.append(f"  {code.co_filename}:{trace.tb_lineno} in {code.co_qualname}")
            trace = trace.tb_next
        error = error.__cause__ or error.__context__
    return "\n" + "\n".join(lines)
