"""CoAP without I/O: ``messages`` are datagrams, ``exchange`` is one request with its whole answer."""

from agent.protocols.coap.exchange import Answer, Exchange, Failed, Request
from agent.protocols.coap.messages import GET, POST, PUT, CoapMessage, WrongMessageError

__all__ = [
    "GET",
    "POST",
    "PUT",
    "Answer",
    "CoapMessage",
    "Exchange",
    "Failed",
    "Request",
    "WrongMessageError",
]
