"""The one decision about proxy and certificates: settings before system, never for this computer."""

from __future__ import annotations

import pytest

from agent.clouds.route import SETTING, Proxy, Routes, find_proxy
from agent.clouds.system_proxy import ENVIRONMENT, SystemProxy
from agent.errors import CertificatesUnreadable, ProxyUnusable
from agent.settings.config import NetworkConfig
from agent.settings.proxy import ProxyAddress

URL = "https://cloud.test/x"
SYSTEM = SystemProxy("http://sys.test:3128", ENVIRONMENT, ("lan.test", "lab.test:8443"))
NOBODY = ProxyAddress("")


def server(url: str, setting: str = "") -> str | None:
    proxy = find_proxy(url, ProxyAddress(setting), SYSTEM)
    return None if proxy is None else proxy.server


def proxy_of(routes: Routes) -> Proxy:
    proxy = routes.to(URL).proxy
    assert proxy is not None
    return proxy


@pytest.mark.parametrize(
    ("url", "setting", "expected"),
    [
        (URL, "", "sys.test:3128"),
        (URL, "none", None),
        (URL, "http://set.test:8080", "set.test:8080"),
        ("https://api.lan.test", "", None),
        ("https://api.lan.test", "http://set.test:8080", None),
        ("https://lab.test:8443", "", None),
        ("https://lab.test", "", "sys.test:3128"),
        ("https://localhost:8991", "http://set.test:8080", None),
        ("http://127.0.0.1:8991", "http://set.test:8080", None),
        ("https://[::1]:8991", "", None),
    ],
)
def test_the_settings_go_before_the_system_and_exceptions_before_both(url, setting, expected):
    assert server(url, setting) == expected


def test_who_names_the_proxy_is_known():
    routes = Routes(lambda: NetworkConfig(proxy=ProxyAddress("http://set.test")))
    assert proxy_of(routes).source == SETTING
    assert proxy_of(Routes(system=lambda: SYSTEM)).source == ENVIRONMENT


def test_a_proxy_is_shown_without_its_account():
    proxy = proxy_of(Routes(system=lambda: SystemProxy("ada:MARKER@sys.test:3128/")))
    assert proxy.server == "sys.test:3128"
    assert proxy.has_account
    assert "MARKER" not in repr(proxy)
    assert not proxy_of(Routes(system=lambda: SYSTEM)).has_account


@pytest.mark.parametrize(
    "address",
    [
        "socks5://s.test:1080",
        "socks://s.test:1080/",
        "https5://ada:MARKER@sys.test",
        "http://ada:MARKER/x@sys.test",
        "http://",
        "pac+http://x.test/proxy.pac",
    ],
)
def test_what_cannot_be_used_is_told_without_its_text(address):
    with pytest.raises(ProxyUnusable) as caught:
        find_proxy(URL, NOBODY, SystemProxy(address))
    assert "MARKER" not in repr(caught.value.report())
    assert "SOCKS" in caught.value.report().meaning


def test_a_change_of_the_settings_and_of_the_system_counts_at_once():
    settings, system = [NetworkConfig()], [SYSTEM]
    routes = Routes(lambda: settings[0], system=lambda: system[0])
    assert proxy_of(routes).server == "sys.test:3128"
    settings[0] = NetworkConfig(proxy=ProxyAddress("http://set.test"))
    assert proxy_of(routes).server == "set.test"
    settings[0], system[0] = NetworkConfig(), SystemProxy()
    assert routes.to(URL).proxy is None


def test_the_same_route_is_equal_and_a_changed_file_of_certificates_is_another(tmp_path):
    file = tmp_path / "ca.pem"
    file.write_bytes(b"one")
    routes = Routes(lambda: NetworkConfig(certificates=str(file)), system=SystemProxy)
    before = routes.to(URL)
    assert routes.to(URL) == before
    file.write_bytes(b"other")
    assert routes.to(URL) != before


@pytest.mark.parametrize("size", [None, 5 << 20])
def test_a_file_of_certificates_that_is_not_there_or_too_long_is_told(tmp_path, size):
    file = tmp_path / "ca.pem"
    if size:
        with file.open("wb") as opened:
            opened.truncate(size)
    routes = Routes(lambda: NetworkConfig(certificates=str(file)), system=SystemProxy)
    with pytest.raises(CertificatesUnreadable) as caught:
        routes.to(URL)
    assert "ca.pem" in caught.value.report().title
    assert "network.certificates" in caught.value.report().remedy


@pytest.mark.system("win32", "darwin")  # elsewhere OpenSSL takes it by itself
def test_ssl_cert_file_counts_where_the_system_has_a_store_of_its_own(tmp_path):
    file = tmp_path / "ca.pem"
    file.write_bytes(b"one")
    routes = Routes(system=SystemProxy, environ={"SSL_CERT_FILE": str(file)})
    assert [each.path for each in routes.to(URL).certificates] == [str(file)]
