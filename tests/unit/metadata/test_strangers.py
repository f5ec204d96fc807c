"""What guests do to each other: invented addresses, connections older than a port, odd bodies, an API that is none."""

import asyncio
from typing import Any

import pytest

from tests.unit.drivers import samples
from tests.unit.metadata.served import NETWORK, Api, Served, port, run
from workers.host.metadata import front
from workers.host.metadata.answers import Answers, Unavailable

META, PASSWORD = "/openstack/latest/meta_data.json", "/openstack/latest/password"


def test_addresses_of_no_port_count_as_one_guest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(front, "CONNECTIONS_OF_GUEST", 3)

    async def body() -> None:
        async with Served(Api(), port("127.0.0.1")) as served:
            streams = [
                await asyncio.open_connection("127.0.0.1", served.port, local_addr=(f"127.0.1.{number}", 0))
                for number in range(1, 6)
            ]
            ends = await asyncio.gather(*(reader.read() for reader, _ in streams[3:]), return_exceptions=True)
            assert all(end == b"" or isinstance(end, ConnectionResetError) for end in ends)
            assert (await served.get(META))[0] == 200
            for _, writer in streams:
                writer.close()

    run(body)


def test_a_network_cannot_take_all_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(front, "CONNECTIONS_OF_NETWORK", 1)

    async def body() -> None:
        async with Served(Api(), port("127.0.0.1"), port("127.0.0.2", mac="fa:16:3e:00:00:02")) as served:
            _, writer = await asyncio.open_connection("127.0.0.1", served.port)
            with pytest.raises((ConnectionError, AssertionError)):
                assert (await served.get(META, "127.0.0.2"))[0] != 0
            writer.close()

    run(body)


def test_a_connection_is_its_first_ports() -> None:
    """Opened from an address before a port had it, or after which another port has it, it reads nothing."""
    one = port("127.0.0.1")

    async def body() -> None:
        for before, after in (((), (one,)), ((one,), (port("127.0.0.1"),)), ((one,), ())):
            async with Served(Api(), *before) as served:
                reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
                writer.write(f"GET {META} HTTP/1.1\r\n\r\n".encode())
                assert (await reader.readuntil(b"\r\n\r\n")).split()[1] == (b"200" if before else b"404")
                served.known.replace(after)
                writer.write(f"GET {META} HTTP/1.1\r\n\r\n".encode())
                try:
                    rest = await reader.read()
                except ConnectionResetError:
                    rest = b""
                assert b"HTTP/1.1" not in rest
                writer.close()

    run(body)


def test_an_address_that_goes_is_dropped_before_new_ones_are_served() -> None:
    async def body() -> None:
        async with Served(Api(), port("127.0.0.1")) as served:
            wanted = {NETWORK: {"127.0.0.2": port("127.0.0.2")}}
            served.known.drop_others(wanted)
            assert served.known.find(NETWORK, "127.0.0.1") is served.known.find(NETWORK, "127.0.0.2") is None
            served.known.have(NETWORK, wanted[NETWORK])
            assert served.known.find(NETWORK, "127.0.0.2") is wanted[NETWORK]["127.0.0.2"]

    run(body)


def test_a_password_with_a_nul_is_not_asked_for() -> None:
    async def body() -> None:
        api = Api()
        async with Served(api, port("127.0.0.1")) as served:
            assert (await served.post(PASSWORD, "a\0b"))[0] == 400
            assert (api.password, served.answers.questions) == ("", 1)

    run(body)


@pytest.mark.parametrize("status", [301, 404, 429])
def test_an_api_that_does_not_know_the_question_is_told(status: int) -> None:
    """A redirect to https, an API older than the host: operators see it as one that does not answer."""

    def ask(_path: str, _document: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        return status, {}

    async def body() -> None:
        answers = Answers(ask, host="host", cache_seconds=60)
        with pytest.raises(Unavailable):
            await answers.of(port("10.0.0.5"))
        assert (answers.failures, answers.fails) == (1, True)

    run(body)


def test_who_asks_while_all_workers_end_is_answered() -> None:
    """Two questions are answered in one turn of the loop, and a third guest asks in the same one."""
    api, guests = Api(), [port("10.0.0.5", id=samples.new_id()) for _ in range(3)]

    async def body() -> None:
        answers, gate = Answers(api.ask, host="host", cache_seconds=60), asyncio.Event()

        async def send(path: str, document: dict[str, Any]) -> tuple[int, dict[str, Any]]:
            await gate.wait()
            return api.ask(path, document)

        async def ask_last() -> object:
            await gate.wait()
            return await answers.of(guests[2])

        answers._send = send  # type: ignore[method-assign]
        asked = []
        for coroutine in (answers.of(guests[0]), answers.of(guests[1]), ask_last()):
            asked.append(asyncio.create_task(coroutine))
            for _ in range(5):
                await asyncio.sleep(0)
        gate.set()
        assert all(await asyncio.wait_for(asyncio.gather(*asked), 5))

    run(body)
