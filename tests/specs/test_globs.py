import pytest

from iowitness.specs.globs import PathGlobs, PortRanges, WordGlobs


@pytest.mark.parametrize(
    ("pattern", "root", "path", "fits"),
    [
        ("**/*.log", "", "/data/plain-0/0.log", True),
        ("**/*.log", "", "plain-0/0.log", True),
        ("**/*.log", "/data", "/data/plain-0/0.log", True),
        ("**/*.log", "/data", "/var/log/server.log", False),
        ("**/*.log", "/data", "/database/0.log", False),
        ("*.log", "/data", "/data/plain-0/0.log", False),
        ("plain-*/*.log", "/data", "/data/plain-0/0.log", True),
        ("plain-*/*.log", "", "/anywhere/plain-0/0.log", True),
        ("lain-*/*.log", "", "/anywhere/plain-0/0.log", False),
        ("/data/**", "", "/data/a/b", True),
        ("/data/*", "", "/data/a/b", False),
        ("**/[0-9]*.log", "", "/data/7.log", True),
        ("**/[!0-9]*.log", "", "/data/7.log", False),
        ("**/[^]*", "", "/data/^x", True),
        ("**/a?c", "", "/data/abc", True),
        ("**/a?c", "", "/data/a/c", False),
        ("**/a[", "", "/data/a[", True),
        ("**/a.b", "", "/data/axb", False),
    ],
)
def test_a_glob_fits_whole_paths_below_its_root(
    pattern: str, root: str, path: str, fits: bool
) -> None:
    assert PathGlobs((pattern,), root).fit(path) is fits


def test_a_root_with_letters_that_globs_use_means_itself() -> None:
    globs = PathGlobs(("**/*.log",), "/data [1]")
    assert globs.fit("/data [1]/plain-0/0.log")
    assert not globs.fit("/data 1/plain-0/0.log")


def test_no_pattern_fits_nothing() -> None:
    assert not PathGlobs(()).fit("/data/0.log")
    assert not WordGlobs(()).fit("broker")


def test_a_star_in_a_name_crosses_slashes() -> None:
    assert WordGlobs(("kworker/*",)).fit("kworker/0:1/x")


@pytest.mark.parametrize(
    ("patterns", "address", "fits"),
    [
        ((), "anything", True),
        (("9092",), "127.0.0.1:9092", True),
        (("9092",), "[::1]:19092", False),
        (("9000-9100", "80"), "[::1]:9092", True),
        (("9092",), "/run/socket", False),
        (("9092",), "", False),
    ],
)
def test_ports_are_held_against_the_end_of_an_address(
    patterns: tuple[str, ...], address: str, fits: bool
) -> None:
    assert PortRanges(patterns).fit(address) is fits
