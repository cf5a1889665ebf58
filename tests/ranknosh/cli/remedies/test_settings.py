"""What is advised about settings, followed literally: configs, flags and budgets of search and plan."""

import pytest

from tests.remedies import added, filled, follow, instead_of, last_two, left_out, row, set_, set_as, typed, typed_first

NETS, OWN = "plan nets.yaml", "plan own.yaml"
SIZED = f"{OWN} --set costs.size.function=tests.own_training:size"
ENDLESS = "--set budget.epochs=null --set pyramid.candidates=null"
TABLE = [
    row("no config: init writes one", "plan new.yaml", r"`(ranknosh init --out \S+)` writes one", typed_first),
    row("no config: the data that were meant", "init --data digitz", r"did you mean (\w+)\?", instead_of("digitz")),
    row("a run as config: resume", "plan runs/own", r"`(ranknosh resume \S+)`", typed),
    row(
        "a wrong section: the one meant", f"{OWN} --set budjet.epochs=9", r"did you mean (\w+)\?", instead_of("budjet")
    ),
    row("a setting without its section", f"{OWN} --set epochs=9", r"or (budget\.epochs)\?", instead_of("epochs")),
    row(
        "no such choice: the one meant",
        f"{NETS} --set train.augment=nnone",
        r"did you mean (\w+)\?",
        instead_of("nnone"),
    ),
    row(
        "size outside the space",
        "plan nets.yaml --set network.widths=[16]",
        r"such as (space)\.",
        instead_of("network"),
    ),
    row("a setting the space has not", f"{NETS} --set space.width=[16]", r"did you mean (\w+)\?", instead_of("width")),
    row("a setting without value", f"{OWN} --set budget.epochs", r"example (--set budget\.epochs=\d+)", last_two),
    row("a duration without unit", f"{OWN} --set budget.time=90", r"example (\w+),", set_as("budget.time")),
    row(
        "device time without unit",
        f"{NETS} --set budget.device_time=90",
        r"example (\w+) or",
        set_as("budget.device_time"),
    ),
    row("a size without unit", f"{NETS} --set budget.disk=90", r"example \w+ or (\w+)", set_as("budget.disk")),
    row("--budget that is none", f"{NETS} --budget x", r"a duration \((\w+)\)", instead_of("x")),
    row(
        "no candidate fits",
        "search own.yaml --set pyramid.candidates=null --set budget.epochs=0",
        r"holds a candidate is (\d+)",
        set_as("budget.epochs"),
        3,
    ),
    row("nothing ends the search", f"{OWN} {ENDLESS}", r"example (budget: \{.*\})", set_),
    row("epochs do not hold the plan", f"{OWN} --set budget.epochs=3", r"need (budget\.epochs=\d+)", set_, 3),
    row("disk does not hold the plan", f"{NETS} --set budget.disk=1KB", r"set (budget\.disk=\w+)", set_, 3),
    row("too many ratios: auto", f"{OWN} --set pyramid.ratio=[0.5,0.5]", r"or (auto)$", set_as("pyramid.ratio")),
    row("a ratio above 1", f"{OWN} --set pyramid.ratio=1.5", r"example ([\d.]+)", set_as("pyramid.ratio")),
    row("levels that fall", f"{OWN} --set pyramid.epochs=[4,2]", r"example (\[.*\]) \(", set_as("pyramid.epochs")),
    row(
        "overlap of a schedule without",
        f"{OWN} --set pyramid.overlap=4 --set pyramid.schedule=eager",
        r"(pyramid\.overlap) is 4.*; take one of the two out",
        left_out,
    ),
    row(
        "a ratio beside brackets",
        f"{OWN} --set pyramid.ratio=0.5 --set pyramid.schedule=hyperband",
        r"(pyramid\.ratio) says.*; take one of them out",
        left_out,
    ),
    row(
        "a level that is not there",
        f"{NETS} --set 'executor.per_level={{9: {{gpus: 0}}}}'",
        r"example (\{2: \{gpus: )1\}",
        lambda words, found: [[*words[:-1], f"executor.per_level={found[1]}0}}}}"]],
    ),
    row(
        "a draw below the first batch",
        f"{NETS} --set seeding.draw=2",
        r"of (pyramid\.initial) to choose.*or lower (?=)",
        lambda words, found: [[*words, "--set", f"{found[1]}=2"]],
    ),
    row(
        "two metrics as objectives",
        f"{NETS} --set objectives=[accuracy,loss]",
        r"such as (\[accuracy, )latency",
        lambda words, found: [[*words[:-1], f"objectives={found[1]}params]"]],
    ),
    row(
        "two metrics: choose afterwards",
        f"{NETS} --set objectives=[accuracy,loss]",
        r"ranknosh top RUN --where '(loss \S+)",
        lambda words, found: [["top", "runs/nets", "--where", f"{found[1]} 5"]],
    ),
    row(
        "one objective: leave it out",
        f"{NETS} --set objectives=[accuracy]",
        r"(objectives) has one.*leave it out",
        left_out,
    ),
    row("an objective that does not rank", f"{NETS} --set objectives=[loss,params]", r"set (train\.metric=loss)", set_),
    row(
        "a limit without relation",
        f"{SIZED} --set constraints.size=5K",
        r'such as "(.*?)"',
        set_as("constraints.size"),
    ),
    row(
        "a limit that is a number",
        f"{NETS} --set space.depths=[1] --set constraints.params=5",
        r"write for example (.*)",
        set_as("constraints.params"),
    ),
    row(
        "a limit in another unit",
        f"{SIZED} --set 'constraints.size=<= 9 ms'",
        r"size takes K, (M)",
        instead_of(" ms"),
    ),
    row(
        "nothing is so small",
        f"{SIZED} --set 'constraints.size=<= 5'",
        r"such as size (<= [\d.]+K)",
        set_as("constraints.size"),
        3,
    ),
    row(
        "nothing is so large",
        f"{SIZED} --set 'constraints.size=\">= 9M\"'",
        r"such as (size) (>= [\d.]+K)",
        lambda words, found: [[*words[:-1], f'constraints={{{found[1]}: "{found[2]}"}}']],
        3,
    ),
    row(
        "a text that YAML reads otherwise",
        f"{SIZED} --set 'constraints.size=>= 9K'",
        r"in quotes: (--set .*)",
        last_two,
    ),
    row("an unknown cost", f"{SIZED} --set 'constraints.sise=<= 1M'", r"did you mean (\w+)\?", instead_of("sise")),
    row("an unknown unit", f"{SIZED} --set 'costs.size.unit=mm'", r"did you mean (\w+)\?", instead_of("mm")),
    row("averaged weights without ema", f"{NETS} --set train.metric=ema_loss", r"example (train\.ema: [\d.]+)", set_),
    row(
        "a metric the task has not",
        f"{NETS} --set train.metric=f2",
        r"measures (\w+), loss; write one",
        set_as("train.metric"),
    ),
    row(
        "a warm-up without end", f"{NETS} --set train.warmup_epochs=9", r"example (\d+)", set_as("train.warmup_epochs")
    ),
    row(
        "an augmentation of rows",
        f"{NETS} --set data.name=wine --set train.augment=cutout",
        r"write (train\.augment: none)",
        set_,
        4,
    ),
    row(
        "RandAugment of rows",
        f"{NETS} --set data.name=wine --set train.randaugment=5",
        r"write (train\.randaugment: 0)",
        set_,
        4,
    ),
    row("mixup of amounts", f"{NETS} --set data.name=diabetes --set train.mixup=0.2", r"write (train\.mixup: 0)", set_),
    row("an auxiliary head without cells", f"{NETS} --set train.auxiliary=0.4", r"set (train\.auxiliary=0)", set_, 4),
    row("drop path without cells", f"{NETS} --set train.drop_path=0.4", r"set (train\.drop_path=0)", set_, 4),
    row(
        "a device that is not there", f"{NETS} --set train.device=cuda:77", r"use auto or (cpu)", set_as("train.device")
    ),
    row(
        "rank_by of our networks",
        f"{NETS} --set executor.rank_by=accuracy",
        r"(executor\.rank_by) belongs to a training",
        left_out,
    ),
    row(
        "a training without rank_by",
        f"{OWN} --set executor.rank_by=null",
        r"example (rank_by: accuracy)",
        lambda words, found: [[*words, "--set", "executor." + found[1].replace(": ", "=")]],
    ),
    row("a metric without direction", f"{OWN} --set executor.rank_by=zeal", r"write (executor\.direction: max)", set_),
    row("a baseline of a training", f"{OWN} --set baseline=resnet18", r"leave (baseline) out", left_out),
    row("an unknown predictor", f"{NETS} --set predictor.name=linaer", r"did you mean (\w+)\?", instead_of("linaer")),
    row(
        "an unknown option",
        f"{NETS} --set predictor.options.scal=0.5",
        r"did you mean (\w+)\?",
        lambda words, found: [[*words[:-1], f"predictor.options.{found[1]}=0.5"]],
    ),
    row(
        "an option out of range",
        f"{NETS} --set predictor.name=kernel --set predictor.options.degree=9",
        r"(predictor\.options\.degree) is 9; .* takes 1, (2)",
        lambda words, found: [[*words[:-1], f"{found[1]}={found[2]}"]],
    ),
    row(
        "an ensemble of a number",
        f"{NETS} --set predictor.name=ensemble --set predictor.options.of=3",
        r"(predictor\.options\.of) is 3; it takes one or more of (\w+)",
        lambda words, found: [[*words[:-1], f"{found[1]}={found[2]}"]],
    ),
    row(
        "a proxy without its options",
        f"{NETS} --set seeding.proxies=[swap_reg]",
        r"Give them with (--set .*), or leave",
        filled(NUMBER="5"),
    ),
    row("an unknown proxy", f"{NETS} --set seeding.proxies=[sinflow]", r"did you mean (\w+)\?", instead_of("sinflow")),
    row(
        "pictures wanted, rows given",
        f"{NETS} --set data.name=wine --set 'space={{name: nasbench201}}'",
        r"take the space (mlp)",
        set_as("space.name"),
    ),
    row(
        "patches that do not divide",
        f"{NETS} --set 'space={{name: transformer}}' --set space.patches=[3]",
        r"such as (\[.*\])",
        set_as("space.patches"),
    ),
    row(
        "pictures without patches",
        f"{NETS} --set 'space={{name: transformer}}' --set space.patches=[]",
        r"such as (\[.*\])",
        set_as("space.patches"),
    ),
    row(
        "rows with patches",
        f"{NETS} --set data.name=wine --set 'space={{name: transformer}}'",
        r"take the space (mlp)",
        set_as("space.name"),
    ),
    row(
        "pictures too small for stages",
        f"{NETS} --set 'space={{name: mobile}}'",
        r"Set (space\.stages=\d) and (space\.resolutions=\[1\.0\])",
        set_,
    ),
    row(
        "a kernel without a middle",
        f"{NETS} --set 'space={{name: mobile}}' --set space.kernels=[2,4] --set space.stages=2 --set space.resolutions=[1.0]",
        r"example (\[.*\])",
        set_as("space.kernels"),
    ),
    row(
        "no data at all",
        f"{NETS} --set data.name=null",
        r"example (name: digits)",
        lambda words, found: [[*words, "--set", "data." + found[1].replace(": ", "=")]],
    ),
    row(
        "parts without training",
        f"{NETS} --set data.validation=0.5 --set data.test=0.5",
        r"example ([\d.]+) and ([\d.]+)",
        lambda words, found: [[*words, "--set", f"data.validation={found[1]}", "--set", f"data.test={found[2]}"]],
    ),
    row("a limit of one example", f"{NETS} --set data.limit=1", r"example \d+ or ([\d.]+)", set_as("data.limit")),
    row(
        "a seed among options",
        f"{NETS} --set data.options.seed=1",
        r"(data\.options) holds (seed).*the top-level (seed)",
        lambda words, found: [[*words[:-1], f"{found[3]}=1"]],
    ),
    row(
        "options of a set without",
        f"{NETS} --set data.options.clutter=1",
        r"leave out (data\.options) (clutter)",
        lambda words, found: [words[:-2]],
    ),
    row("an unknown task", f"{NETS} --set task=clasification", r"did you mean (\w+)\?", instead_of("clasification")),
    row(
        "label smoothing of 2",
        f"{NETS} --set task.label_smoothing=2",
        r"such as ([\d.]+)",
        set_as("task.label_smoothing"),
    ),
    row(
        "--simulate without value",
        f"{NETS} --simulate workers",
        r"such as (\S+)",
        lambda words, found: [[*words[:-1], found[1]]],
    ),
    row(
        "--simulate names a key twice",
        f"{NETS} --simulate workers=1,workers=2",
        r"written (workers=)A/B",
        lambda words, found: [[*words[:-1], f"{found[1]}1/2"]],
    ),
    row(
        "a training's time is not known",
        f"{OWN} --simulate workers=2",
        r"--simulate \.\.\.,(from=)RUN",
        lambda words, found: [[*words[:-1], f"workers=2,{found[1]}runs/own"]],
    ),
    row("a tracker that is none", "search own.yaml --track mlfow", r"give (tensorboard)", instead_of("mlfow")),
    row(
        "init beside a file",
        "init --data digits --out own.yaml",
        r"give another name with (--out)",
        lambda words, found: [[*words[:-2], found[1], "other.yaml"]],
    ),
    row("init says what comes next", "init --data digits --out found.yaml", r"next: (ranknosh plan \S+)", typed, 0),
    row(
        "init where nothing can be",
        "init --data digits --out no/such.yaml",
        r"another place with (--out)",
        lambda words, found: [[*words[:-2], found[1], "such.yaml"]],
    ),
    row("init of another workflow", "init --workflow compare", r"add (--schema)", added),
    row("a workflow that is none", "init --workflow compar --schema", r"did you mean (\w+)\?", instead_of("compar")),
    row(
        "doctor of a file",
        "doctor --out own.yaml",
        r"give another with (--out)",
        lambda words, found: [[*words[:-2], found[1], "runs"]],
    ),
    row("plan says what comes next", OWN, r"next\s+(ranknosh search .*)", typed, 0),
]


@pytest.mark.parametrize("remedy", TABLE)
def test_following_it_ends_the_trouble(home, cli, remedy):
    follow(cli, remedy)
