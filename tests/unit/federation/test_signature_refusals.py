"""Draft-cavage: one test for every single way to be refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from federation import keys, signatures
from tests.unit.federation.cavage import accept, refuse
from tests.unit.federation.requests import (
    BODY,
    DEFAULT_COVERED,
    NOW,
    OTHER,
    by_hand,
    signed,
    with_header,
)

# --- what must be refused: the header itself ---


def test_two_signature_headers_are_refused() -> None:
    request = signed()
    refuse(with_header(request, "signature", *(request.all("signature") * 2)))


@pytest.mark.parametrize(
    "twice",
    [
        'keyId="https://evil.example/u/x#main-key"',
        'KEYID="https://evil.example/u/x#main-key"',
        'signature="AAAA"',
    ],
)
def test_repeated_parameters_are_refused(twice: str) -> None:
    request = signed()
    refuse(with_header(request, "signature", f"{request.first('signature')},{twice}"))
    refuse(with_header(request, "signature", f"{twice},{request.first('signature')}"))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Signature",
        "keyId",
        'keyId="https://masto.example/u/x',
        'keyId="a\\"b",signature="AAAA"',
        'keyId = "https://masto.example/u/x",signature="AAAA"',
        'keyId="https://masto.example/u/x";signature="AAAA"',
        'keyId="https://masto.example/u/x",signature="AAAA",',
        ',keyId="https://masto.example/u/x",signature="AAAA"',
        'keyId="https://masto.example/u/x",signature="é"',
        'keyId="https://masto.example/u/x",signature="AA\nAA"',
        "keyId=https://masto.example/u/x,signature=AAAA",
        'keyId="https://masto.example/u/x"',
        'signature="AAAA"',
        'keyId="/u/x",signature="AAAA"',
        'keyId="acct:x@masto.example",signature="AAAA"',
        'keyId="https://masto.example/u/x",signature="AAA"',
        'keyId="https://masto.example/u/x",signature="AA-_"',
        'keyId="https://masto.example/u/x",signature="AAAA AAAA"',
        'keyId="https://masto.example/u/x",signature=""',
        'keyId="https://masto.example/u/x",signature="' + "A" * 2000 + '"',
        'keyId="https://masto.example/u/x",signature="AAAA",x="' + "a" * 5000 + '"',
        'keyId="https://masto.example/u/x",signature="AAAA",created=99999999999999',
        'keyId="https://masto.example/u/x",signature="AAAA",created="soon"',
    ],
)
def test_a_header_out_of_shape_is_refused(text: str) -> None:
    refuse(with_header(signed(), "signature", text))


@pytest.mark.parametrize(
    "algorithm", ["hmac-sha256", "rsa-sha1", "rsa-sha512", "none", "", "ed25519", "ecdsa-sha256", "RSA-SHA1"]
)
def test_other_algorithm_names_are_refused(algorithm: str) -> None:
    refuse(by_hand(algorithm=algorithm))


@pytest.mark.parametrize(
    "covered",
    [
        "(request-target) host date digest date",
        "(request-target)  host date digest",
        "(request-target) host date digest (other)",
        "(request-target),host,date,digest",
        " ".join(f"x-{number}" for number in range(40)),
        "",
    ],
)
def test_an_odd_list_of_covered_names_is_refused(covered: str) -> None:
    text = signed().first("signature") or ""
    refuse(with_header(signed(), "signature", text.replace(DEFAULT_COVERED, covered)))


# --- what must be refused: coverage ---


@pytest.mark.parametrize(
    "covered",
    [
        None,
        "date",
        "(request-target) host date",
        "host date digest",
        "(request-target) date digest",
        "(request-target) host digest",
        "(request-target) host date content-type",
    ],
)
def test_a_post_that_leaves_something_open_is_refused(covered: str | None) -> None:
    assert "coverage" in refuse(by_hand(covered=covered))


def test_a_get_needs_no_digest_but_the_rest() -> None:
    accept(by_hand(method="GET", body=b"", covered="(request-target) host date"))
    refuse(by_hand(method="GET", body=b"", covered="host date"))


def test_a_get_with_a_body_needs_a_digest() -> None:
    refuse(by_hand(method="GET", body=b"{}", covered="(request-target) host date"))


def test_a_covered_header_that_is_missing_is_refused() -> None:
    refuse(with_header(by_hand(covered=f"{DEFAULT_COVERED} x-note", headers={"x-note": "a"}), "x-note"))


@pytest.mark.parametrize("name", ["host", "date", "digest", "content-type"])
def test_headers_that_count_once_may_not_stand_twice(name: str) -> None:
    request = signed()
    refuse(with_header(request, name, *(request.all(name) * 2)))


@pytest.mark.parametrize(
    ("name", "second"),
    [("host", "pie.example"), ("date", "Wed, 01 May 2030 12:00:00 GMT"), ("content-type", "text/html")],
)
def test_a_second_line_is_refused_although_both_are_signed(name: str, second: str) -> None:
    honest = by_hand()
    first = honest.first(name) or ""
    request = by_hand(special={name: f"{first}, {second}"})
    assert "repeated" in refuse(with_header(request, name, first, second))


def test_a_second_content_type_is_refused_although_neither_is_signed() -> None:
    request = by_hand(covered="(request-target) host date digest")
    accept(request)
    refuse(with_header(request, "content-type", "application/activity+json", "text/html"))


def test_a_name_covered_twice_is_refused() -> None:
    assert "repeated" in refuse(by_hand(covered=f"{DEFAULT_COVERED} date"))


def test_created_with_a_named_algorithm_is_refused() -> None:
    stamp = str(int(NOW.timestamp()))
    refuse(
        by_hand(
            covered="(request-target) host (created) digest",
            extra=[f"created={stamp}"],
            special={"(created)": stamp},
        )
    )


def test_created_must_be_given_where_it_is_covered() -> None:
    refuse(
        by_hand(
            covered="(request-target) host (created) digest", algorithm=None, special={"(created)": "None"}
        )
    )


# --- what must be refused: digest, host, clock, target ---


def test_another_body_is_refused() -> None:
    assert "digest" in refuse(replace(signed(), body=b'{"type":"Delete"}'))


@pytest.mark.parametrize(
    "digest",
    [
        "",
        "SHA-256=",
        "SHA-256=AAAA",
        "SHA-512=" + "A" * 86 + "==",
        "MD5=abc",
        f"{signatures.digest(BODY)},{signatures.digest(b'other')}",
        signatures.digest(BODY).removesuffix("="),
        signatures.digest(BODY) + "AAAA",
        "SHA-256=" + "A" * 5000,
    ],
)
def test_an_odd_digest_is_refused_although_it_is_signed(digest: str) -> None:
    refuse(by_hand(headers={"digest": digest}))


@pytest.mark.parametrize(
    "host",
    ["pie.example", "localhost", "support.example:8443", "support.example.evil.example", "", "a b", "@"],
)
def test_a_request_for_another_host_is_refused(host: str) -> None:
    assert refuse(by_hand(headers={"host": host})) == "host"


@pytest.mark.parametrize("hours", [-13, 2, -24 * 365])
def test_a_time_outside_the_window_is_stale(hours: int) -> None:
    refuse(by_hand(headers={"date": signatures.write_date(NOW + timedelta(hours=hours))}), "stale")


@pytest.mark.parametrize(
    "date",
    [
        "",
        "now",
        NOW.isoformat(),
        "Wed, 01 May 2030 12:00:00",
        "Wed, 01 May 2030 12:00:00 +0100",
        "Wed, 31 Feb 2030 12:00:00 GMT",
        "Wed, 01 Mai 2030 12:00:00 GMT",
        "Wednesday, 01-May-30 12:00:00 GMT",
        "Wed, 01 May 2030 12:00:99 GMT",
    ],
)
def test_a_date_that_is_none_is_stale(date: str) -> None:
    refuse(by_hand(headers={"date": date}), "stale")


@pytest.mark.parametrize("created", ["2061590400", "1", "999999999999"])
def test_a_created_time_outside_the_window_is_stale(created: str) -> None:
    refuse(
        by_hand(
            covered="(request-target) host (created) digest",
            algorithm="hs2019",
            extra=[f"created={created}"],
            special={"(created)": created},
        ),
        "stale",
    )


def test_a_fresh_created_does_not_heal_an_old_date_that_is_covered_too() -> None:
    stamp = str(int(NOW.timestamp()))
    refuse(
        by_hand(
            covered="(request-target) host (created) date digest",
            algorithm="hs2019",
            extra=[f"created={stamp}"],
            special={"(created)": stamp},
            headers={"date": signatures.write_date(NOW - timedelta(days=2))},
        ),
        "stale",
    )


@pytest.mark.parametrize(
    "covered", ["(request-target) host date digest", "(request-target) host date digest (expires)"]
)
def test_an_expired_signature_is_stale(covered: str) -> None:
    expires = str(int((NOW - timedelta(hours=2)).timestamp()))
    refuse(
        by_hand(
            covered=covered, algorithm="hs2019", extra=[f"expires={expires}"], special={"(expires)": expires}
        ),
        "stale",
    )


def test_a_date_changed_on_the_way_is_refused() -> None:
    refuse(with_header(signed(), "date", signatures.write_date(NOW + timedelta(minutes=5))))


@pytest.mark.parametrize(
    "target",
    ["https://support.example/ap/inbox", "*", "ap/inbox", "/ap/in box", "/ap/inbox\ndigest: x", "/é"],
)
def test_a_target_that_is_no_raw_path_is_refused(target: str) -> None:
    refuse(by_hand(target=target))


def test_an_encoded_line_end_stays_encoded() -> None:
    target = "/ap/inbox%0Adigest:%20SHA-256=x"
    accept(by_hand(target=target))
    refuse(by_hand(target=target, signed_target="/ap/inbox\ndigest: SHA-256=x"))


def test_another_path_or_method_is_refused() -> None:
    refuse(replace(signed(), target="/ap/u/wren/inbox"))
    refuse(replace(signed(), method="PUT"))


def test_a_line_smuggled_into_a_covered_header_is_refused() -> None:
    request = by_hand(covered=f"{DEFAULT_COVERED} x-note", headers={"x-note": "a\ndigest: b"})
    refuse(request)


def test_the_wrong_key_is_refused() -> None:
    refuse(signed(), key=OTHER)


def test_an_rsa_signature_does_not_pass_for_an_ed25519_key() -> None:
    refuse(signed(), key=keys.load_public(keys.public_pem(keys.load_private(keys.make_ed25519()))))


def test_one_changed_bit_is_refused() -> None:
    request = signed()
    text = request.first("signature") or ""
    at = text.index('signature="') + 20
    changed = text[:at] + ("B" if text[at] != "B" else "C") + text[at + 1 :]
    refuse(with_header(request, "signature", changed))
