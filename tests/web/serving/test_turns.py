"""Turns: limits in all and per client, and nobody waits behind all of somebody else's."""

from __future__ import annotations

from songrec.web.serving.turns import Turns


def start_all(turns: Turns[str]) -> list[str]:
    started = []
    while thing := turns.next():
        started.append(thing)
    return started


def test_clients_come_in_turn() -> None:
    turns: Turns[str] = Turns(total=3, per_client=3)
    for thing in ("a1", "a2", "a3", "a4", "b1"):
        turns.add(thing[0], thing)
    assert start_all(turns) == ["a1", "b1", "a2"]
    turns.end("b")
    assert start_all(turns) == ["a3"]


def test_one_client_has_a_limit_of_its_own() -> None:
    turns: Turns[str] = Turns(total=10, per_client=2)
    for thing in ("a1", "a2", "a3", "b1"):
        turns.add(thing[0], thing)
    assert start_all(turns) == ["a1", "b1", "a2"]
    turns.end("b")
    assert start_all(turns) == []
    turns.end("a")
    assert start_all(turns) == ["a3"]


def test_nobodys_things_count_in_all_only() -> None:
    turns: Turns[str] = Turns(total=3, per_client=1)
    for thing in ("1", "2", "3", "4"):
        turns.add(None, thing)
    assert start_all(turns) == ["1", "2", "3"]


def test_what_waits_no_longer_has_no_turn() -> None:
    turns: Turns[str] = Turns(total=1, per_client=1)
    turns.add("a", "a1")
    turns.add("b", "b1")
    turns.remove("a", "a1")
    turns.remove("a", "a1")
    assert start_all(turns) == ["b1"]
