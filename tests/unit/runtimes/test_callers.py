"""Several callers give what each share of the rows gives alone, at the same time, and fail as one."""

from __future__ import annotations

import _thread
import threading
from collections.abc import Callable

import numpy as np
import pytest

from rnn_export.runtimes import Refused
from rnn_export.runtimes.callers import Callers, Threaded
from rnn_export.runtimes.contract import Feeds, Results, RunFacts, Slot

SECONDS = 20.0


class Rows:
    """A session that doubles its rows, and tells how many it was given."""

    facts = RunFacts("rows", "1", "float32")

    def __init__(
        self, rows: int | str = "batch", during: Callable[[], object] = lambda: None
    ) -> None:
        self.inputs = (Slot("x", "float32", (rows, 2)), Slot("y", "float32", (rows,)))
        self.outputs = (Slot("z", "float32", (rows, 2)),)
        self.during = during
        self.given: list[int] = []
        self.closed = False

    def run(self, feeds: Feeds) -> Results:
        self.during()
        self.given.append(len(feeds["x"]))
        return {"z": 2 * feeds["x"] + feeds["y"][:, None]}

    def close(self) -> None:
        self.closed = True


def shared(*sessions: Rows) -> Callers:
    return Callers(sessions[0], [Threaded(each) for each in sessions[1:]])


def feeds(rows: int, others: int | None = None) -> dict[str, np.ndarray]:
    x = np.arange(2 * rows, dtype=np.float32).reshape(rows, 2)
    return {"x": x, "y": np.arange(rows if others is None else others, dtype=np.float32) / 8}


@pytest.mark.parametrize(
    ("rows", "given"),
    [(7, [2, 2, 3]), (3, [1, 1, 1]), (2, [1, 1, 0]), (1, [1, 0, 0]), (0, [0, 0, 0])],
)
def test_rows_are_shared_out_in_order(rows: int, given: list[int]) -> None:
    sessions = [Rows(), Rows(), Rows()]
    whole = shared(*sessions)
    results = whole.run(feeds(rows))
    np.testing.assert_array_equal(results["z"], Rows().run(feeds(rows))["z"])
    assert [sum(each.given) for each in sessions] == given
    whole.close()
    assert all(each.closed for each in sessions)


def test_all_run_at_the_same_time() -> None:
    meeting = threading.Barrier(3)
    whole = shared(*(Rows(during=lambda: meeting.wait(SECONDS)) for _ in range(3)))
    assert len(whole.run(feeds(5))["z"]) == 5
    whole.close()


def test_inputs_of_different_numbers_of_rows_are_refused() -> None:
    whole = shared(Rows(), Rows())
    with pytest.raises(Refused, match="runtime rows: input 'y': expected shape"):
        whole.run(feeds(4, 3))
    whole.close()


def test_a_fixed_batch_is_that_of_each() -> None:
    whole = shared(Rows(3), Rows(3))
    assert [slot.shape for slot in (*whole.inputs, *whole.outputs)] == [(6, 2), (6,), (6, 2)]
    assert whole.run(feeds(6))["z"].shape == (6, 2)
    with pytest.raises(Refused, match=r"expected shape \(6, 2\), got \(5, 2\)"):
        whole.run(feeds(5))
    whole.close()


def test_who_interrupts_waits_until_all_have_ended() -> None:
    released = threading.Event()
    sessions = [Rows(), Rows(during=lambda: released.wait(SECONDS))]
    whole = shared(*sessions)

    def interrupt() -> None:
        _thread.interrupt_main()
        # Comes while the first waits for the second.
        threading.Timer(0.3, released.set).start()

    threading.Timer(0.3, interrupt).start()
    with pytest.raises(KeyboardInterrupt):
        whole.run(feeds(4))
    assert sessions[1].given == [2]
    whole.close()


@pytest.mark.parametrize("place", [0, 1])
def test_the_error_of_one_is_that_of_all_and_leaves_nobody_running(place: int) -> None:
    def fail() -> None:
        raise Refused("rows", expected="luck", got="none")

    sessions = [Rows(), Rows()]
    sessions[place].during = fail
    whole = shared(*sessions)
    with pytest.raises(Refused, match="luck"):
        whole.run(feeds(4))
    assert sessions[1 - place].given == [2]
    sessions[place].during = lambda: None
    assert len(whole.run(feeds(4))["z"]) == 4
    whole.close()
