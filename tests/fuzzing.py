"""Hostile inputs: how many a test draws, the edits that damage a text, and what hangs."""

import signal
from contextlib import contextmanager

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

MANY = 1_000
"""What ``pytest --hypothesis-profile many`` draws at most: new ones every time, where the suite draws the same few."""
HANG_SECONDS = 30
HUGE = "9" * 5_000
PIECES = (
    *"()[]{}'\"#,:|+~=.\\ \t\r\n\0\ufeff\u2028\u0661-019_aZ",
    *("0x", "1e9", "None", "True", "nan", "Infinity", "2, 3", "('none', 0), ", "|none~0|", "'''", "[" * 300),
    *(HUGE, "0x" + HUGE),
)


HOSTILE = st.sampled_from(
    [
        *(
            "1e400",
            ".nan",
            "-.inf",
            "0x",
            "1" * 400,
            "-0",
            "1e-320",
            "0o17",
            "1_000",
            "010",
            "1__0",
            "null",
            "~",
            "''",
            "on",
        ),
        *("yes", "2026-01-01", "12:30", "!!bool x", "!!int x", "!!float x", "!!binary x", "!!set {a}", "!!omap [a: 1]"),
        *(
            "!!python/object:os.system x",
            "&a [*a]",
            "*a",
            "<<: {a: 1}",
            "{a: 1, a: 2}",
            "[1, [2, [3]]]",
            "? [1]",
            "\t",
            "\0",
        ),
        *(
            '"\\uD800"',
            '"\\x1b[31m"',
            "'\u2028'",
            "\ufeff",
            "9" * 300 + "d",
            "9" * 300 + "TB",
            "0.1B",
            "1h1h",
            "\u0661s",
        ),
        *(
            "<= 1e400",
            "<= 1M, >= 2M",
            ">= 1",
            "<= 60% of x",
            "a:b",
            "a.py:b",
            "/dev/zero",
            "../..",
            "a" * 3000,
            "%",
            "|",
            ">",
        ),
    ]
)
PLAIN = st.one_of(
    st.integers(),
    st.floats(),
    st.booleans(),
    st.none(),
    st.text(max_size=8),
    st.sampled_from(["auto", "off", "10m", "1GB"]),
).map(lambda value: value if isinstance(value, str) else str(value).lower())
TEXTS = st.one_of(HOSTILE, PLAIN, st.lists(PLAIN, max_size=3).map(lambda items: f"[{', '.join(items)}]"))


def cases(few: int, many: int = MANY) -> settings:
    """Settings of a fuzz test.

    Args:
        few: drawn in the suite, the same ones every time.
        many: drawn under the profile ``many``.
    """
    full = settings().max_examples == MANY
    return settings(
        max_examples=many if full else few,
        derandomize=not full,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


@contextmanager
def no_hang():
    """Fails where what it holds takes longer than anything of this size may."""

    def late(*_):
        raise AssertionError(f"nothing came back within {HANG_SECONDS} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(HANG_SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@st.composite
def edited(draw, text, edits=3):
    """A text after up to ``edits`` edits: pieces put in, left out, doubled, swapped, or its end cut off."""
    for _ in range(draw(st.integers(1, edits))):
        place = draw(st.integers(0, len(text)))
        end = place + draw(st.integers(1, 12))
        match draw(st.sampled_from(("insert", "replace", "remove", "double", "swap", "cut"))):
            case "insert":
                text = text[:place] + draw(st.sampled_from(PIECES)) + text[place:]
            case "replace":
                text = text[:place] + draw(st.sampled_from(PIECES)) + text[place + 1 :]
            case "remove":
                text = text[:place] + text[end:]
            case "double":
                text = text[:end] + text[place:]
            case "swap":
                text = text[:place] + text[end : 2 * end - place] + text[place:end] + text[2 * end - place :]
            case "cut":
                text = text[:place]
    return text


@st.composite
def damaged(draw, content):
    """The bytes of a file as they are, cut, longer, or with some changed, most of them in its head."""
    how = draw(st.sampled_from(("whole", "cut", "head", "anywhere", "longer", "doubled")))
    if how == "cut":
        return content[: draw(st.integers(0, len(content)))]
    if how in ("head", "anywhere") and content:
        changed = bytearray(content)
        for _ in range(draw(st.integers(1, 4))):
            last = min(len(content), 64 if how == "head" else len(content)) - 1
            changed[draw(st.integers(0, last))] = draw(st.sampled_from((0, 1, 0x7F, 0x80, 0xFF, 0x20)))
        return bytes(changed)
    return {"longer": content + bytes(50), "doubled": content + content}.get(how, content)
