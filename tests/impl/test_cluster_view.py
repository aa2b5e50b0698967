"""Bootstrap lists, and versions in common."""

import pytest

from iowitness.impl.api_table import ApiKey
from iowitness.impl.client_versions import IncompatibleBroker, chosen
from iowitness.impl.cluster_view import Node, bootstrap_nodes
from iowitness.impl.messages.cluster import ApiVersion


def test_a_bootstrap_list_names_hosts_and_ports() -> None:
    assert bootstrap_nodes("a:1, [::1]:2") == (Node(-1, "a", 1), Node(-1, "::1", 2))


@pytest.mark.parametrize("text", ["", "a", "a:", ":1", "a:b", "a:1,,b:2"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected host:port"):
        bootstrap_nodes(text)


def test_the_highest_common_version_is_chosen() -> None:
    told = (ApiVersion(ApiKey.PRODUCE, 0, 5), ApiVersion(ApiKey.FETCH, 4, 18), ApiVersion(99, 0, 1))
    assert chosen(told, 0) == {ApiKey.PRODUCE: 5, ApiKey.FETCH: 11}


def test_no_common_version_is_said_with_both_ranges() -> None:
    with pytest.raises(IncompatibleBroker, match="PRODUCE: broker has versions 13 to 20, expected"):
        chosen((ApiVersion(ApiKey.PRODUCE, 13, 20),), 0)


def test_a_broker_that_refuses_api_versions_is_named() -> None:
    with pytest.raises(IncompatibleBroker, match=r"UNSUPPORTED_VERSION \(35\)"):
        chosen((), 35)
