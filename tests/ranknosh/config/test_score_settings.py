"""The settings of a table of scores."""

import pytest

from ranknosh.config.fields import PROXIES
from ranknosh.config.score import ScoreSettings
from ranknosh.errors import ConfigError

PLAIN = [name for name in PROXIES.builtins if name != "swap_reg"]
SWAP = {"swap_reg": {"mu": 3, "sigma": 4}}


def test_all_proxies_are_those_that_need_no_option_or_have_theirs():
    assert list(ScoreSettings().proxies) == PLAIN
    assert list(ScoreSettings.from_dict({"proxies": "all"}).proxies) == PLAIN
    found = ScoreSettings.from_dict({"proxies": ["zen", "all", "params"], "options": SWAP}).proxies
    assert found == ("zen", *(name for name in PROXIES.builtins if name != "zen"))


def test_they_are_written_and_read_again():
    settings = ScoreSettings.from_dict({"architectures": "A", "count": 3, "options": SWAP, "proxies": ["swap_reg"]})
    assert settings.architectures == ("A",)
    assert ScoreSettings.from_dict(settings.to_dict()) == settings


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ({"proxies": []}, "proxies is empty; give all"),
        ({"proxies": ["synflw"]}, "did you mean synflow?"),
        ({"count": 0}, "nothing is to be scored"),
        ({"architectures": 3}, "must be a list of texts of architectures"),
        ({"options": SWAP}, "add it to proxies"),
        ({"options": {"swap_rag": {}}}, "did you mean swap_reg?"),
        ({"csv": "scores.txt"}, "such as scores.csv"),
        ({"device": "gpu"}, "such as auto, cpu, cuda"),
    ],
)
def test_what_breaks_a_rule_is_named(data, text):
    with pytest.raises(ConfigError) as caught:
        ScoreSettings.from_dict(data)
    assert text in str(caught.value)


@pytest.mark.parametrize(
    ("change", "allowed"),
    [
        ("count=9", True),
        ("count=1", False),
        ("all=true", True),
        ("architectures=[A, B]", True),
        ("architectures=[B]", False),
        ("proxies=[params, swap_reg, zen]", True),
        ("proxies=[swap_reg, zen]", False),
        ("options.swap_reg.mu=9", False),
        ("options.params.x=1", False),
        ("executor.name=ray", True),
        ("table=t.npz", True),
        ("csv=a.csv", True),
        ("data.root=elsewhere", True),
        ("batch=9", False),
        ("space.cells=1", False),
        ("draw=codes", False),
        ("device=cuda", False),
    ],
)
def test_more_may_be_asked_for_and_what_scores_depend_on_stays(change, allowed):
    plain = {"architectures": ["A"], "count": 3, "proxies": ["params", "swap_reg"], "options": SWAP}
    settings = ScoreSettings.from_dict(plain)
    later = settings.replace([change])
    if allowed:
        settings.check_resume(later)
    else:
        with pytest.raises(ConfigError, match="on resume"):
            settings.check_resume(later)


def test_options_come_with_their_proxy():
    settings = ScoreSettings.from_dict({"proxies": ["params"]})
    settings.check_resume(settings.replace(["proxies=[params, swap_reg]", "options.swap_reg={mu: 3, sigma: 4}"]))
