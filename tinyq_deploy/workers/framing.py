# SPDX-License-Identifier: Apache-2.0
"""Messages between a worker and its parent: a JSON object and byte strings, over a pipe; never pickle.

On the wire: uint32 little-endian length of the JSON, the JSON with the member "blobs" (list of lengths), the blobs.
"""

from __future__ import annotations

import json
import os
import struct
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import IO, Any

from tinyq_deploy.errors import TinyqError

Message = dict[str, Any]
Handler = Callable[[Message, list[bytes]], tuple[Message, Sequence[bytes]]]


def send(stream: IO[bytes], message: Message, blobs: Sequence[bytes] = ()) -> None:
    """Write one message and flush it."""
    head = json.dumps({**message, "blobs": [len(blob) for blob in blobs]}).encode()
    stream.write(struct.pack("<I", len(head)) + head)
    for blob in blobs:
        stream.write(blob)
    stream.flush()


def receive(stream: IO[bytes]) -> tuple[Message, list[bytes]]:
    """Read one message. Raises EOFError where the stream ends, cleanly or within a message."""
    (size,) = struct.unpack("<I", _exactly(stream, 4))
    message: Message = json.loads(_exactly(stream, size))
    return message, [_exactly(stream, length) for length in message.pop("blobs")]


def _exactly(stream: IO[bytes], size: int) -> bytes:
    data = stream.read(size)
    if len(data) != size:
        raise EOFError
    return data


def serve(handler: Handler) -> None:
    """A worker's main loop: answer each message until the parent closes the pipe.

    What libraries print to standard output goes to standard error instead. An exception becomes an answer with the
    member "error"; the worker lives on.
    """
    output = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    source = sys.stdin.buffer
    while True:
        try:
            message, blobs = receive(source)
        except EOFError:
            return
        try:
            answer, data = handler(message, blobs)
        except Exception as error:  # the parent reports it; a worker has nobody else to tell
            traceback.print_exc()
            found = error.faults[0].found if isinstance(error, TinyqError) else f"{type(error).__name__}: {error}"
            answer, data = {"error": found}, []
        send(output, answer, data)
