"""Tables as TOML text: what is written is read back as it was."""

import tomllib

from hypothesis import given
from hypothesis import strategies as st

from simulator.toml_text import toml_text

KEYS = st.text(min_size=1, max_size=8)
PLAIN = st.text(max_size=20) | st.integers(-(2**60), 2**60) | st.booleans()
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    PLAIN | NUMBERS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(KEYS, VALUES, max_size=6))
def test_any_tables_are_read_back(tables):
    assert tomllib.loads(toml_text(tables)) == tables
