"""The files of the page and their headers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agent.bridge.pages import Pages, not_modified, security_headers

if TYPE_CHECKING:
    from pathlib import Path


def test_a_file_outside_the_folder_is_never_found(tmp_path: Path) -> None:
    web = tmp_path / "web"
    web.mkdir()
    (web / "index.html").write_text("page")
    (tmp_path / "secret.html").write_text("secret")
    pages = Pages(web)
    for path in (
        "/../secret.html",
        "/..%2fsecret.html",
        "//secret.html",
        str(tmp_path / "secret.html"),
    ):
        assert pages.find(path) is None
    page = pages.find("/")
    assert page is not None
    assert page.body == b"page"


def test_a_file_that_went_away_is_not_found(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("page")
    pages = Pages(tmp_path)
    (tmp_path / "index.html").unlink()
    assert pages.find("/") is None


def test_only_the_client_is_shared_with_other_pages(tmp_path: Path) -> None:
    (tmp_path / "client").mkdir()
    for name in ("index.html", "mooring.js", "app.js", "client/find.js"):
        (tmp_path / name).write_text("x")
    pages = Pages(tmp_path)
    shared = {name: pages.find(f"/{name}") for name in ("index.html", "mooring.js", "app.js")}
    assert {name: page.shared for name, page in shared.items() if page} == {
        "index.html": False,
        "mooring.js": True,
        "app.js": False,
    }


@pytest.mark.parametrize(
    ("given", "same"),
    [('"a"', True), ('W/"a"', True), ('"b", "a"', True), ("*", True), ('"b"', False), ("", False)],
)
def test_a_version_that_the_browser_has_is_recognised(given: str, *, same: bool) -> None:
    assert not_modified({"if-none-match": given}, '"a"') is same


def test_the_policy_allows_no_inline_code_and_no_other_server() -> None:
    policy = security_headers("127.0.0.1:8991")["content-security-policy"]
    assert "unsafe" not in policy
    assert "*" not in policy
    assert "ws://127.0.0.1:8991" in policy
