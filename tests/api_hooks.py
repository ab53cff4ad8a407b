"""What schemathesis sends as a photo: sound ones and damaged ones."""

from typing import Any

import schemathesis
from fuzz import SEEDS
from hypothesis import strategies as st

schemathesis.openapi.format("binary", st.one_of(st.sampled_from(SEEDS), st.binary(max_size=64)))


@schemathesis.serializer("image/*")
def send_bytes(_context: schemathesis.SerializationContext, value: Any) -> bytes:
    """Send a photo as it is."""
    return value if isinstance(value, bytes) else str(value).encode()
