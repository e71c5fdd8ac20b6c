"""Exceptions from the proxy, in the forms that environments and systems have for them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.clouds.proxy_exceptions import is_excepted


@pytest.mark.parametrize(
    ("exception", "host", "port", "expected"),
    [
        ("*", "cloud.test", 443, True),
        ("cloud.test", "cloud.test", 443, True),
        ("cloud.test", "api.cloud.test", 443, True),
        ("cloud.test", "mycloud.test", 443, False),
        (".cloud.test", "api.cloud.test", 443, True),
        (".cloud.test", "cloud.test", 443, True),
        (".cloud.test", "mycloud.test", 443, False),
        ("*.cloud.test", "api.cloud.test", 443, True),
        ("*.cloud.test", "mycloud.test", 443, False),
        ("CLOUD.test.", "cloud.TEST.", 443, True),
        ("cloud.test:8443", "cloud.test", 8443, True),
        ("cloud.test:8443", "cloud.test", 443, False),
        ("https://cloud.test", "cloud.test", 443, True),
        ("10.*", "10.1.2.3", 443, True),
        ("*cloud*", "my.cloud.test", 443, True),
        ("a[bc].test*", "ab.test", 443, False),
        ("10.0.0.0/8", "10.1.2.3", 443, True),
        ("10.0.0.0/8", "11.1.2.3", 443, False),
        ("10.0.0.0/8", "cloud.test", 443, False),
        ("10.1.2.3/8", "10.9.9.9", 443, True),
        ("169.254/16", "169.254.3.4", 443, True),
        ("192.168.1.7", "192.168.1.7", 443, True),
        ("192.168.1.7", "192.168.1.70", 443, False),
        ("192.168.1.7:8443", "192.168.1.7", 8443, True),
        ("fd00::/8", "fd12::1", 443, True),
        ("[fd12::1]:8443", "fd12::1", 8443, True),
        ("[fd12::1]:8443", "fd12::1", 443, False),
        ("[fd12::1]", "fd12::1", 443, True),
        ("fd12::1", "10.0.0.1", 443, False),
        ("<local>", "intranet", 443, True),
        ("<local>", "cloud.test", 443, False),
        ("<local>", "fd12::1", 443, False),
        ("<-loopback>", "cloud.test", 443, False),
        (".", "cloud.test", 443, False),
        ("", "cloud.test", 443, False),
        (":443", "cloud.test", 443, False),
        ("10.0.0.0/99", "10.0.0.1", 443, False),
    ],
)
def test_an_exception_holds_for_what_it_names(exception, host, port, expected):
    assert is_excepted(host, port, ["other.test", exception]) is expected


@given(st.lists(st.text(max_size=20), max_size=5), st.integers(1, 65535))
def test_what_is_no_exception_does_no_harm(exceptions, port):
    assert is_excepted("cloud.test", port, exceptions) in {True, False}
