"""Long answers are sent in pieces, and come out whole."""

import pytest
from starlette.types import Message

from insights_exporter.web.webconfig.pieces import PIECE, in_pieces


@pytest.mark.parametrize("length", [0, 1, PIECE, PIECE + 1, 3 * PIECE, 3 * PIECE + 7])
@pytest.mark.parametrize("more", [True, False], ids=["more to come", "the end"])
async def test_the_pieces_are_the_whole(length: int, more: bool) -> None:
    """Nothing is lost, none is too long, and only the last says what the whole said."""
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    body = bytes(number % 251 for number in range(length))
    await in_pieces(send)({"type": "http.response.body", "body": body, "more_body": more})

    assert body == b"".join(message["body"] for message in sent)
    assert all(len(message["body"]) <= PIECE for message in sent)
    assert [True] * (len(sent) - 1) + [more] == [message["more_body"] for message in sent]


async def test_other_messages_go_through() -> None:
    """The beginning of an answer has no body."""
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    start = {"type": "http.response.start", "status": 200, "headers": []}
    await in_pieces(send)(start)

    assert [start] == sent
