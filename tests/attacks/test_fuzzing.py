"""Files with a few things changed end in an error of ours or are read; scripts/fuzz.py tries many more."""

from __future__ import annotations

import time
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.attacks.fuzzing import CORPUS, TARGETS, seeds
from tests.attacks.mutating import mutated

FOUND = sorted(path.name for path in (CORPUS / "found").iterdir())


@pytest.mark.parametrize("target", TARGETS)
@given(random=st.randoms(use_true_random=False))
def test_a_changed_file_is_read_or_refused(target: str, random: Random) -> None:
    TARGETS[target](mutated(target, random))


@pytest.mark.parametrize("target", TARGETS)
@given(data=st.binary(max_size=200))
def test_any_bytes_are_refused(target: str, data: bytes) -> None:
    TARGETS[target](data)


@pytest.mark.parametrize("target", TARGETS)
def test_what_the_fuzzers_begin_with_is_whole(target: str) -> None:
    for data in seeds(target):
        TARGETS[target](data)


@pytest.mark.parametrize("name", FOUND)
def test_what_a_fuzzer_once_found_stays_mended(name: str) -> None:
    started = time.monotonic()
    TARGETS[name.partition("-")[0]]((CORPUS / "found" / name).read_bytes())
    assert time.monotonic() - started < 5
