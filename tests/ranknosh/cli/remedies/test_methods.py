"""What is advised about methods, spaces, proxies and tables, followed literally: supernet, compare, score, space, bench."""

import pytest

from tests.remedies import filled, follow, given_as, instead_of, last_two, left_out, row, typed, without

EXAMPLES = "--set data.limit=60 --set data.validation_limit=30 --set data.test_limit=30"
SMALL = f"--data digits {EXAMPLES} --set space.channels=4 --set space.cells=1"
SUPERNET, COMPARE = f"{SMALL} --epochs 1", "compare nets.yaml --seeds 1 --methods random"
SCORE = f"score nasbench201 --count 4 {SMALL}"
TABLE = [
    row(
        "supernet: no method",
        f"supernet {SUPERNET}",
        r"give one, such as (\w+) \(",
        lambda words, found: [[words[0], found[1], *words[1:]]],
    ),
    row("supernet: the list of methods", "supernet", r"'(ranknosh supernet list)' shows", typed),
    row("supernet: an unknown method", f"supernet dartss {SUPERNET}", r"did you mean (\w+)\?", instead_of("dartss")),
    row(
        "supernet: epochs as an option",
        f"supernet darts {SMALL} --option epochs=1",
        r"write (--epochs)",
        lambda words, found: [[*words[:-2], found[1], "1"]],
    ),
    row(
        "supernet: an option of another kind",
        f"supernet gaea {SUPERNET} --option lr=fast",
        r"write for example ([\d.]+)",
        instead_of("fast"),
    ),
    row(
        "supernet: channels that are not divided",
        f"supernet pc_darts {SUPERNET} --set space.channels=6",
        r"choose initial channels that (\d+) divides",
        lambda words, found: [[*words[:-1], f"space.channels={2 * int(found[1])}"]],
        slow=True,
    ),
    row(
        "supernet: a space without one",
        f"supernet darts --data digits {EXAMPLES} --set space.name=mlp",
        r"`ranknosh (search)`",
        lambda words, found: [[found[1], "nets.yaml"]],
    ),
    row(
        "supernet: epochs of a method that trains nothing",
        f"supernet zero_cost_pt {SUPERNET}",
        r"asked for 1 (epochs); leave them out",
        lambda words, found: [without(words, {f"--{found[1]}"})],
        slow=True,
    ),
    row(
        "supernet: too little time", f"supernet darts {SMALL} --time 0.01s", r"example to (\w+)", given_as("--time"), 3
    ),
    row(
        "compare: no budget",
        f"{COMPARE} --out {'x' * 3}",
        r"with (--budget )10m",
        lambda words, found: [[*words, *f"{found[1]}1s".split()]],
        slow=True,
    ),
    row(
        "compare: another executor",
        f"{COMPARE} --budget 1s --set executor.name=ray",
        r"give (--set executor\.name=inline)",
        last_two,
        slow=True,
    ),
    row(
        "compare: an unknown method",
        f"{COMPARE[:-6]}randm --budget 1s",
        r"did you mean (\w+)\?",
        instead_of("randm"),
        slow=True,
    ),
    row(
        "compare: a supernet of a space without",
        f"{COMPARE},darts --budget 1s",
        r"take it out of methods: \w+, (\w+),",
        given_as("--methods"),
        slow=True,
    ),
    row(
        "compare: a training of one's own",
        "compare own.yaml --budget 1s",
        r"`ranknosh (search)`",
        lambda words, found: [[found[1], "own.yaml"]],
    ),
    row(
        "score: nothing to score",
        f"score --count 2 --data digits {EXAMPLES} --proxies params",
        r"search space \(.*(mlp)",
        lambda words, found: [[words[0], found[1], *words[1:]]],
    ),
    row(
        "score: all and a part",
        f"score mlp --all --count 4 --proxies params --data digits {EXAMPLES}",
        r"(--all) scores",
        left_out,
    ),
    row(
        "score: a proxy without its options",
        f"{SCORE} --proxies swap_reg",
        r"with (--option .*), or leave",
        filled(NUMBER="5"),
    ),
    row(
        "score: options of another proxy",
        f"{SCORE} --proxies nwot --option swap_reg.mu=3",
        r"add it to (proxies)",
        lambda words, found: [[*words[:-4], "--proxies", "nwot,swap_reg", *words[-2:], "--option", "swap_reg.sigma=2"]],
    ),
    row("score: an unknown proxy", f"{SCORE} --proxies nwto", r"did you mean (\w+)\?", instead_of("nwto")),
    row(
        "score: an architecture and a count",
        "score 'tanh | 16' --data digits --proxies params --count 2",
        r"(--count) and --draw.*leave them out",
        left_out,
    ),
    row("score: a folder as table", f"{SCORE} --proxies params --csv .", r"write for example (\S+)", given_as("--csv")),
    row(
        "space: none is named",
        "space check",
        r"such as own_module:Net, or give the (--config) of",
        lambda words, found: [[*words, found[1], "nets.yaml", "-n", "1"]],
    ),
    row(
        "space: a shape with commas",
        "space check mlp -n 1 --outputs 3 --inputs 3,4,4",
        r"such as (\w+),",
        given_as("--inputs"),
    ),
    row(
        "space: shapes beside data", "space check mlp -n 1 --data digits --inputs 30", r"leave out (--inputs)", left_out
    ),
    row(
        "space: rows for a space of pictures",
        "space check nasbench201 -n 1 --inputs 30",
        r"take the space (\w+)",
        instead_of("nasbench201"),
    ),
    row(
        "space: tokens for a space of numbers",
        "space check mlp -n 1 --inputs 8 --outputs 3 --vocabulary 9",
        r"take the space (\w+) with (space\.patches=\[\])",
        lambda words, found: [[word if word != "mlp" else found[1] for word in words] + ["--set", found[2]]],
    ),
    row(
        "space: sequences for a space of pictures",
        "space check nasbench201 -n 1 --inputs 8x4",
        r"take the space (\w+) with (space\.patches=\[\])",
        lambda words, found: [[word if word != "nasbench201" else found[1] for word in words] + ["--set", found[2]]],
    ),
    row(
        "space: a setting without section",
        "space show '|avg_pool_3x3~0|+|nor_conv_3x3~0|nor_conv_1x1~1|+|skip_connect~0|skip_connect~1|none~2|' --set channels=8",
        r"such as (\S+)$",
        lambda words, found: [[*words[:-1], found[1]]],
    ),
    row(
        "space: a text of no form",
        "space show tanh",
        r"`(ranknosh space sample --space) NAME`",
        lambda words, found: [[*found[1].split()[1:], "mlp"]],
    ),
    row("space: an unknown one", "space sample --space mobil", r"did you mean (\w+)\?", instead_of("mobil")),
]


@pytest.mark.parametrize("remedy", TABLE)
def test_following_it_ends_the_trouble(home, cli, remedy):
    follow(cli, remedy)
