"""A mail server on this machine, as small as SMTP allows: it keeps what it is sent, or refuses as it is told."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from itertools import takewhile

HOST = "127.0.0.1"


@dataclass
class MailServer:
    """``refuses`` names commands that are answered with an error: MAIL, RCPT, DATA, AUTH. Who is told of
    ``hates`` hangs up.
    """

    port: int = 0
    refuses: set[str] = field(default_factory=set)
    hates: bytes = b"\0"
    received: list[EmailMessage] = field(default_factory=list)


@contextmanager
def mail_server() -> Iterator[MailServer]:
    kept = MailServer()

    class Handler(socketserver.StreamRequestHandler):
        def say(self, line: str) -> None:
            self.wfile.write(f"{line}\r\n".encode())

        def handle(self) -> None:
            self.say("220 mail.example")
            for raw in takewhile(lambda raw: kept.hates not in raw, self.rfile):
                line = raw.decode().strip()
                verb = line[:4].upper()
                if verb in kept.refuses:
                    # As some servers do, it repeats what it was told.
                    self.say(f"535 no: {line}")
                elif verb == "EHLO":
                    self.say("250-mail.example")
                    self.say("250 AUTH PLAIN")
                elif verb == "AUTH":
                    self.say("235 welcome")
                elif verb == "DATA":
                    self.say("354 go on")
                    self.keep()
                    self.say("250 kept")
                elif verb == "QUIT":
                    self.say("221 bye")
                    return
                else:
                    self.say("250 fine")

        def keep(self) -> None:
            lines = iter(self.rfile.readline, b".\r\n")
            text = b"".join(line.removeprefix(b".") for line in lines)
            kept.received.append(message_from_bytes(text, EmailMessage, policy=policy.default))

    with socketserver.ThreadingTCPServer((HOST, 0), Handler) as server:
        server.daemon_threads = True
        kept.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield kept
        finally:
            server.shutdown()
            thread.join()
