"""A DNS server on this machine that really behaves: over UDP and TCP, and badly where it is told to."""

from __future__ import annotations

import socketserver
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset

MAX_UDP = 512

Strange = Callable[[dns.message.Message], bytes | None]
"""Answers a question in a way of its own; None is silence."""


@dataclass
class DnsServer:
    """What it holds, and what it was asked: (name, type, transport) each."""

    port: int
    zone: dict[str, list[dns.rrset.RRset]] = field(default_factory=dict)
    strange: dict[str, Strange] = field(default_factory=dict)
    asked: list[tuple[str, str, str]] = field(default_factory=list)

    @property
    def names(self) -> set[str]:
        return {name for name, _type, _transport in self.asked}

    @property
    def questions(self) -> list[tuple[str, str, str]]:
        """Each once: on a busy machine one is asked again."""
        return list(dict.fromkeys(self.asked))

    def txt(self, name: str, *values: str) -> None:
        """Publish TXT records; a value with a bar is several strings of one record."""
        quoted = [" ".join(f'"{part}"' for part in value.split("|")) for value in values]
        self.zone[name] = [dns.rrset.from_text(f"{name}.", 60, "IN", "TXT", *quoted)]

    def alias(self, name: str, target: str) -> None:
        """Publish an alias; a resolver answers with what stands at its end as well."""
        self.zone[name] = [
            dns.rrset.from_text(f"{name}.", 60, "IN", "CNAME", f"{target}."),
            *self.zone.get(target, []),
        ]

    def answer(self, wire: bytes, transport: str) -> bytes | None:
        question = dns.message.from_wire(wire)
        name = question.question[0].name.to_text(omit_final_dot=True)
        self.asked.append((name, dns.rdatatype.to_text(question.question[0].rdtype), transport))
        if name in self.strange:
            return self.strange[name](question)
        answer = dns.message.make_response(question, recursion_available=True)
        if name not in self.zone:
            answer.set_rcode(dns.rcode.NXDOMAIN)
        answer.answer = self.zone.get(name, [])
        whole = answer.to_wire(max_size=65_535)
        if transport == "tcp" or len(whole) <= MAX_UDP:
            return whole
        answer.answer, answer.flags = [], answer.flags | dns.flags.TC
        return answer.to_wire()


def silence(_question: dns.message.Message) -> None:
    return None


def failing(code: dns.rcode.Rcode) -> Strange:
    def answer(question: dns.message.Message) -> bytes:
        response = dns.message.make_response(question)
        response.set_rcode(code)
        return response.to_wire()

    return answer


def nonsense(question: dns.message.Message) -> bytes:
    """The right id, and then nothing that could be read."""
    return question.id.to_bytes(2, "big") + b"\x81\x80" + b"\xff" * 40


def looping(question: dns.message.Message) -> bytes:
    """Aliases that lead back to where they begin."""
    name = question.question[0].name
    response = dns.message.make_response(question)
    response.answer = [
        dns.rrset.from_text(name, 60, "IN", "CNAME", "elsewhere.example."),
        dns.rrset.from_text("elsewhere.example.", 60, "IN", "CNAME", name.to_text()),
    ]
    return response.to_wire()


@contextmanager
def serve() -> Iterator[DnsServer]:
    """Both transports on one free port of 127.0.0.1 until the block ends."""

    class Udp(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            wire, socket = self.request
            if (answer := held.answer(wire, "udp")) is not None:
                socket.sendto(answer, self.client_address)

    class Tcp(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            length = struct.unpack("!H", self.rfile.read(2))[0]
            if (answer := held.answer(self.rfile.read(length), "tcp")) is not None:
                self.wfile.write(struct.pack("!H", len(answer)) + answer)

    with _on_one_port(Udp, Tcp) as (udp, tcp):
        held = DnsServer(udp.server_address[1])
        threads = [threading.Thread(target=each.serve_forever, args=(0.01,)) for each in (udp, tcp)]
        for thread in threads:
            thread.start()
        try:
            yield held
        finally:
            for each in (udp, tcp):
                each.shutdown()
            for thread in threads:
                thread.join()


@contextmanager
def _on_one_port(
    udp_handler: type[socketserver.BaseRequestHandler], tcp_handler: type[socketserver.BaseRequestHandler]
) -> Iterator[tuple[socketserver.UDPServer, socketserver.TCPServer]]:
    """The system chooses the port of the one; now and then it is taken for the other."""
    for _attempt in range(20):
        udp = socketserver.ThreadingUDPServer(("127.0.0.1", 0), udp_handler)
        try:
            tcp = socketserver.ThreadingTCPServer(udp.server_address, tcp_handler)
        except OSError:
            udp.server_close()
            continue
        with udp, tcp:
            yield udp, tcp
        return
    raise AssertionError("No port is free for both transports.")
