"""What is left to do, given what is known."""

from collections.abc import Callable

from ranknosh.data import ImageData
from ranknosh.spaces.catalog import get_space
from ranknosh.workflows.score.journal import Entry
from ranknosh.workflows.score.request import Item, Request

SPACE = get_space("nasbench201")
FIRST = "|nor_conv_3x3~0|+|none~0|none~1|+|none~0|skip_connect~1|none~2|"
TWIN = "|none~0|+|nor_conv_3x3~0|none~1|+|none~0|none~1|skip_connect~2|"
OTHER = "|none~0|+|none~0|none~1|+|nor_conv_1x1~0|none~1|none~2|"
Make = Callable[..., Request]


def known(text: str, *proxies: str) -> Entry:
    return Entry("key", text, dict.fromkeys(proxies, 1.0), {}, dict.fromkeys(proxies, 1.0))


def test_only_networks_and_proxies_that_are_missing_are_scored(make_request: Make) -> None:
    request = make_request([FIRST, OTHER, TWIN], ["params", "synflow", "nwot"])
    first, other = SPACE.parse(FIRST), SPACE.parse(OTHER)
    assert request.missing(request.shares([]), {}) == [
        Item(first, ("params", "synflow", "nwot")),
        Item(other, ("params", "synflow", "nwot")),
    ]
    entries = {FIRST: known(FIRST, "params", "nwot", "zen"), OTHER: known(OTHER, "nwot", "synflow", "params")}
    assert request.missing(request.shares(entries), entries) == [Item(first, ("synflow",))]


def test_more_proxies_come_from_the_network_that_was_scored_before(make_request: Make) -> None:
    request = make_request([FIRST], ["params", "synflow"])
    entries = {TWIN: known(TWIN, "params")}
    assert request.missing(request.shares(entries), entries) == [Item(SPACE.parse(TWIN), ("synflow",))]


def test_settings_tell_all_that_a_score_depends_on(make_request: Make, digits: ImageData) -> None:
    plain = make_request([FIRST]).settings(digits)
    assert plain["data"] == f"digits ({digits.fingerprint[:12]})"
    for change, name in (
        ({"network": {"channels": 5, "cells": 1}}, "network.channels"),
        ({"network": {"channels": 4, "cells": 2}}, "network.cells"),
        ({"seed": 1}, "seed"),
        ({"train": {"device": "auto"}}, "device"),
    ):
        changed = make_request([FIRST], **change).settings(digits)
        assert {key for key in plain if plain[key] != changed[key]} == {name}
    for same in ({"executor": {"name": "ray"}}, {"train": {"device": "cpu", "lr": 0.5}}):
        assert make_request([FIRST], **same).settings(digits) == plain
    size = make_request([FIRST]).size(digits)
    assert (size.channels, size.cells, size.classes, size.in_channels) == (4, 1, 10, 1)


def test_what_ran_out_of_memory_is_tried_again_and_any_other_reason_stands(make_request: Make) -> None:
    request = make_request([FIRST], ["params", "synflow"])
    for reason, lacking in (
        ("OutOfMemoryError: CUDA out of memory. Tried to allocate 2 GiB", ("synflow",)),
        ("RuntimeError: DefaultCPUAllocator: can't allocate memory", ("synflow",)),
        ("the flow is zero", ()),
    ):
        entry = Entry("key", FIRST, {"params": 1.0, "synflow": None}, {"synflow": reason}, {})
        items = request.missing({FIRST: FIRST}, {FIRST: entry})
        assert [item.proxies for item in items] == ([lacking] if lacking else [])
        again = entry.with_more(Entry("key", FIRST, {"synflow": 2.0}, {}, {}))
        assert (again.values["synflow"], again.reasons) == (2.0, {})
