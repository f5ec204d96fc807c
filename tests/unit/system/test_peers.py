"""Connections between hosts: who is let in, and that each way of a carried connection ends by itself."""

import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from workers.system.peers import client, messages, server, tls
from workers.system.peers.client import Doors, Peer
from workers.system.peers.errors import PeerError, PeerRefused, PeerUnreachable
from workers.system.peers.messages import Request
from workers.system.peers.server import Offer
from workers.system.pki.authority import Authority
from workers.system.pki.host import HostCertificate

SERVER = "3b241101-e2bb-4255-8caf-4136c566a962"
BIG = bytes(range(256)) * 20_000  # more than any buffer on the way


def read_all(connection: socket.socket) -> bytes:
    return b"".join(iter(lambda: connection.recv(65536), b""))


def send_all(connection: socket.socket, data: bytes) -> None:
    connection.sendall(data)
    connection.shutdown(socket.SHUT_WR)


def certified(directory: Path, authority: Authority, host: str) -> Path:
    certificate = HostCertificate(directory / host)
    certificate.install(authority.sign(certificate.request(host), host), authority.certificate())
    return certificate.directory


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    made = Authority(tmp_path / "authority")
    made.create()
    return made


@pytest.fixture
def echo(tmp_path: Path) -> Iterator[str]:
    """The path of a socket that answers, once its client has ended its own way, with all that it has read."""
    path = str(tmp_path / "echo")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    connection.sendall(read_all(connection))

        threading.Thread(target=serve, daemon=True).start()
        yield path
        listener.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def agent(tmp_path: Path, authority: Authority, echo: str) -> Iterator[str]:
    """The address of the host compute-2, which gives compute-1 alone what it asks for."""
    pki = certified(tmp_path, authority, "compute-2")
    (tmp_path / "file").write_bytes(BIG)

    def admit(host: str, request: Request) -> Offer:
        if host != "compute-1" or request.server_id != SERVER:
            raise PeerRefused("No server is on its way.", details=host)
        offers = {"memory": Offer(socket=echo), "file": Offer(file=tmp_path / "file"), "gone": Offer(socket="/nowhere")}
        return offers.get(request.part, Offer(data=b"facts"))

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.close_connection = True
            self.wfile.write(messages.GRANT.encode())
            try:
                server.answer(self.connection, tls.context(pki, server=True), admit)
            except (PeerError, OSError):
                """Who asked sees it."""

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    listening.daemon_threads = True
    threading.Thread(target=listening.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{listening.server_address[1]}"
    listening.shutdown()
    listening.server_close()


@pytest.fixture
def ask(tmp_path: Path, authority: Authority, agent: str) -> Callable[[str], Peer]:
    """Return compute-2 as another host sees it."""

    def peer(host: str, *, called: str = "compute-2", by: Authority = authority) -> Peer:
        return Peer(called, agent, certified(tmp_path, by, host))

    return peer


def test_bytes_files_and_sockets(tmp_path: Path, ask: Callable[[str], Peer]) -> None:
    peer = ask("compute-1")
    assert client.read(peer, SERVER, "facts") == b"facts"
    with pytest.raises(PeerRefused, match="too large"):
        client.read(peer, SERVER, "file", limit=10)
    assert client.fetch(peer, SERVER, "file", tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == BIG
    stopped = threading.Event()
    stopped.set()
    assert not client.fetch(peer, SERVER, "file", tmp_path / "another", stopped)
    door = str(tmp_path / "door")
    with Doors(peer, SERVER, {door: "memory"}):
        for sent in (BIG, b"", b"x"):
            with socket.socket(socket.AF_UNIX) as local:
                local.connect(door)
                writer = threading.Thread(target=lambda: (local.sendall(sent), local.shutdown(socket.SHUT_WR)))  # noqa: B023
                writer.start()
                assert b"".join(iter(lambda: local.recv(65536), b"")) == sent
                writer.join()
    assert not Path(door).exists()


def test_who_is_refused(tmp_path: Path, authority: Authority, ask: Callable[..., Peer]) -> None:
    strangers = Authority(tmp_path / "strangers")
    strangers.create()
    for peer, kind in (
        (ask("compute-3"), PeerRefused),  # a host of the cloud that has nothing to do with the server
        (ask("compute-1", called="compute-9"), PeerUnreachable),  # it is another host than the one that is meant
        (ask("compute-8", by=strangers), PeerUnreachable),
        (Peer("compute-2", "127.0.0.1:1", tmp_path / "compute-3"), PeerUnreachable),
        (Peer("compute-2", "", tmp_path / "compute-3"), PeerUnreachable),
        (Peer("compute-2", "127.0.0.1:1", tmp_path / "nothing"), PeerUnreachable),
    ):
        with pytest.raises(kind):
            client.read(peer, SERVER, "facts")
    for part in ("memory", "facts"):
        with pytest.raises(PeerRefused):
            client.read(ask("compute-4"), SERVER, part)
    with pytest.raises(PeerRefused):
        client.read(Peer("compute-2", ask("compute-5").address, tmp_path / "compute-5"), "another", "facts")


def test_nobody_behind_a_door(tmp_path: Path, ask: Callable[[str], Peer]) -> None:
    door = str(tmp_path / "door")
    with Doors(ask("compute-1"), SERVER, {door: "gone"}), socket.socket(socket.AF_UNIX) as local:
        local.connect(door)
        local.settimeout(10)
        assert local.recv(1) == b""
