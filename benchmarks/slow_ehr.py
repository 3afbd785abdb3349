"""A FHIR server that answers every read after some time: ``python benchmarks/slow_ehr.py PORT SECONDS < ANSWERS``.

Standard input: a JSON object of target (behind the base ``/fhir/``) -> resource.
"""

from __future__ import annotations

import asyncio
import json
import sys
from urllib.parse import unquote


async def serve(port: int, seconds: float, answers: dict[str, bytes]) -> None:
    """Answer until told to stop."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                target = unquote(head.split(b" ", 2)[1].decode()).removeprefix("/fhir/")
                await asyncio.sleep(seconds)
                body, status = (answers[target], b"200 OK") if target in answers else (b"{}", b"404 Not Found")
                kind = b"HTTP/1.1 " + status + b"\r\nContent-Type: application/fhir+json\r\nContent-Length: "
                writer.write(kind + str(len(body)).encode() + b"\r\n\r\n" + body)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", port, backlog=1_024)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    given = {unquote(target): json.dumps(resource).encode() for target, resource in json.load(sys.stdin).items()}
    asyncio.run(serve(int(sys.argv[1]), float(sys.argv[2]), given))
