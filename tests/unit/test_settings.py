"""Settings: every name of the contract, where it may stand, and one sentence for what is wrong."""

from __future__ import annotations

from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path

import pytest

from fediverse_support import settings
from fediverse_support.settings import Settings, SettingsError

P = "FEDIVERSE_SUPPORT_"


def load(values: dict[str, str], tmp_path: Path, config: Path | None = None) -> Settings:
    return settings.load(values, config=config, directory=tmp_path)


def refusal(values: dict[str, str], tmp_path: Path, config: Path | None = None) -> str:
    with pytest.raises(SettingsError) as error:
        load(values, tmp_path, config)
    text = str(error.value)
    assert "\n" not in text and text.endswith((".", "?"))
    return text


def test_the_defaults_are_those_of_the_contract(tmp_path: Path) -> None:
    found = load({}, tmp_path)
    assert found.base_url == "http://localhost:8000"
    assert found.database_url is None
    assert found.data_dir == Path("var")
    assert found.overrides == ()
    assert found.allow_http is False
    assert found.allowed_networks == ()
    assert found.log_format == "text"
    assert found.smtp_url is None


def test_every_name_is_read(tmp_path: Path) -> None:
    certificate = tmp_path / "ca.pem"
    certificate.write_text("")
    found = load(
        {
            f"{P}BASE_URL": "http://127.0.0.1:8123/",
            "DATABASE_URL": "postgresql://u:secret@db.example/x",
            f"{P}DATA_DIR": "/srv/fs",
            f"{P}FEDERATION": "allowlist",
            f"{P}REGISTRATION": "invite",
            f"{P}ALLOW_HTTP": "1",
            f"{P}ALLOWED_NETWORKS": "127.0.0.0/8, ::1/128",
            f"{P}UNDO_SECONDS": "0",
            f"{P}NEWCOMER_POSTS_HELD": "5",
            f"{P}LOG_FORMAT": "json",
            "SMTP_URL": "smtps://mail.example:465",
            "SSL_CERT_FILE": str(certificate),
        },
        tmp_path,
    )
    assert found.base_url == "http://127.0.0.1:8123"
    assert found.allowed_networks == (ip_network("127.0.0.0/8"), ip_network("::1/128"))
    assert found.undo_for == timedelta(0)
    assert found.instance.host == "127.0.0.1:8123"
    assert found.instance.allow_http
    assert found.instance.overrides == (
        ("federation", "allowlist"),
        ("registration", "invite"),
        ("undo_seconds", "0"),
        ("newcomer_posts_held", "5"),
    )
    assert found.ssl_cert_file == certificate


@pytest.mark.parametrize("scheme", ["smtp", "smtps", "smtp+starttls"])
def test_a_mail_server_is_reached_in_three_ways(tmp_path: Path, scheme: str) -> None:
    url = f"{scheme}://user:pass@mail.example:2525"
    assert load({"SMTP_URL": url}, tmp_path).smtp_url == url


def test_secrets_are_not_shown(tmp_path: Path) -> None:
    found = load(
        {"DATABASE_URL": "postgresql://u:hush@db.example/x", "SMTP_URL": "smtp://u:hush@m.example"}, tmp_path
    )
    assert "hush" not in repr(found)
    assert "hush" not in refusal({"DATABASE_URL": "mysql://u:hush@db.example/x"}, tmp_path)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BASE_URL", "support.example.org"), ("BASE_URL", "https://support.example.org/path"),
        ("BASE_URL", "ftp://support.example.org"), ("BASE_URL", "https://u:p@support.example.org"),
        ("BASE_URL", "https://"), ("BASE_URL", "https://a b"),
        ("FEDERATION", "closed"), ("FEDERATION", "OPEN"),
        ("REGISTRATION", "yes"), ("ALLOW_HTTP", "true"), ("ALLOW_HTTP", "2"),
        ("ALLOWED_NETWORKS", "10.0.0.1/8"), ("ALLOWED_NETWORKS", "here"),
        ("UNDO_SECONDS", "-1"), ("UNDO_SECONDS", "1.5"), ("UNDO_SECONDS", "99999999"),
        ("UNDO_SECONDS", "٣"), ("NEWCOMER_POSTS_HELD", "two"), ("LOG_FORMAT", "xml"), ("DATA_DIR", "a\x00b"),
    ],
)  # fmt: skip
def test_a_malformed_value_is_named(tmp_path: Path, name: str, value: str) -> None:
    assert f"{P}{name}" in refusal({f"{P}{name}": value}, tmp_path)


@pytest.mark.parametrize(
    ("name", "value"),
    [("DATABASE_URL", "here"), ("DATABASE_URL", "postgresql:x"), ("DATABASE_URL", "postgresql://h:99999/x"),
     ("SMTP_URL", "mail.example"), ("SMTP_URL", "smtp://"), ("SMTP_URL", "smtp+starttls://:587"),
     ("SMTP_URL", "smtp+tls://mail.example"), ("SMTP_URL", "smtp+starttls://u:p#w@mail.example"),
     ("SSL_CERT_FILE", "/nowhere/ca.pem")],
)  # fmt: skip
def test_a_malformed_shared_value_is_named(tmp_path: Path, name: str, value: str) -> None:
    assert name in refusal({name: value}, tmp_path)


@pytest.mark.parametrize("name", [f"{P}DATA_DIR", f"{P}BASE_URL", "DATABASE_URL", "SMTP_URL"])
def test_a_value_that_is_no_text_is_named(tmp_path: Path, name: str) -> None:
    assert refusal({name: "postgresql://a/\udcff"}, tmp_path) == f"{name} is not UTF-8 text."


def test_an_unknown_name_is_named_with_the_nearest_known(tmp_path: Path) -> None:
    text = refusal({f"{P}BASEURL": "https://a.example"}, tmp_path)
    assert f"{P}BASEURL" in text and f"Did you mean {P}BASE_URL?" in text


def test_names_of_other_programs_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("POSTGRES_PASSWORD=x\n")
    assert load({"HOME": "/root", "PGHOST": "x"}, tmp_path) == load({}, tmp_path)


def test_plain_http_is_for_plain_http_instances_only(tmp_path: Path) -> None:
    text = refusal({f"{P}BASE_URL": "https://a.example", f"{P}ALLOW_HTTP": "1"}, tmp_path)
    assert "ALLOW_HTTP" in text and "https://a.example" in text


def test_the_environment_wins_over_the_file_and_that_over_dotenv(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(
        f"# a comment\n\nexport {P}UNDO_SECONDS=1\n{P}LOG_FORMAT='json' # why\n{P}FEDERATION=off # why\n"
    )
    config = tmp_path / "fs.toml"
    config.write_text(
        f'{P}UNDO_SECONDS = 2\n{P}NEWCOMER_POSTS_HELD = 0\n{P}ALLOWED_NETWORKS = ["10.0.0.0/8"]\n'
    )
    found = load({f"{P}NEWCOMER_POSTS_HELD": "9"}, tmp_path, config)
    assert found.undo_for == timedelta(seconds=2)
    assert found.newcomer_posts_held == 9
    assert found.log_format == "json"
    assert found.federation == "off"
    assert found.allowed_networks == (ip_network("10.0.0.0/8"),)


def test_an_empty_value_counts_as_not_set(tmp_path: Path) -> None:
    assert load({f"{P}UNDO_SECONDS": "", "DATABASE_URL": " "}, tmp_path) == load({}, tmp_path)


@pytest.mark.parametrize(
    ("text", "said"),
    [("nonsense", "is not TOML"), ("TYPO = 1\n", "TYPO"), (f"{P}UNDO_SECONDS = 1.5\n", f"{P}UNDO_SECONDS"),
     ("DATABASE_URL = {a=1}\n", "DATABASE_URL")],
)  # fmt: skip
def test_a_broken_file_is_named(tmp_path: Path, text: str, said: str) -> None:
    config = tmp_path / "fs.toml"
    config.write_text(text)
    assert said in refusal({}, tmp_path, config)


def test_a_missing_file_and_a_broken_dotenv_are_named(tmp_path: Path) -> None:
    assert "nowhere.toml" in refusal({}, tmp_path, tmp_path / "nowhere.toml")
    (tmp_path / ".env").write_text("what is this\n")
    assert "Line 1" in refusal({}, tmp_path)
    (tmp_path / ".env").write_bytes(b"A=\xff\n")
    assert "UTF-8" in refusal({}, tmp_path)


LOOPBACK = {f"{P}BASE_URL": "http://127.0.0.1:8123", f"{P}ALLOW_HTTP": "1"}


@pytest.mark.parametrize(
    ("text", "ahead"),
    [("+3h", timedelta(hours=3)), ("-2d", timedelta(days=-2)), ("+90s", timedelta(seconds=90)),
     ("+15m", timedelta(minutes=15))],
)  # fmt: skip
@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "[::1]", "127.8.9.10"])
def test_a_server_on_loopback_may_set_its_clock(
    tmp_path: Path, text: str, ahead: timedelta, name: str
) -> None:
    address = {f"{P}BASE_URL": f"http://{name}:8123"}
    assert load({**LOOPBACK, **address, f"{P}CLOCK": text}, tmp_path).clock_ahead == ahead
    assert load(LOOPBACK, tmp_path).clock_ahead == timedelta()


@pytest.mark.parametrize(
    "elsewhere",
    [{f"{P}ALLOW_HTTP": "0"}, {f"{P}BASE_URL": "http://support.example"}, {f"{P}BASE_URL": "http://10.0.0.1"},
     {f"{P}BASE_URL": "http://localhost.example"}],
)  # fmt: skip
def test_no_server_that_others_can_reach_sets_its_clock(tmp_path: Path, elsewhere: dict[str, str]) -> None:
    assert f"{P}CLOCK" in refusal({**LOOPBACK, f"{P}CLOCK": "+3h", **elsewhere}, tmp_path)


@pytest.mark.parametrize("text", ["3h", "+3", "+3w", "+h", "+1h30m", "+999999d", "+٣h", "later"])
def test_a_clock_is_set_by_one_span(tmp_path: Path, text: str) -> None:
    assert f"{P}CLOCK must be" in refusal({**LOOPBACK, f"{P}CLOCK": text}, tmp_path)
