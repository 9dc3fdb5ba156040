"""Sends requests by the clock, in a process of its own, and times each from when it was due.

A plan comes as msgpack on standard input, what was measured goes to standard output. The next request is sent
whether or not the last was answered, so that a server that stands still cannot hide behind its own silence.
"""

import asyncio
import sys
from time import perf_counter, process_time

import msgspec

__all__ = ["Call", "Measured", "Plan"]

_GIVEN_UP = 30.0  # seconds


class Call(msgspec.Struct, array_like=True):
    """``after``: seconds from the beginning; ``status`` and ``sign``: what the answer must be and contain."""

    kind: str
    after: float
    raw: bytes
    status: int
    sign: bytes


class Plan(msgspec.Struct):
    host: str
    port: int
    calls: list[Call]


class Measured(msgspec.Struct):
    """``times``: milliseconds of each call by kind, of those answered as they must be. ``late``: the most by
    which this process itself was late in sending; ``cpu``: the share of one core that it took."""

    times: dict[str, list[float]]
    errors: list[str]
    late: float
    cpu: float
    seconds: float


class _Lines:
    """Connections that are kept open; as many as are needed at once."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._free: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def ask(self, raw: bytes) -> tuple[int, bytes]:
        """Status and body. Of a connection that the server had closed meanwhile another is made, once."""
        while self._free:
            line = self._free.pop()
            if not line[0].at_eof():
                break
            line[1].close()
        else:
            line = await asyncio.open_connection(self._plan.host, self._plan.port, limit=2**22)
        reader, writer = line
        writer.write(raw)
        head = await reader.readuntil(b"\r\n\r\n")
        lines = head.lower().split(b"\r\n")
        length = next((int(each[15:]) for each in lines if each.startswith(b"content-length:")), 0)
        body = await reader.readexactly(length)
        self._free.append(line)
        return int(head[9:12]), body


async def _sent(plan: Plan) -> Measured:
    lines, begun, used = _Lines(plan), perf_counter() + 0.2, process_time()
    found = Measured({call.kind: [] for call in plan.calls}, [], 0.0, 0.0, 0.0)

    async def one(call: Call) -> None:
        due = begun + call.after
        try:
            status, body = await asyncio.wait_for(lines.ask(call.raw), _GIVEN_UP)
        except (TimeoutError, OSError, asyncio.IncompleteReadError) as error:
            found.errors.append(f"{call.kind}: {type(error).__name__}")
            return
        if status != call.status or call.sign not in body:
            found.errors.append(f"{call.kind}: {status} of {len(body)} bytes")
            return
        found.times[call.kind].append((perf_counter() - due) * 1000)

    async with asyncio.TaskGroup() as group:
        for call in plan.calls:
            wait = begun + call.after - perf_counter()
            if wait > 0:
                await asyncio.sleep(wait)
            found.late = max(found.late, (perf_counter() - begun - call.after) * 1000)
            group.create_task(one(call))
    found.seconds = perf_counter() - begun
    found.cpu = (process_time() - used) / found.seconds
    return found


if __name__ == "__main__":
    given = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=Plan)
    sys.stdout.buffer.write(msgspec.msgpack.encode(asyncio.run(_sent(given))))
