"""Arrays as safetensors (its published format), in base64 so that JSON can hold them; read without torch."""

import json
from base64 import b64decode, b64encode
from collections.abc import Mapping

import numpy as np

from alleviate.models.trial import Floats

__all__ = ["packed", "unpacked"]

KIND, STORED = "F32", np.dtype("<f4")


def packed(arrays: Mapping[str, Floats]) -> str:
    """Any shapes; kept in single precision, in the order of their names."""
    head: dict[str, object] = {}
    parts: list[bytes] = []
    at = 0
    for name in sorted(arrays):
        part = np.ascontiguousarray(arrays[name], dtype=STORED).tobytes()
        head[name] = {
            "dtype": KIND,
            "shape": list(arrays[name].shape),
            "data_offsets": [at, at + len(part)],
        }
        parts.append(part)
        at += len(part)
    text = json.dumps(head, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return b64encode(b"".join([len(text).to_bytes(8, "little"), text, *parts])).decode()


def unpacked(text: str) -> dict[str, Floats]:
    """The inverse of ``packed``, in double precision. Raises ``ValueError`` where it is none."""
    data = b64decode(text, validate=True)
    start = 8 + int.from_bytes(data[:8], "little")
    arrays: dict[str, Floats] = {}
    for name, own in json.loads(data[8:start]).items():
        if own["dtype"] != KIND:
            raise ValueError(f"expected {KIND} numbers of {name}, got {own['dtype']}")
        low, high = own["data_offsets"]
        values = np.frombuffer(data[start + low : start + high], dtype=STORED)
        arrays[name] = values.reshape(own["shape"]).astype(float)
    return arrays
