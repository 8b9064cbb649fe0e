"""Cached values: once per version, the least used ones dropped."""

from __future__ import annotations

from songrec.core.versioned_cache import VersionedCache


def test_a_value_is_computed_once_per_version():
    cache, computed = VersionedCache(2), []

    def value(version: str) -> str:
        return cache.get("key", version, lambda: computed.append(version) or version)

    assert [value("a"), value("a"), value("b"), value("a")] == ["a", "a", "b", "a"]
    assert computed == ["a", "b", "a"]


def test_the_value_that_was_not_used_for_longest_makes_room():
    cache, computed = VersionedCache(2), []

    def use(key: str) -> None:
        cache.get(key, 1, lambda: computed.append(key))

    for key in ("a", "b", "a", "c", "a", "b"):
        use(key)
    assert computed == ["a", "b", "c", "b"]
