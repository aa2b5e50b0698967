"""What the sender has to find out about the cluster, and when it may ask again. Pure."""

from iowitness.impl.cluster_view import NOTHING_KNOWN, ClusterView
from iowitness.impl.messages.cluster import (
    MetadataRequest,
    MetadataRequestTopic,
    MetadataResponse,
)


class MetadataNeeds:
    """The view of the cluster, the topics in use, and whether the view has to be renewed."""

    def __init__(self, max_age_ns: int, retry_backoff_ns: int) -> None:
        self.view: ClusterView = NOTHING_KNOWN
        self._topics: set[str] = set()
        self._max_age_ns = max_age_ns
        self._retry_backoff_ns = retry_backoff_ns
        self._is_stale = True
        self._is_asked = False
        self._renewed_ns = 0
        self._not_before_ns = 0

    def use(self, topic: str) -> bool:
        """Whether a topic's partitions are known; if not, they will be asked for."""
        if topic not in self._topics:
            self._topics.add(topic)
            self._is_stale = True
        if topic in self.view.partition_counts:
            return True
        self._is_stale = True
        return False

    def outdate(self) -> None:
        """Have the view renewed: it led to the wrong broker."""
        self._is_stale = True

    def due_ns(self) -> int | None:
        """When to ask; None while an answer is waited for or nothing is used."""
        if self._is_asked or not self._topics:
            return None
        if self._is_stale:
            return self._not_before_ns
        return self._renewed_ns + self._max_age_ns

    def request(self) -> MetadataRequest:
        """The request to send now."""
        self._is_asked = True
        wanted = tuple(MetadataRequestTopic(name=topic) for topic in sorted(self._topics))
        return MetadataRequest(topics=wanted)

    def answered(self, response: MetadataResponse, now_ns: int) -> None:
        """Take the answer in. Topics that it lacks are asked for again, not at once."""
        self._is_asked = False
        self.view = self.view.updated(response)
        self._renewed_ns = now_ns
        self._not_before_ns = now_ns + self._retry_backoff_ns
        self._is_stale = any(topic not in self.view.partition_counts for topic in self._topics)

    def failed(self, now_ns: int) -> None:
        """Note that no answer came; ask again a little later."""
        self._is_asked = False
        self._not_before_ns = now_ns + self._retry_backoff_ns
        self._is_stale = True
