"""The whole way of a draft-cavage signature, for tests."""

from __future__ import annotations

import pytest

from federation import signatures
from federation.errors import Unauthentic
from federation.http import Request
from federation.keys import PublicKeyHandle
from tests.unit.federation.requests import HOSTS, NOW, PUBLIC


def accept(request: Request, key: PublicKeyHandle = PUBLIC) -> signatures.Claim:
    claim = signatures.parse(request)
    assert claim is not None
    signatures.check(claim, request, now=NOW, hosts=HOSTS)
    signatures.verify(claim, request, key)
    return claim


def refuse(request: Request, code: str = "signature_invalid", key: PublicKeyHandle = PUBLIC) -> str:
    with pytest.raises(Unauthentic) as caught:
        accept(request, key)
    assert caught.value.code == code
    return caught.value.detail
