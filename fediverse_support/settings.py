"""What the operator of a process decided: one frozen `Settings`, read once at the start.

Names may come from the environment, from the file given with `--config`, or from `.env` in the current
directory; the first of these that has a name wins. An empty value counts as not set.
"""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Any, Final, Literal, TypeVar
from urllib.parse import urlsplit

from federation import uris
from federation.errors import Malformed
from fediverse_support.domain import house
from fediverse_support.domain.house import Federation, Overrides, Registration
from fediverse_support.domain.instance import Instance

LogFormat = Literal["text", "json"]
Network = IPv4Network | IPv6Network
T = TypeVar("T", bound=str)

PREFIX: Final = "FEDIVERSE_SUPPORT_"
OUR_NAMES: Final = (
    "FEDIVERSE_SUPPORT_BASE_URL",
    "FEDIVERSE_SUPPORT_DATA_DIR",
    "FEDIVERSE_SUPPORT_FEDERATION",
    "FEDIVERSE_SUPPORT_REGISTRATION",
    "FEDIVERSE_SUPPORT_ALLOW_HTTP",
    "FEDIVERSE_SUPPORT_ALLOWED_NETWORKS",
    "FEDIVERSE_SUPPORT_UNDO_SECONDS",
    "FEDIVERSE_SUPPORT_NEWCOMER_POSTS_HELD",
    "FEDIVERSE_SUPPORT_LOG_FORMAT",
    "FEDIVERSE_SUPPORT_CLOCK",
)
SHARED_NAMES: Final = ("DATABASE_URL", "SMTP_URL", "SSL_CERT_FILE", "FORWARDED_ALLOW_IPS")
NAMES: Final = OUR_NAMES + SHARED_NAMES
OVERRIDES: Final = {
    "federation": "FEDIVERSE_SUPPORT_FEDERATION",
    "registration": "FEDIVERSE_SUPPORT_REGISTRATION",
    "undo_seconds": "FEDIVERSE_SUPPORT_UNDO_SECONDS",
    "newcomer_posts_held": "FEDIVERSE_SUPPORT_NEWCOMER_POSTS_HELD",
}
"""What the organisation decides, and the name by which a process decides otherwise."""
SURROGATE: Final = re.compile(r"[\ud800-\udfff]")
"""What bytes of the environment become that are no UTF-8."""
SPAN: Final = re.compile(r"([+-])([0-9]{1,6})([smhd])", re.ASCII)
UNITS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
"""Seconds."""
MOST_AHEAD: Final = timedelta(days=3_660)
ENV_LINE: Final = re.compile(r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*)\Z")


class SettingsError(Exception):
    """A setting is unknown or malformed; the text is one sentence that names it and never shows a secret."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything the operator can set, typed and checked. Secrets stay out of `repr`.

    `is_address_chosen` says that `base_url` was set and is not the default. What the organisation decides
    (`domain.house`) is None here unless this process overrides it. `clock_ahead` is how far the clock of this
    process is ahead of the machine's: zero but in tests, and negative where it is behind.
    """

    base_url: str = "http://localhost:8000"
    database_url: str | None = field(default=None, repr=False)
    data_dir: Path = Path("var")
    federation: Federation | None = None
    registration: Registration | None = None
    allow_http: bool = False
    allowed_networks: tuple[Network, ...] = ()
    undo_for: timedelta | None = None
    newcomer_posts_held: int | None = None
    log_format: LogFormat = "text"
    smtp_url: str | None = field(default=None, repr=False)
    ssl_cert_file: Path | None = None
    trusted_proxies: str = "127.0.0.1,::1"
    is_address_chosen: bool = False
    clock_ahead: timedelta = timedelta()

    @property
    def instance(self) -> Instance:
        """This installation as the rest of the application knows it."""
        return Instance(
            base_url=self.base_url, allow_http=self.allow_http, overrides=self.overrides
        )

    @property
    def overrides(self) -> Overrides:
        """What this process decides instead of the organisation, as texts by key."""
        undo = None if self.undo_for is None else int(self.undo_for.total_seconds())
        texts = {
            "federation": self.federation,
            "registration": self.registration,
            "undo_seconds": undo,
            "newcomer_posts_held": self.newcomer_posts_held,
        }
        return tuple((key, str(text)) for key, text in texts.items() if text is not None)


def load(
    environ: Mapping[str, str] | None = None, *, config: Path | None = None, directory: Path | None = None
) -> Settings:
    """Read and check all settings; raise `SettingsError` with one sentence about the first that is wrong.

    `environ` defaults to the process environment, `directory` (where `.env` is looked for) to the current
    one.
    """
    return _checked(_merged(os.environ if environ is None else environ, config, directory))


def has_base_url(
    environ: Mapping[str, str], *, config: Path | None = None, directory: Path | None = None
) -> bool:
    """Say whether the operator has given the instance an address; raises `SettingsError` like `load`."""
    return "FEDIVERSE_SUPPORT_BASE_URL" in _merged(environ, config, directory)


def _merged(environ: Mapping[str, str], config: Path | None, directory: Path | None) -> dict[str, str]:
    _refuse_unknown(environ, "the environment", only_ours=True)
    dotenv = _read_dotenv((directory or Path()) / ".env")
    _refuse_unknown(dotenv, "the file .env", only_ours=True)
    toml = {} if config is None else _read_toml(config)
    _refuse_unknown(toml, f"the file {config}", only_ours=False)
    values = {}
    for name in NAMES:
        for source in (environ, toml, dotenv):
            if text := source.get(name, "").strip():
                values[name] = text
                break
        if SURROGATE.search(values.get(name, "")):
            raise SettingsError(f"{name} is not UTF-8 text.")
    return values


def _checked(values: Mapping[str, str]) -> Settings:
    base_url = _base_url(values.get("FEDIVERSE_SUPPORT_BASE_URL", "http://localhost:8000"))
    allow_http = _one_of("FEDIVERSE_SUPPORT_ALLOW_HTTP", values, ("0", "1"), "0") == "1"
    if allow_http and not base_url.startswith("http://"):
        raise SettingsError(
            "FEDIVERSE_SUPPORT_ALLOW_HTTP is 1, which is only for development: it needs a "
            f"FEDIVERSE_SUPPORT_BASE_URL that starts with http://, and yours is {base_url}."
        )
    formats: tuple[LogFormat, ...] = ("text", "json")
    certificates = values.get("SSL_CERT_FILE")
    if certificates is not None and not Path(certificates).is_file():
        raise SettingsError(f"SSL_CERT_FILE names {certificates}, which is not a file.")
    return Settings(
        base_url=base_url,
        is_address_chosen="FEDIVERSE_SUPPORT_BASE_URL" in values,
        database_url=_url_of("DATABASE_URL", values, ("postgresql", "postgres")),
        data_dir=_data_dir(values.get("FEDIVERSE_SUPPORT_DATA_DIR", "var")),
        federation=_override("federation", values),
        registration=_override("registration", values),
        allow_http=allow_http,
        allowed_networks=_networks(values.get("FEDIVERSE_SUPPORT_ALLOWED_NETWORKS", "")),
        undo_for=_override("undo_seconds", values),
        newcomer_posts_held=_override("newcomer_posts_held", values),
        log_format=_one_of("FEDIVERSE_SUPPORT_LOG_FORMAT", values, formats, "text"),
        smtp_url=_url_of("SMTP_URL", values, ("smtp", "smtps", "smtp+starttls")),
        ssl_cert_file=None if certificates is None else Path(certificates),
        trusted_proxies=values.get("FORWARDED_ALLOW_IPS", "127.0.0.1,::1"),
        clock_ahead=_clock(values.get("FEDIVERSE_SUPPORT_CLOCK"), base_url, allow_http=allow_http),
    )


def _clock(text: str | None, base_url: str, *, allow_http: bool) -> timedelta:
    """Return how far the clock is set ahead, which only an instance that nobody else can reach may do."""
    if text is None:
        return timedelta()
    if not allow_http or not _is_loopback(base_url):
        raise SettingsError(
            "FEDIVERSE_SUPPORT_CLOCK is only for tests: it needs FEDIVERSE_SUPPORT_ALLOW_HTTP=1 and a "
            f"FEDIVERSE_SUPPORT_BASE_URL on loopback, and yours is {base_url}."
        )
    found = SPAN.fullmatch(text)
    ahead = timedelta() if found is None else timedelta(seconds=int(found[2]) * UNITS[found[3]])
    if found is None or ahead > MOST_AHEAD:
        raise SettingsError(
            f"FEDIVERSE_SUPPORT_CLOCK must be such as +3h or -2d, of ten years at most; it is {text}."
        )
    return -ahead if found[1] == "-" else ahead


def _is_loopback(base_url: str) -> bool:
    name = urlsplit(base_url).hostname or ""
    try:
        return name == "localhost" or ip_address(name).is_loopback
    except ValueError:
        return False


def _refuse_unknown(values: Mapping[str, object], where: str, *, only_ours: bool) -> None:
    for name in values:
        if name in NAMES or (only_ours and not name.startswith(PREFIX)):
            continue
        near = difflib.get_close_matches(name, NAMES, n=1)
        hint = f" Did you mean {near[0]}?" if near else ""
        raise SettingsError(f"There is no setting {name} ({where} has it).{hint}")


def _read_dotenv(path: Path) -> dict[str, str]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"The file {path} cannot be read: {_reason(error)}.") from error
    values = {}
    for number, line in enumerate(lines, start=1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        if (match := ENV_LINE.match(line)) is None:
            raise SettingsError(f"Line {number} of {path} is not of the form NAME=value.")
        name, value = match[1], match[2]
        if value[:1] in "\"'" and len(value) >= 2 and value.find(value[0], 1) > 0:
            value = value[1 : value.find(value[0], 1)]
        else:
            value = value.split(" #", 1)[0].rstrip()
        values[name] = value
    return values


def _read_toml(path: Path) -> dict[str, str]:
    try:
        with path.open("rb") as file:
            table = tomllib.load(file)
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"The file {path} cannot be read: {_reason(error)}.") from error
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"The file {path} is not TOML: {error}.") from error
    return {name: _plain(name, value, path) for name, value in table.items()}


def _plain(name: str, value: object, path: Path) -> str:
    match value:
        case bool():
            return "1" if value else "0"
        case str() | int():
            return str(value)
        case list() if all(isinstance(item, str) for item in value):
            return ",".join(value)
        case _:
            raise SettingsError(f"{name} in the file {path} must be a text, a whole number or true/false.")


def _reason(error: Exception) -> str:
    return (error.strerror or str(error)) if isinstance(error, OSError) else "it is not UTF-8 text"


def _base_url(text: str) -> str:
    wanted = "FEDIVERSE_SUPPORT_BASE_URL must be http:// or https:// and a host name, with a port if need be"
    try:
        uri = uris.parse(text)
    except Malformed as error:
        raise SettingsError(f"{wanted}; it is {text}.") from error
    if uri.removesuffix("/") != uris.origin(uri):
        raise SettingsError(f"{wanted}, and nothing after it; it is {text}.")
    return uris.origin(uri)


def _url_of(name: str, values: Mapping[str, str], schemes: tuple[str, ...]) -> str | None:
    text = values.get(name)
    if text is None:
        return None
    try:
        parts = urlsplit(text)
        well_formed = parts.scheme in schemes and "://" in text and (parts.port is None or parts.port > 0)
        well_formed = well_formed and (not parts.scheme.startswith("smtp") or bool(parts.hostname))
    except ValueError:
        well_formed = False
    if not well_formed:
        raise SettingsError(
            f"{name} must be an address that starts with {_either(schemes)} (its value is not shown here)."
        )
    return text


def _either(schemes: tuple[str, ...]) -> str:
    return " or ".join(f"{scheme}://" for scheme in schemes)


def _one_of(name: str, values: Mapping[str, str], allowed: tuple[T, ...], default: T) -> T:
    text = values.get(name, default)
    if text not in allowed:
        raise SettingsError(f"{name} must be {', '.join(allowed[:-1])} or {allowed[-1]}; it is {text}.")
    return text


def _override(key: str, values: Mapping[str, str]) -> Any:
    """Return what this process decides instead of the organisation, None where it says nothing."""
    name = OVERRIDES[key]
    if (text := values.get(name)) is None:
        return None
    try:
        return house.KEYS[key].parse(text)
    except ValueError as error:
        raise SettingsError(f"{name} must be {house.KEYS[key].wanted}; it is {text}.") from error


def _networks(text: str) -> tuple[Network, ...]:
    found = []
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        try:
            found.append(ip_network(part))
        except ValueError as error:
            raise SettingsError(
                "FEDIVERSE_SUPPORT_ALLOWED_NETWORKS must be networks such as 10.0.0.0/8, "
                f"separated by commas; {part} is none."
            ) from error
    return tuple(found)


def _data_dir(text: str) -> Path:
    if "\x00" in text:
        raise SettingsError("FEDIVERSE_SUPPORT_DATA_DIR must be a directory; it holds a zero byte.")
    return Path(text).expanduser()
