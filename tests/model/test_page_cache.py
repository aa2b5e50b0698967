"""`page_cache`: bytes are conserved, dirty pages stay, old clean ones go."""

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from iowitness.model.hardware import Memory
from iowitness.model.page_cache import FileRange, PageCache

PAGE = 4_096
MEMORY = Memory(byte_count=1_000 * PAGE, reserve_ratio=0.001, dirty_ratio=0.4,
                dirty_background_ratio=0.1)  # fmt: skip

offsets = st.integers(0, 60).map(lambda n: n * PAGE)
sizes = st.integers(1, 40).map(lambda n: n * PAGE)
files = st.integers(1, 4)


def test_a_written_page_is_found_again() -> None:
    cache = PageCache(MEMORY)
    cache.write(1, 100, 50, now_ns=0)
    assert cache.missing(1, 0, 4_096) == []
    assert cache.dirty_ranges(1) == [FileRange(1, 0, 4_096)]


def test_what_is_not_there_is_named_in_whole_pages() -> None:
    cache = PageCache(MEMORY)
    cache.fill(FileRange(1, PAGE, 2 * PAGE))
    assert cache.missing(1, 10, 3 * PAGE) == [
        FileRange(1, 0, PAGE),
        FileRange(1, 2 * PAGE, 4 * PAGE),
    ]


def test_the_least_recently_used_file_gives_way() -> None:
    cache = PageCache(MEMORY)
    cache.fill(FileRange(1, 0, 400 * PAGE))
    cache.fill(FileRange(2, 0, 500 * PAGE))
    cache.fill(FileRange(3, 0, 300 * PAGE))
    assert cache.absent(1, 0, 400 * PAGE) == [FileRange(1, 0, 400 * PAGE)]
    assert cache.absent(3, 0, 300 * PAGE) == []


def test_pages_used_twice_outlive_pages_used_once() -> None:
    cache = PageCache(MEMORY)
    cache.fill(FileRange(1, 0, 300 * PAGE))
    for _ in range(2):
        cache.missing(1, 0, 300 * PAGE)
    cache.fill(FileRange(2, 0, 400 * PAGE))
    cache.fill(FileRange(3, 0, 600 * PAGE))
    assert cache.absent(1, 0, 300 * PAGE) == []
    assert cache.absent(2, 0, 400 * PAGE) != []


def test_dirty_pages_are_not_given_up() -> None:
    cache = PageCache(MEMORY)
    cache.write(1, 0, 300 * PAGE, now_ns=0)
    cache.fill(FileRange(2, 0, 900 * PAGE))
    assert cache.absent(1, 0, 300 * PAGE) == []


def test_write_back_starts_above_the_background_limit() -> None:
    cache = PageCache(MEMORY)
    cache.write(1, 0, 90 * PAGE, now_ns=0)
    assert cache.next_due(1, 10 * PAGE) is None
    cache.write(2, 0, 20 * PAGE, now_ns=0)
    assert cache.next_due(1, 10 * PAGE) == FileRange(1, 0, 10 * PAGE)


def test_expired_pages_are_due_however_few() -> None:
    cache = PageCache(MEMORY)
    cache.write(1, 0, PAGE, now_ns=0)
    assert cache.next_due(MEMORY.dirty_expire_ns - 1, PAGE) is None
    assert cache.next_due(MEMORY.dirty_expire_ns, PAGE) == FileRange(1, 0, PAGE)


def test_files_take_turns_in_write_back() -> None:
    cache = PageCache(MEMORY)
    for file_id in (1, 2):
        cache.write(file_id, 0, 200 * PAGE, now_ns=0)
    turns = []
    for _ in range(4):
        due = cache.next_due(1, 10 * PAGE)
        assert due is not None
        cache.clean(due)
        turns.append((due.file_id, due.start // PAGE))
    assert turns == [(1, 0), (2, 0), (1, 10), (2, 10)]


def test_pages_go_to_the_own_node_first_and_dirty_ones_only_to_its_share() -> None:
    memory = Memory(byte_count=1_000 * PAGE, node_count=2, reserve_ratio=1e-9, dirty_ratio=0.4)
    cache = PageCache(memory)
    placement = cache.fill(FileRange(1, 0, 600 * PAGE), local=1)
    assert placement.local_byte_count == 500 * PAGE
    assert placement.remote_byte_count == 100 * PAGE
    # Node 1 is full; on node 0 40 % of 500 pages may be dirty, and then node 1 gives up pages.
    placement = cache.write(2, 0, 250 * PAGE, now_ns=0, local=1)
    assert placement.remote_byte_count == 200 * PAGE
    assert placement.local_byte_count == 50 * PAGE
    assert placement.evicted_byte_count >= 50 * PAGE


def test_fresh_memory_is_given_back() -> None:
    cache = PageCache(MEMORY)
    free = cache.free_byte_count
    _, by_node = cache.allocate(100 * PAGE)
    assert cache.free_byte_count == free - 100 * PAGE
    cache.release(by_node)
    assert cache.free_byte_count == free


class Conservation(RuleBasedStateMachine):
    """Whatever happens, the counts are those of a set of pages."""

    def __init__(self) -> None:
        super().__init__()
        self.cache = PageCache(MEMORY)
        self.dirty: set[tuple[int, int]] = set()
        self.now_ns = 0

    def pages(self, file_id: int, offset: int, size: int) -> set[tuple[int, int]]:
        return {(file_id, page) for page in range(offset // PAGE, (offset + size) // PAGE)}

    @rule(file_id=files, offset=offsets, size=sizes)
    def write(self, file_id: int, offset: int, size: int) -> None:
        self.cache.write(file_id, offset, size, self.now_ns)
        self.dirty |= self.pages(file_id, offset, size)

    @rule(file_id=files, offset=offsets, size=sizes)
    def read(self, file_id: int, offset: int, size: int) -> None:
        for gap in self.cache.missing(file_id, offset, size):
            self.cache.fill(gap)
        assert self.cache.absent(file_id, offset, offset + size) == []

    @rule(file_id=files)
    def sync(self, file_id: int) -> None:
        for due in self.cache.dirty_ranges(file_id):
            self.cache.clean(due)
        self.dirty = {page for page in self.dirty if page[0] != file_id}

    @rule(seconds=st.integers(1, 40))
    def write_back(self, seconds: int) -> None:
        self.now_ns += seconds * 1_000_000_000
        due = self.cache.next_due(self.now_ns, 10 * PAGE)
        if due is not None:
            self.cache.clean(due)
            self.dirty -= self.pages(due.file_id, due.start, due.byte_count)

    @rule(file_id=files)
    def drop(self, file_id: int) -> None:
        self.cache.drop(file_id)
        self.dirty = {page for page in self.dirty if page[0] != file_id}

    @rule(size=sizes)
    def use_memory(self, size: int) -> None:
        _, by_node = self.cache.allocate(size)
        self.cache.release(by_node)

    @invariant()
    def dirty_bytes_are_those_of_the_dirty_pages(self) -> None:
        assert self.cache.dirty_byte_count == len(self.dirty) * PAGE
        found = {
            (file_id, page)
            for file_id in range(1, 5)
            for due in self.cache.dirty_ranges(file_id)
            for page in range(due.start // PAGE, due.end // PAGE)
        }
        assert found == self.dirty

    @invariant()
    def memory_is_free_or_used(self) -> None:
        cached = self.cache.resident_byte_count
        assert cached >= self.cache.dirty_byte_count
        assert self.cache.free_byte_count + cached == MEMORY.byte_count


TestConservation = Conservation.TestCase


@given(st.lists(st.tuples(files, offsets, sizes), max_size=30))
def test_hits_and_misses_add_up_to_what_was_asked(asked: list[tuple[int, int, int]]) -> None:
    cache = PageCache(MEMORY)
    for file_id, offset, size in asked:
        for gap in cache.missing(file_id, offset, size):
            cache.fill(gap)
    assert cache.hit_byte_count + cache.miss_byte_count == sum(size for _, _, size in asked)
