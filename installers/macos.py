"""The macOS package: Mooring.app, signed where a key is present, in an installer.

It needs macOS and its command line tools. Without a certificate the app gets an ad-hoc signature:
that is enough for Bluetooth and the keychain on the computer that made it, and Gatekeeper refuses
it elsewhere. With one, and with an account for notarisation, it opens everywhere.
"""

from __future__ import annotations

import os
import platform
import shutil
import sys
from typing import TYPE_CHECKING, Final

from installers import frozen
from installers.tree import (
    APP,
    BUILD,
    DIST,
    FOLDER,
    INSTALLERS,
    ROOT,
    ToolMissing,
    fill,
    fresh,
    run,
    say,
    version,
)

if TYPE_CHECKING:
    from pathlib import Path

MACOS: Final = INSTALLERS / "macos"
IDENTIFIER: Final = "mooring.agent"
SIGN_APP, SIGN_PKG = "MOORING_SIGN_APP", "MOORING_SIGN_PKG"
"""Names of variables of the environment: the “Developer ID Application” and “… Installer”
identities in the keychain."""
NOTARY_PROFILE: Final = "MOORING_NOTARY_PROFILE"
"""Likewise: a profile that `xcrun notarytool store-credentials` keeps in the keychain."""


def build_pkg() -> Path:
    """Make the app and the package around it."""
    if sys.platform != "darwin":
        msg = "pkgbuild, productbuild and codesign are missing; only macOS has them"
        raise ToolMissing(msg)
    frozen.build_folder()
    for name in ("LICENSE.txt", frozen.NOTICES):
        shutil.copyfile(FOLDER / name, APP / "Contents" / "Resources" / name)
    sign_app()
    say("building the package")
    work = fresh(BUILD / "pkg")
    root = fresh(work / "root")
    run("ditto", APP, root / "Mooring.app")
    component = work / "component.pkg"
    # Else macOS “updates” another copy of the app wherever it finds one.
    run("pkgbuild", "--analyze", "--root", root, work / "parts.plist")
    run("plutil", "-replace", "0.BundleIsRelocatable", "-bool", "NO", work / "parts.plist")
    run(
        *("pkgbuild", "--root", root, "--component-plist", work / "parts.plist"),
        *("--identifier", IDENTIFIER, "--version", version(), "--install-location"),
        *("/Applications", "--scripts", MACOS / "scripts", component),
    )
    resources = fresh(work / "resources")
    shutil.copyfile(ROOT / "LICENSE", resources / "LICENSE.txt")
    architecture = platform.machine()
    text = fill(MACOS / "distribution.xml", version=version(), architecture=architecture)
    (work / "distribution.xml").write_text(text, encoding="utf-8")
    package = DIST / f"mooring-{version()}-{architecture}.pkg"
    DIST.mkdir(exist_ok=True)
    identity = os.environ.get(SIGN_PKG)
    run(
        *("productbuild", "--distribution", work / "distribution.xml", "--package-path", work),
        *("--resources", resources, *(("--sign", identity) if identity else ()), package),
    )
    notarise(package)
    return package


def sign_app() -> None:
    """Sign the app after its last change, with what is inside."""
    identity = os.environ.get(SIGN_APP)
    if not identity:
        say(f"ad-hoc signature only: {SIGN_APP} names no identity")
    hardened = ("--options", "runtime", "--timestamp") if identity else ()
    entitlements = ("--entitlements", MACOS / "entitlements.plist")
    run("codesign", "--force", "--deep", *hardened, *entitlements, "--sign", identity or "-", APP)
    run("codesign", "--verify", "--deep", "--strict", APP)


def notarise(package: Path) -> None:
    """Have Apple check the package, and fasten its ticket to it."""
    profile = os.environ.get(NOTARY_PROFILE)
    if not profile:
        say(f"not notarised: {NOTARY_PROFILE} names no profile")
        return
    run(
        *("xcrun", "notarytool", "submit", package, "--keychain-profile", profile, "--wait"),
        limit_s=3600,
    )
    run("xcrun", "stapler", "staple", package)
