"""A broker's topics, settings and offsets under whatever is asked, and stops in the middle of it.

The machine may stop at any change of a file. What was answered before is there after a start, and
what was under way has happened whole or not at all. A commit does not sync offsets, as Kafka's
does not: a crash of the machine may take the latest back, a stop of the process takes none.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from iowitness.impl.api_table import ApiKey
from iowitness.impl.messages.admin import (
    CreatePartitionsRequest,
    CreatePartitionsResponse,
    GrowingTopic,
)
from iowitness.impl.wire_errors import ErrorCode
from tests.doubles.asked_broker import AskedBroker
from tests.doubles.forgetting_files import Crashed
from tests.impl.test_offset_requests import commit, stored
from tests.impl.test_topic_requests import change, create, delete, wanted

NAMES = ("t", "u", "v")
GROUPS = ("g", "h")
Offsets = dict[tuple[str, int], int]


@dataclass(frozen=True)
class Known:
    """What has to be there of one topic."""

    partition_count: int
    settings: dict[str, str] = field(default_factory=dict)


Topics = dict[str, Known]


class BrokerMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.broker = AskedBroker()
        self.topics: Topics = {}
        self.offsets: dict[str, Offsets] = {group: {} for group in GROUPS}
        self.ever: dict[str, dict[tuple[str, int], set[int]]] = {group: {} for group in GROUPS}
        self.ids: dict[str, bytes] = {}
        self.next_offset = 0
        self.calls_left: int | None = None
        self.stop: Callable[[], None] = self.broker.kill

    def present(self) -> Topics:
        """The topics as the broker has them."""
        return {
            name: Known(len(topic.partitions), dict(topic.settings))
            for name, topic in self.broker.topics.by_name.items()
            if name in NAMES
        }

    def attempt(self, after: Topics, work: Callable[[], int]) -> None:
        """Do something that leads to `after`, or to a crash on the way there."""
        try:
            assert work() == ErrorCode.NONE
        except Crashed:
            self.stop()
            self.calls_left = None
            self.offsets_may_have_gone_back()
            present = self.present()
            assert present in (self.topics, after), "neither before nor after"
            self.topics = present
            self.forget_offsets_of_absent_topics()
            return
        self.topics = after
        self.forget_offsets_of_absent_topics()

    def forget_offsets_of_absent_topics(self) -> None:
        for offsets in self.offsets.values():
            for topic, number in list(offsets):
                if topic not in self.topics:
                    del offsets[topic, number]

    def offsets_may_have_gone_back(self) -> None:
        for group in GROUPS:
            survived = stored(self.broker, group)
            for key, offset in survived.items():
                assert offset in self.ever[group].get(key, set()), "an offset of nobody's"
            self.offsets[group] = survived

    @rule(calls=st.integers(0, 40), seed=st.none() | st.integers(0, 1_000))
    def a_stop_is_near(self, calls: int, seed: int | None) -> None:
        """Of the machine with a seed, else of the process."""
        self.broker.files.calls_until_crash = self.calls_left = calls
        self.stop = self.broker.kill if seed is None else partial(self.broker.crash, seed)

    @rule(seed=st.integers(0, 1_000))
    def the_machine_crashes(self, seed: int) -> None:
        self.calls_left = None
        self.broker.crash(seed)
        self.offsets_may_have_gone_back()

    @precondition(lambda self: self.calls_left is None)
    @rule(how=st.sampled_from(["kill", "restart"]))
    def the_process_stops(self, how: str) -> None:
        getattr(self.broker, how)()

    @rule(name=st.sampled_from(NAMES), count=st.integers(1, 3), has_settings=st.booleans())
    def make(self, name: str, count: int, has_settings: bool) -> None:
        if name in self.topics:
            return
        own = {"retention.ms": str(1_000 * count)} if has_settings else {}
        topic = wanted(name, count, **{key.replace(".", "_"): text for key, text in own.items()})
        after = {**self.topics, name: Known(count, own)}
        self.attempt(after, lambda: create(self.broker, topic)[0].error_code)

    @rule(name=st.sampled_from(NAMES))
    def remove(self, name: str) -> None:
        if name in self.topics:
            after = {one: known for one, known in self.topics.items() if one != name}
            self.attempt(after, lambda: delete(self.broker, name)[0])

    @rule(name=st.sampled_from(NAMES), size=st.integers(100, 105))
    def configure(self, name: str, size: int) -> None:
        if name not in self.topics:
            return
        known = self.topics[name]
        own = {**known.settings, "max.message.bytes": str(size)}
        after = {**self.topics, name: replace(known, settings=own)}
        wish = ("max.message.bytes", 0, str(size))
        self.attempt(after, lambda: change(self.broker, name, wish))

    @rule(name=st.sampled_from(NAMES))
    def grow(self, name: str) -> None:
        if name not in self.topics or self.topics[name].partition_count > 4:
            return
        known = self.topics[name]
        count = known.partition_count + 1
        request = CreatePartitionsRequest(topics=(GrowingTopic(name=name, count=count),))

        def work() -> int:
            key = ApiKey.CREATE_PARTITIONS
            response = self.broker.ask(CreatePartitionsResponse, key, 3, request)
            return response.results[0].error_code

        self.attempt({**self.topics, name: replace(known, partition_count=count)}, work)

    @rule(group=st.sampled_from(GROUPS), name=st.sampled_from(NAMES))
    def commit_offsets(self, group: str, name: str) -> None:
        if name not in self.topics:
            return
        self.next_offset += 1
        keys = [(name, number) for number in range(self.topics[name].partition_count)]
        for key in keys:
            self.ever[group].setdefault(key, set()).add(self.next_offset)

        def work() -> int:
            offsets = dict.fromkeys(keys, self.next_offset)
            codes = commit(self.broker, offsets, group_id=group)
            self.offsets[group] |= offsets
            return max(codes.values())

        self.attempt(self.topics, work)

    @invariant()
    def a_topic_keeps_its_id(self) -> None:
        """From when it is first seen, over every stop, until it is removed."""
        topics = self.broker.topics.by_name
        self.ids = {name: known for name, known in self.ids.items() if name in topics}
        for name, topic in topics.items():
            assert self.ids.setdefault(name, topic.topic_id) == topic.topic_id

    @invariant()
    def what_was_answered_is_there(self) -> None:
        assert self.present() == self.topics
        for group in GROUPS:
            assert stored(self.broker, group) == self.offsets[group]


TestBrokerMachine = BrokerMachine.TestCase
TestBrokerMachine.settings = settings(stateful_step_count=30)
