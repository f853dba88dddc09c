"""Many servers that take everything, in a process of its own: `python -m tests.bench.sink PORT`.

Every address of 127.0.0.0/8 is one of them. Under 127.77.x.y nobody ever answers.
"""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass

ANSWER = b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"


@dataclass
class Taken:
    """How many deliveries arrived; asked for with GET."""

    count: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if writer.get_extra_info("sockname")[0].startswith("127.77."):
            await reader.read()
            writer.close()
            return
        try:
            while head := (await reader.readuntil(b"\r\n\r\n")).lower():
                if head.startswith(b"get"):
                    told = str(self.count).encode()
                    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(told), told))
                    continue
                start = head.index(b"content-length:") + 15
                await reader.readexactly(int(head[start : head.index(b"\r\n", start)]))
                self.count += 1
                writer.write(ANSWER)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


async def main(port: int) -> None:
    server = await asyncio.start_server(Taken().serve, "0.0.0.0", port, backlog=4096)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
