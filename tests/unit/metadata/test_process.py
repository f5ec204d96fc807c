"""The metadata process without its network: who asks, what is asked of the API, and what guests get over sockets."""

import asyncio
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.unit.drivers import samples
from tests.unit.metadata.served import NETWORK, Api, Served, port, run
from workers.drivers.network.ovn.known_ports import KnownPorts
from workers.host.metadata import askers, front, settings
from workers.host.metadata.answers import AT_ONCE, Answers, Unavailable
from workers.host.metadata.askers import Askers

GUESTS = 500


def test_who_asks() -> None:
    one, two = port("10.0.0.5", "fd00::5"), port("10.0.0.6", mac="fa:16:3e:00:00:02")
    elsewhere = port("10.0.0.5", network_id=samples.new_id())
    known = Askers()
    known.replace([one, two, elsewhere])
    for address in ("10.0.0.5", "fd00::5", "fe80::f816:3eff:fe00:1%clm0", "fe80::f816:3eff:fe00:1"):
        assert known.find(NETWORK, address) == one
    assert known.find(NETWORK, "10.0.0.6") == two
    assert known.find(elsewhere.network_id, "10.0.0.5") == elsewhere
    assert known.find(NETWORK, "10.0.0.7") is None
    assert known.find(samples.new_id(), "10.0.0.5") is None
    assert known.size == 3


def test_an_address_that_two_ports_have_is_nobodys() -> None:
    """As when a port is recorded before its predecessor with that address is forgotten."""
    ports = [port("10.0.0.5", mac=f"fa:16:3e:00:00:0{number}") for number in range(3)]
    table = askers.table(ports)[NETWORK]
    assert "10.0.0.5" not in table
    assert len(table) == 3  # the link-local ones are theirs alone


def test_ports_of_a_host(tmp_path: Path) -> None:
    known = KnownPorts(tmp_path / "metadata")
    network = samples.network()
    server_id = samples.new_id()
    made = samples.port(network, server_id=server_id)
    assert (known.read(), known.ids()) == ([], frozenset())
    known.forget(made.id)
    known.record(samples.port(network))  # nobody's
    for _ in range(2):
        known.record(made)
    assert known.is_recorded(made)
    (read,) = known.read()
    assert (read.id, read.network_id, read.server_id) == (made.id, network.id, server_id)
    assert (read.addresses, read.mac) == ((made.fixed_ips[0].ip,), made.mac)
    (tmp_path / "metadata" / f"{samples.new_id()}.json").write_text("{")
    assert known.read() == [read]
    known.forget(made.id)
    assert known.read() == []


def test_many_who_ask_at_once_are_one_question() -> None:
    """And who asks while their own question is under way joins it."""
    api = Api()
    ports = [port(f"10.0.0.{number}") for number in range(AT_ONCE)]

    async def body() -> None:
        answers = Answers(api.ask, host="host", cache_seconds=60)
        api.gate.clear()
        asked = [asyncio.create_task(answers.of(item)) for item in [*ports, *ports]]
        await asyncio.sleep(0.05)
        late = asyncio.create_task(answers.of(ports[0]))
        await asyncio.sleep(0)
        api.gate.set()
        bundles = await asyncio.gather(*asked, late)
        assert [bundle["meta_data"]["uuid"] for bundle in bundles if bundle] == [  # everybody gets their own
            item.server_id for item in [*ports, *ports, ports[0]]
        ]
        assert await answers.of(ports[1]) == bundles[1]
        assert [len(question) for question in api.questions] == [AT_ONCE]

    run(body)


def test_what_is_kept_is_the_servers_own() -> None:
    """A port that passes to another server, or an address to another port, leads to no former answer."""
    api = Api()
    one = port("10.0.0.5")

    async def body() -> None:
        answers = Answers(api.ask, host="host", cache_seconds=60, devices=lambda server: [server])
        for item in (one, port("10.0.0.5", id=one.id), port("10.0.0.5")):
            bundle = await answers.of(item)
            assert bundle is not None
            assert bundle["meta_data"] == {"uuid": item.server_id, "devices": [item.server_id]}
        assert len(api.questions) == 3

    run(body)


def test_an_api_that_fails_and_comes_back() -> None:
    api = Api()
    api.fails = True
    one = port("10.0.0.5")

    async def body() -> None:
        answers = Answers(api.ask, host="host", cache_seconds=0)
        for _ in range(2):
            with pytest.raises(Unavailable):
                await answers.of(one)
        assert answers.fails
        api.fails = False
        assert await answers.of(one)
        assert not answers.fails
        api.unknown.add(one.server_id)
        assert await answers.of(one) is None
        assert answers.failures == 2

    run(body)


META = "/openstack/latest/meta_data.json"
PASSWORD = "/openstack/latest/password"


def test_answers_and_refusals() -> None:
    api, one, other = Api(), port("127.0.0.1"), port("127.0.0.2", mac="fa:16:3e:00:00:02")

    async def body() -> None:
        async with Served(api, one, other) as served:
            assert json.loads((await served.get(META))[1])["uuid"] == one.server_id
            assert json.loads((await served.get(META, "127.0.0.2"))[1])["uuid"] == other.server_id
            spoofed = ("X-Forwarded-For: 127.0.0.2", f"X-Instance-ID: {other.server_id}", "X-Real-IP: 127.0.0.2")
            assert json.loads((await served.get(META, "127.0.0.1", *spoofed))[1])["uuid"] == one.server_id
            assert (await served.get(META, "127.0.0.3"))[0] == 404
            assert (await served.get("/nothing"))[0] == 404
            assert (await served.send(f"DELETE {META} HTTP/1.1\r\nConnection: close\r\n\r\n"))[0] == 405
            assert (await served.post(META, "x"))[0] == 405
            assert (await served.send(f"HEAD {META} HTTP/1.1\r\nConnection: close\r\n\r\n")) == (200, "")
            assert (await served.send("nonsense\r\n\r\n"))[0] == 400
            assert (await served.send(f"GET / HTTP/1.1\r\nA: {'b' * 9000}\r\n\r\n"))[0] == 431
            assert (await served.get("/openstack/latest/vendor_data2.json")) == (200, "{}")
            two = f"GET {META} HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\nConnection: close\r\n\r\n"
            assert (await served.send(two))[1].count("HTTP/1.1 200 OK") == 1  # after the first one's
            api.fails = True
            assert (await served.get(META, "127.0.0.2"))[0] == 200  # still kept
            served.answers._kept.clear()
            assert (await served.get(META))[0] == 503

    run(body)


def test_a_password_is_posted_once() -> None:
    api, one = Api(), port("127.0.0.1")

    async def body() -> None:
        async with Served(api, one) as served:
            assert await served.get(PASSWORD) == (200, "")
            assert (await served.post(PASSWORD, "x" * 1021))[0] == 400
            assert (await served.post(PASSWORD, "x" * 5000))[0] == 413
            assert (await served.post(PASSWORD, ""))[0] == 400
            assert await served.post(PASSWORD, "c2VjcmV0") == (200, "")
            assert api.password == "c2VjcmV0"
            assert (await served.post(PASSWORD, "other"))[0] == 409
            assert await served.get(PASSWORD) == (200, "c2VjcmV0")

    run(body)


def test_slow_guests_are_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that dribbles its head or its body, and one that opens too many connections."""
    monkeypatch.setattr(front, "HEAD_SECONDS", 0.2)
    monkeypatch.setattr(front, "BODY_SECONDS", 0.2)
    monkeypatch.setattr(front, "CONNECTIONS_OF_GUEST", 3)

    async def body() -> None:
        async with Served(Api(), port("127.0.0.1")) as served:
            for text in ("GET / HT", f"POST {PASSWORD} HTTP/1.1\r\nContent-Length: 9\r\n\r\nabc"):
                with pytest.raises((ConnectionError, AssertionError)):
                    assert (await served.send(text))[0] != 0
            streams = [await asyncio.open_connection("127.0.0.1", served.port) for _ in range(4)]
            refused = [asyncio.create_task(reader.read()) for reader, _ in streams]
            done, _ = await asyncio.wait(refused, return_when=asyncio.FIRST_COMPLETED, timeout=5)
            assert refused[3] in done or refused[3].done()
            await asyncio.wait(refused)
            for _, writer in streams:
                writer.close()

    run(body)


def test_500_guests_at_once() -> None:
    """Each with its own address, all in the same moment: served in few questions, and within 2 s of CPU time.

    That includes the guests' side; how long it takes on a busy machine says nothing.
    """
    api = Api()
    sources = [f"127.1.{number // 250}.{number % 250 + 1}" for number in range(GUESTS)]
    ports = [port(source, mac=f"fa:16:3e:00:{n >> 8:02x}:{n & 255:02x}") for n, source in enumerate(sources)]

    async def body() -> None:
        async with Served(api, *ports) as served:
            started = time.process_time()
            answers = await asyncio.gather(*(served.get(META, source) for source in sources))
            seconds = time.process_time() - started
        assert [json.loads(text)["uuid"] for _, text in answers] == [item.server_id for item in ports]
        assert len(api.questions) <= GUESTS // AT_ONCE * 3
        assert seconds < 2, f"{seconds:.2f} s"

    run(body)


class Vendor(BaseHTTPRequestHandler):
    """A vendor's service that repeats the server's id, unless it is to be slow."""

    def do_POST(self) -> None:
        told = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == "/slow":
            time.sleep(1)
        content = b"[]" if self.path == "/wrong" else json.dumps({"told": told["instance-id"]}).encode()
        self.send_response(500 if self.path == "/fails" else 200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.mark.parametrize(("path", "answers"), [("", True), ("/slow", False), ("/wrong", False), ("/fails", False)])
def test_a_vendors_service(path: str, answers: bool) -> None:
    """What it says within its time; else the document is empty, and nobody waits for it."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Vendor)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    one = port("127.0.0.1")

    async def body() -> None:
        async with Served(Api(), one, vendor_url=f"http://127.0.0.1:{server.server_address[1]}{path}") as served:
            started = time.monotonic()
            status, text = await served.get("/openstack/latest/vendor_data2.json")
            assert (status, json.loads(text)) == (200, {"told": one.server_id} if answers else {})
            assert time.monotonic() - started < 0.9

    run(body)
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("given", "api"),
    [
        ({}, "http://127.0.0.1:8000"),
        ({"CELERITY_LISTEN": "0.0.0.0:80"}, "http://127.0.0.1:80"),
        ({"CELERITY_LISTEN": "[::]:80"}, "http://[::1]:80"),
        ({"CELERITY_ROLE": "host", "CELERITY_PUBLIC_URL": "https://cloud.example"}, "https://cloud.example"),
        ({"CELERITY_METADATA_API": "http://192.0.2.1"}, "http://192.0.2.1"),
    ],
)
def test_where_the_api_is(tmp_path: Path, given: dict[str, str], api: str) -> None:
    (tmp_path / "celerity.env").write_text("# settings\nCELERITY_SECRET_KEY=s=\n")
    read = settings.read({"CELERITY_STATE_DIR": str(tmp_path), "CELERITY_HOST": "h", **given})
    assert (read.api, read.secret) == (api, "s=")
    assert read.directory == tmp_path / "hosts" / "h" / "metadata"


@pytest.mark.parametrize("text", ["soon", "-1", "1e9"])
def test_settings_that_cannot_be_used(tmp_path: Path, text: str) -> None:
    given = {"CELERITY_STATE_DIR": str(tmp_path), "CELERITY_SECRET_KEY": "s", "CELERITY_METADATA_CACHE": text}
    with pytest.raises(SystemExit, match="CELERITY_METADATA_CACHE"):
        settings.read(given)
