"""A small HTTP/1.1 client on asyncio: fast enough to be a load, and strict.

It knows only what the door promises: a status line, headers, Content-Length.
"""

import asyncio
import json
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass
class Answer:
    status: int
    headers: dict
    body: bytes

    def json(self):
        return json.loads(self.body)


class Door:
    """One connection, opened when needed; `post` raises OSError when cut."""

    def __init__(self, url, seconds=15):
        parts = urlsplit(url)
        self.host, self.port = parts.hostname, parts.port
        self.seconds = seconds
        self.reader = self.writer = None

    async def post(self, path, body, content_type="application/octet-stream"):
        try:
            return await asyncio.wait_for(
                self._post(path, body, content_type), self.seconds)
        except BaseException:
            self.close()
            raise

    async def _post(self, path, body, content_type):
        if self.writer is None:
            self.reader, self.writer = await asyncio.open_connection(
                self.host, self.port)
        self.writer.write(
            f"POST {path} HTTP/1.1\r\nHost: {self.host}:{self.port}\r\n"
            f"Content-Type: {content_type}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
        answer = await self._answer()
        if answer.headers.get("connection") == "close":
            self.close()
        return answer

    async def _answer(self):
        try:
            head = await self.reader.readuntil(b"\r\n\r\n")
            lines = head.decode("ascii").split("\r\n")
            headers = {}
            for line in lines[1:-2]:
                name, value = line.split(": ", 1)
                headers[name.lower()] = value
            body = await self.reader.readexactly(
                int(headers["content-length"]))
        except asyncio.IncompleteReadError as error:
            raise ConnectionResetError("cut before its answer") from error
        return Answer(int(lines[0].split(" ", 2)[1]), headers, body)

    def close(self):
        if self.writer is not None:
            self.writer.transport.abort()
        self.reader = self.writer = None
