"""Who waits for which partition, and until when."""

from iowitness.impl.waiting_fetches import WaitingFetches


def test_an_append_concerns_those_who_wait_for_that_partition_oldest_first() -> None:
    waiting: WaitingFetches[str] = WaitingFetches()
    waiting.add("one", (("t", 0), ("t", 1)), 100)
    waiting.add("two", (("t", 1),), 50)
    assert waiting.waiting_for(("t", 1)) == ("one", "two")
    assert waiting.waiting_for(("t", 0)) == ("one",)
    assert waiting.waiting_for(("u", 0)) == ()


def test_whoever_is_answered_waits_no_longer() -> None:
    waiting: WaitingFetches[str] = WaitingFetches()
    ticket = waiting.add("one", (("t", 0),), 100)
    waiting.remove(ticket)
    waiting.remove(ticket)
    assert (waiting.waiting_for(("t", 0)), waiting.next_deadline_ns(), len(waiting)) == (
        (),
        None,
        0,
    )
    assert list(waiting.expired(1_000)) == []


def test_time_is_up_in_order_of_deadlines() -> None:
    waiting: WaitingFetches[str] = WaitingFetches()
    waiting.add("late", (("t", 0),), 100)
    waiting.add("early", (("t", 0),), 50)
    assert waiting.next_deadline_ns() == 50
    assert list(waiting.expired(49)) == []
    assert list(waiting.expired(100)) == ["early", "late"]
    assert waiting.waiting_for(("t", 0)) == ()
