"""Whether a request comes from this app's own page, or from another site's that a browser on this machine has open.

A page of another site can send a browser's requests to 127.0.0.1, and where its own name points there (DNS rebinding),
read the answers, too. Two questions stop it: is the app known by the name it is asked under, and does what changes
something come from its own page? A program that is no browser says nothing of a page, and passes.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Mapping
from urllib.parse import urlsplit

from gan_core.sentences import UserError

HERE = ("localhost", "127.0.0.1", "::1")
RELAY = ".gradio.live"


class Names:
    """The names under which the app is served; every name, where it listens to more than its own machine.

    `GAN_ALLOWED_HOSTS` is a list with commas: "lab.example.org", ".example.org" for all below it, "*" for every name.
    `shared`: Gradio's relay asks under a name of its own.
    """

    def __init__(
        self, host: str | None = None, environment: Mapping[str, str] | None = None, shared: bool = False
    ) -> None:
        environment = environment or {}
        listens_to = host or environment.get("GRADIO_SERVER_NAME") or HERE[1]
        self._allowed = {name for each in environment.get("GAN_ALLOWED_HOSTS", "").split(",") if (name := _name(each))}
        public = bool(environment.get("SPACE_ID")) or not _is_loopback(listens_to)
        self._any = "*" in self._allowed or (public and not self._allowed)
        if shared:
            self._allowed.add(RELAY)
        self._known = {*HERE, _name(listens_to), *self._allowed}

    def check(self, method: str, headers: Mapping[str, str]) -> None:
        """Raise UserError for a name that is not the app's, and for a change that another site's page asks for."""
        host = headers.get("host", "")
        if not (self._any or self._knows(_name(host))):
            raise UserError("unknown_host", host=host)
        if method in ("GET", "HEAD", "OPTIONS"):
            return
        site, origin = headers.get("sec-fetch-site"), headers.get("origin")
        # over plain http from another machine browsers leave the first one out, and programs both
        own = site in ("same-origin", "none") if site else origin is None or self._is_own(origin, host)
        if not own:
            raise UserError("other_site")

    def _knows(self, name: str) -> bool:
        return name in self._known or any(name.endswith(each) for each in self._allowed if each.startswith("."))

    def _is_own(self, origin: str, host: str) -> bool:
        place = urlsplit(origin).netloc.lower()
        # behind a proxy the app hears another name than the browser's address shows
        return bool(place) and (place == host.lower() or (bool(self._allowed) and self._knows(_name(place))))


def _name(host: str) -> str:
    """The name in a Host header or an address: without its port and brackets, in small letters."""
    host = host.strip().lower()
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host if host.count(":") > 1 else host.partition(":")[0].rstrip(".")


def _is_loopback(host: str) -> bool:
    name = _name(host)
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        pass
    try:
        found = {str(each[4][0]) for each in socket.getaddrinfo(name, None)}
    except OSError:
        return name == "localhost"
    return bool(found) and all(ipaddress.ip_address(each.partition("%")[0]).is_loopback for each in found)
