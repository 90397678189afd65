"""The rules of the live page's server: loopback only, GET only, its own name only, behind a path that nobody guesses.

The page names people and what they may see. Whoever else has an account on this machine reaches loopback too, and so does a page that
the reader's browser shows: the first is kept out by the path, which `make up` prints; the second by the check of the Host header (a name of
theirs that they let point here), by no answer to requests that another page makes, and by not letting itself be put into a frame.
"""

from __future__ import annotations

import hmac
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

from portcullis.entry.page.writing import embedded, page
from portcullis.errors import PortcullisError

from local.live.looking import Gone, Looks
from local.processes import LOOPBACK

_HTML, _JSON = "text/html; charset=utf-8", "application/json; charset=utf-8"
_HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
_WORDS = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'">{again}
<title>Portcullis report</title></head><body><main><h1>{title}</h1>{body}</main></body></html>
"""
_AGAIN_S = 5


class Live(ThreadingHTTPServer):
    """Serves as long as its process lives. `path`: what stands before every address, without slashes."""

    daemon_threads = True

    def __init__(self, port: int, path: str, looks: Looks) -> None:
        self.path, self.looks = path, looks
        super().__init__((LOOPBACK, port), _Request)

    @property
    def hosts(self) -> tuple[str, ...]:
        return tuple(f"{name}:{self.server_port}" for name in (LOOPBACK, "localhost"))

    @property
    def address(self) -> str:
        return f"http://{self.hosts[0]}/{self.path}/"

    def handle_error(self, _request: Any, _client: Any) -> None:
        """A reader who went away in the middle is nothing to tell."""


class _Request(BaseHTTPRequestHandler):
    server: Live
    timeout = 30  # that somebody may take to send a request, or to take an answer
    server_version, sys_version = "portcullis", ""

    def do_GET(self) -> None:
        try:
            status, kind, text = self._answer()
        except Gone as gone:
            status, kind, text = self._said(404, "No such deployment", str(gone))
        except PortcullisError as error:
            status, kind, text = self._said(503, "It cannot be looked at", f"{error}.", again=True)
        except Exception as error:
            print(f"the live page: {error!r}", flush=True)
            status, kind, text = self._said(500, "It broke off", "The log of `make up` says how.")
        self._send(status, kind, text)

    def _refused(self) -> None:
        self._send(*self._said(405, "Only GET", "This page is read, and nothing else."), Allow="GET")

    do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_TRACE = do_CONNECT = _refused  # noqa: N815

    def _answer(self) -> tuple[int, str, str]:
        if self.headers.get_all("Host") not in [[host] for host in self.server.hosts]:
            return self._said(421, "Not this server", f"It answers to {self.server.hosts[0]} and no other name.")
        # A page of somebody else may lead here by a link, and may ask nothing.
        if self.headers.get("Sec-Fetch-Site") == "cross-site" and self.headers.get("Sec-Fetch-Mode") != "navigate":
            return self._said(403, "Not for another page", "Open it by itself.")
        path, *rest = self._parts()
        if not hmac.compare_digest(path.encode(), self.server.path.encode()):
            return self._said(404, "Nothing is here", "The address is the one that `make up` prints, whole.")
        match rest:
            case []:
                return 200, _HTML, self._list()
            case [deployment]:
                return 200, _HTML, page(self.server.looks.data(deployment), live=True)
            case [deployment, "data"]:
                return 200, _JSON, embedded(self.server.looks.data(deployment))
        return self._said(404, "Nothing is here", "There is a page for each deployment, and nothing below it.")

    def _parts(self) -> list[str]:
        return [unquote(part) for part in self.path.partition("?")[0].strip("/").split("/")]

    def _list(self) -> str:
        links = "".join(
            f'<li><a href="/{self.server.path}/{escape(name)}">{escape(name)}</a></li>'
            for name in self.server.looks.names()
        )
        return _WORDS.format(
            title="Deployments", body=f"<ul>{links}</ul>" if links else "<p>There is none.</p>", again=""
        )

    def _said(self, status: int, title: str, says: str, *, again: bool = False) -> tuple[int, str, str]:
        """An answer in words, in the form that was asked for."""
        if self._parts()[2:] == ["data"]:
            return status, _JSON, embedded({"says": says})
        comes = f'<meta http-equiv="refresh" content="{_AGAIN_S}">' if again else ""
        more = " <em>It is asked again by itself.</em>" if again else ""
        return status, _HTML, _WORDS.format(title=title, body=f"<p>{escape(says)}{more}</p>", again=comes)

    def _send(self, status: int, kind: str, text: str, **more: str) -> None:
        body = text.encode("utf-8", "replace")
        self.send_response(status)
        for name, value in {**_HEADERS, "Content-Security-Policy": "frame-ancestors 'none'", **more}.items():
            self.send_header(name, value)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """What is no request: in words, without what it held."""
        self.command = getattr(self, "command", None) or "GET"
        self.path = getattr(self, "path", None) or "/"
        self.close_connection = True
        self._send(*self._said(code, "Not understood", "That is no request that this page answers."))

    def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002 - as the base class calls it
        """Nothing is logged of who reads what: the path would stand in it."""
