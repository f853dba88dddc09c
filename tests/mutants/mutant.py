"""What one fault is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Mutant:
    """One fault: in `path`, `was` (which stands there exactly once) turns into `becomes`.

    `harm` says who would suffer how; `tests` are the nearest files or tests, of which one must fail.
    """

    path: str
    was: str
    becomes: str
    harm: str
    tests: tuple[str, ...]

    def apply(self, root: Path) -> str:
        """Put the fault into the copy at `root`; return the text as it was.

        Raises LookupError unless `was` stands there exactly once: the code has moved on, and so must this.
        """
        file = root / self.path
        text = file.read_text(encoding="utf-8") if file.exists() else ""
        if (found := text.count(self.was)) != 1:
            raise LookupError(f"{self.path} holds {found} times, and not once: {self.was}")
        file.write_text(text.replace(self.was, self.becomes), encoding="utf-8")
        return text

    def fits(self) -> bool:
        """Say whether the code still holds what would be changed, once."""
        file = ROOT / self.path
        return file.exists() and file.read_text(encoding="utf-8").count(self.was) == 1
