"""Large answers in pieces: TLS takes a whole page at once several times slower than bit by bit."""

from starlette.types import Message, Send

PIECE = 256 * 1024
"""Bytes that go to TLS at once: what it makes of them still fits the processor's cache."""


def in_pieces(send: Send) -> Send:
    """Give a `send` that hands on long bodies piece by piece, each when there is room for it."""

    async def send_in_pieces(message: Message) -> None:
        body = message.get("body", b"")
        if len(body) <= PIECE:
            await send(message)
            return
        view = memoryview(body)
        for start in range(0, len(body), PIECE):
            last = start + PIECE >= len(body)
            more = message.get("more_body", False) or not last
            await send({**message, "body": bytes(view[start : start + PIECE]), "more_body": more})

    return send_in_pieces
