"""Between this computer and a cloud: names, proxies, certificates, the clock, a network's own page.

All of them are :class:`Unreachable` to whoever only needs to know that; a person needs to know more.
"""

from __future__ import annotations

from typing import Final

from agent.errors.clouds import Unreachable


class NameUnknown(Unreachable):
    """The name look-up found nothing; also what a computer without any network meets."""

    code = "name-unknown"
    title = "{cloud} cannot be found in this network."
    meaning = "The name {host} is not known here: {detail}."
    remedy = (
        "See that the name is right, if you have typed it, and open any web page in a browser. If "
        "none opens, connect this computer to the Internet. If pages open, your network wants a "
        "proxy: give it in the settings (network.proxy)."
    )


class ProxyUnreachable(Unreachable):
    """The proxy itself does not answer, or is none."""

    code = "proxy-unreachable"
    title = "The proxy {proxy} does not answer."
    meaning = "{detail} Mooring takes the way to {cloud} through it because {source} says so."
    remedy = "Correct the proxy there; if this network needs none, set network.proxy to “none”."


class ProxyAccount(Unreachable):
    """The proxy wants a name and a password, or others (407)."""

    code = "proxy-account"
    title = "The proxy {proxy} wants to know who you are."
    meaning = "{detail} Mooring takes the way to {cloud} through it because {source} says so."
    remedy = (
        "Write your name and password into its address, as in http://name:password@{server}, in "
        "the settings (network.proxy). Mooring shows them nowhere. A proxy that wants a Windows "
        "sign-in (Negotiate, NTLM) needs a helper on this computer, such as Px or Cntlm."
    )


class ProxyRefused(Unreachable):
    """The proxy answers, but does not let this connection through."""

    code = "proxy-refused"
    title = "The proxy {proxy} gives no way to {cloud}."
    meaning = "{detail} Mooring takes the way through it because {source} says so."
    remedy = "Ask whoever runs the proxy to allow {host}, port {port}, or use another network."


class ProxyUnusable(Unreachable):
    """The system names a proxy that is no address, or of a kind that is not spoken here."""

    code = "proxy-unusable"
    title = "The proxy that {source} names cannot be used."
    meaning = "Mooring uses proxies whose address begins with http:// or https://, and no SOCKS."
    remedy = (
        "Give a proxy that can be used in the settings (network.proxy), "
        "or set that to “none” if this network needs none."
    )


OWN_AUTHORITY: Final = (
    "If it is the authority of your own server, give its certificate (PEM) to the account: field "
    "“Authority” (ca). "
)


class CertificateUnknown(Unreachable):
    """``whom`` showed a certificate that nobody vouches for here.

    ``own`` is OWN_AUTHORITY where the account of the cloud can name one, else empty.
    """

    code = "certificate-unknown"
    title = "This computer does not trust the certificate of {whom}."
    meaning = "The reason is: {reason}. It was issued by: {issuer}. {detail}"
    remedy = (
        "{own}If that is your company's, give the file with its certificate in the settings "
        "(network.certificates) or install it in the system's store. If you do not know who "
        "that is, use another network."
    )


class CertificatesUnreadable(Unreachable):
    """The file of ``network.certificates`` cannot be used."""

    code = "certificates-unreadable"
    title = "The file of certificates cannot be used: {path}."
    meaning = "{detail} The settings name it (network.certificates), so nothing is sent without it."
    remedy = "Correct network.certificates: a file with certificates as PEM or DER, or nothing."


class ClockOff(Unreachable):
    """A certificate is refused because this computer believes in another day."""

    code = "clock-off"
    title = "The clock of this computer is wrong, so {cloud} cannot be reached."
    meaning = "Here it is {here}, there {there}. Certificates count as not valid yet or as expired."
    remedy = "Set the clock of this computer, best by the network, and try again."


class CaptivePortal(Unreachable):
    """The network answers with a page of its own in the place of the cloud."""

    code = "captive-portal"
    title = "This network shows a page of its own in the place of {cloud}."
    meaning = "{detail} Networks of hotels, schools and companies do so until somebody signs in."
    remedy = "Open any web page in a browser, sign in to the network there, and try again."
