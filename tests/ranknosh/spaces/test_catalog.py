"""ranknosh/spaces/catalog.py"""

from dataclasses import dataclass

import pytest

from ranknosh.errors import ConfigError, SpaceError
from ranknosh.spaces.base import Space
from ranknosh.spaces.catalog import get_space, section_of
from ranknosh.spaces.choices import Choice
from ranknosh.spaces.module import ModuleSpace
from tests.module_nets import Deep


@dataclass(frozen=True)
class Sized(Space):
    width: int = 4
    name = "sized"
    choices = (Choice("a", (1, 2)),)

    def __post_init__(self):
        if self.width < 1:
            raise SpaceError(f"width is {self.width}; it must be 1 or more")


WIDE = Sized(16)


def given(width: int = 3) -> Space:
    return Sized(width)


def raises() -> Space:
    raise KeyError("lost")


def no_space() -> str:
    return "a text"


HERE = f"{__name__}:"


def test_known_space():
    assert get_space("nasbench201").name == "nasbench201"
    assert get_space("nasbench201") == get_space("nasbench201")


@pytest.mark.parametrize("name", ["nasbench-201", "NasBench201", "", "dart"])
def test_unknown_space_names_the_known_ones(name):
    with pytest.raises(ConfigError, match="known are nasbench201"):
        get_space(name)


@pytest.mark.parametrize(("name", "width"), [("Sized", 4), ("WIDE", 16), ("given", 3)])
def test_a_space_of_ones_own_is_a_class_an_object_or_a_function(name, width):
    assert get_space(HERE + name) == Sized(width)
    assert get_space(HERE + name, width=9) == Sized(9)


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("Sized", {"nmae": 3}, "has no setting 'nmae'; it takes width; did you mean name"),
        ("Sized", {"widht": 3}, "has no setting 'widht'; it takes width; did you mean width"),
        ("Sized", {"width": 0}, "width is 0; it must be 1 or more"),
        ("HERE", {}, "is str, no space"),
        ("no_space", {}, "gave str, no space"),
        ("raises", {}, "cannot be made: KeyError: 'lost'"),
        ("Szied", {}, "did you mean sized|unknown name 'Szied'"),
    ],
)
def test_what_is_no_space_is_refused(name, settings, message):
    with pytest.raises(ConfigError, match=message):
        get_space(HERE + name, **settings)


def test_what_is_given_in_python_is_loaded_again_by_its_name():
    for given_space in (get_space("nasbench201", channels=4), Sized(7), ModuleSpace(Deep, groups=2)):
        section = section_of(given_space)
        assert get_space(**section) == given_space
    assert section_of(get_space("nasbench201", channels=4))["name"] == "nasbench201"
    assert section_of(Deep) == {"name": "tests.module_nets:Deep"}
    assert section_of("nasbench201") == "nasbench201"
    assert section_of({"name": "a:b", "c": 1}) == {"name": "a:b", "c": 1}


def test_what_has_no_name_cannot_be_named():
    class Inside(Deep):
        pass

    for nameless in (Inside, lambda signature: None, 3):
        with pytest.raises(SpaceError, match=r"has no name that it can be loaded by again.*at the top of a module"):
            section_of(nameless)


def test_a_space_of_another_script_is_named_as_such():
    with pytest.raises(SpaceError, match=r"Net was defined in a script or a notebook.*open_run"):
        get_space("__main__:Net")


WIDER = ModuleSpace(Deep, groups=2)


def test_a_module_space_by_name_takes_settings():
    assert get_space(HERE + "WIDER") == ModuleSpace(Deep, groups=2)
    assert get_space(HERE + "WIDER", groups=1) == ModuleSpace(Deep, groups=1)
