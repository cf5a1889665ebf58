"""ranknosh/registry.py"""

import sys
from importlib.metadata import EntryPoint

import pytest

import ranknosh.registry
from ranknosh.errors import ConfigError
from ranknosh.registry import Registry, load, look_in, made, own_modules, own_modules_of

SHAPES = Registry("shapes", "shape", {"counter": "collections:Counter"})


@pytest.fixture
def own(tmp_path, monkeypatch):
    """A module of the user's own in the working directory."""
    (tmp_path / "own_shapes.py").write_text("class Mine:\n    class Inner:\n        pass\nthing = 3\n")
    (tmp_path / "broken_shapes.py").write_text("raise ValueError('no luck\\nat all')\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield tmp_path
    for name in ("own_shapes", "broken_shapes"):
        sys.modules.pop(name, None)


def test_a_built_in_is_found_by_name():
    assert SHAPES.load("counter").__name__ == "Counter"
    assert SHAPES.names == ("counter",)


def test_one_of_the_users_own_is_found_in_the_working_directory_and_by_path(own, monkeypatch):
    assert SHAPES.load("own_shapes:thing") == 3
    assert SHAPES.load("own_shapes:Mine.Inner").__qualname__ == "Mine.Inner"
    sys.modules.pop("own_shapes")
    monkeypatch.chdir("/")
    assert SHAPES.load(f"{own}/own_shapes.py:thing") == 3


def test_the_users_own_modules_are_known_for_workers_elsewhere(own):
    place = f"{own}/own_shapes.py"
    SHAPES.load(f"{place}:thing")
    SHAPES.load("counter")
    load("collections:Counter", "shape")
    assert list(own_modules()) == ["own_shapes"]
    assert own_modules() == {"own_shapes": own}
    assert own_modules_of({"shape": {"name": f"{place}:thing"}}) == {place: str(own)}
    assert own_modules_of({"shapes": ["counter", f"{place}:Mine"]}) == {place: str(own)}
    assert own_modules_of({"shape": "counter", place: 3}) == {}


def test_the_folder_looked_in_last_comes_first_and_before_the_working_directory(own, tmp_path, monkeypatch):
    for number in (1, 2):
        folder = tmp_path / f"place{number}"
        folder.mkdir()
        (folder / "own_shapes.py").write_text(f"thing = {number}0\n")
        (folder / f"only{number}.py").write_text(f"thing = {number}\n")
        look_in(folder)
    assert load("own_shapes:thing", "shape") == 20
    assert load("only1:thing", "shape") == 1
    assert own_modules() == {"own_shapes": tmp_path / "place2", "only1": tmp_path / "place1"}
    sys.modules.pop("own_shapes")
    look_in(tmp_path / "place1")
    assert load("own_shapes:thing", "shape") == 10
    assert load("only2.py:thing", "shape") == 2
    for name in ("only1", "only2"):
        sys.modules.pop(name)


def test_two_modules_of_one_name_are_not_taken_for_each_other(own, tmp_path):
    assert load("own_shapes:thing", "shape") == 3
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "own_shapes.py").write_text("thing = 4\n")
    look_in(tmp_path / "other")
    with pytest.raises(
        ConfigError, match=r"Python knows another module 'own_shapes' already .*other/own_shapes.py is meant"
    ):
        load("own_shapes:thing", "shape")


def test_what_is_gone_is_missed_with_the_places_looked_in(own, tmp_path):
    look_in(tmp_path / "gone")
    for place in ("no_such_module", "no_such.py"):
        with pytest.raises(ConfigError, match=f"looked in {tmp_path}/gone, {own}"):
            load(f"{place}:x", "shape")


def test_a_module_of_a_package_and_one_beside_a_script_are_the_users_own(own, tmp_path, monkeypatch):
    script = tmp_path / "script"
    (script / "parts").mkdir(parents=True)
    (script / "parts" / "own_round.py").write_text("thing = 7\n")
    monkeypatch.syspath_prepend(script)
    assert load("parts.own_round:thing", "shape") == 7
    assert own_modules() == {"parts.own_round": script}
    for name in ("parts.own_round", "parts"):
        sys.modules.pop(name)


def test_an_installed_package_offers_parts_but_takes_no_name_of_ours(monkeypatch):
    def offered(group):
        points = [("counter", "json:loads"), ("round", "json:dumps"), ("gone", "no_such_module:x")]
        return [EntryPoint(name, value, group) for name, value in points] if group == "ranknosh.shapes" else []

    monkeypatch.setattr(ranknosh.registry, "entry_points", offered)
    shapes = Registry("shapes", "shape", SHAPES.builtins)
    assert shapes.names == ("counter", "gone", "round")
    assert shapes.load("counter").__name__ == "Counter"
    assert shapes.load("round").__name__ == "dumps"
    with pytest.raises(ConfigError, match="the shape gone cannot be imported: ModuleNotFoundError"):
        shapes.load("gone")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("countre", "unknown shape 'countre'; known are counter; did you mean counter?.*MODULE:NAME"),
        ("no_such_module:x", "the shape no_such_module:x cannot be imported: ModuleNotFoundError"),
        ("broken_shapes:x", "the shape broken_shapes:x cannot be imported: ValueError: no luck$"),
        ("own_shapes:Mien", "the shape own_shapes:Mien cannot be loaded: unknown name 'Mien'"),
        (":Mine", "not of the form MODULE:NAME"),
        ("own_shapes:", "not of the form MODULE:NAME"),
    ],
)
def test_what_cannot_be_loaded_is_refused_in_one_sentence(own, name, message):
    with pytest.raises(ConfigError, match=message) as raised:
        SHAPES.load(name)
    assert "\n" not in str(raised.value)


def test_load_needs_no_registry(own):
    assert load("own_shapes:thing", "shape") == 3


def test_a_built_in_may_be_the_part_itself():
    assert Registry("shapes", "shape", {"three": 3}).load("three") == 3


def test_a_file_whose_name_python_knows_otherwise_is_refused(own):
    (own / "json.py").write_text("Mine = 1\n")
    with pytest.raises(ConfigError, match=r"Python knows another module 'json' already .*; rename the file"):
        load(f"{own}/json.py:Mine", "shape")


def test_a_module_that_ends_the_program_is_refused(own):
    (own / "broken_shapes.py").write_text("raise SystemExit(3)\n")
    with pytest.raises(ConfigError, match="cannot be imported: SystemExit: 3"):
        load("broken_shapes:x", "shape")


class Shape:
    def __init__(self, sides: int, colour: str = "red") -> None:
        if sides < 3:
            raise ValueError("a shape has three sides")
        self.sides = sides


def test_a_class_a_function_and_an_object_make_a_part():
    assert made(Shape, Shape, "a:b", "shape", {"sides": 3}).sides == 3
    assert made(lambda **options: Shape(len(options) + 3), Shape, "a:b", "shape", {"x": 1}).sides == 4
    ready = Shape(5)
    assert made(ready, Shape, "a:b", "shape", {}) is ready


@pytest.mark.parametrize(
    ("found", "options", "message"),
    [
        (Shape, {"sides": 2}, "the shape a:b cannot be made: ValueError: a shape has three sides"),
        (Shape, {}, "the shape a:b needs a value of sides"),
        (Shape, {"sides": 3, "color": 1}, "has no option color; it takes sides, colour; did you mean colour"),
        (Shape(3), {"sides": 3}, "is made already and takes no options"),
        (int, {}, "a:b is the class int, no shape; give a subclass of .*Shape"),
        (3, {}, "a:b is int, no shape"),
        (lambda: 3, {}, "a:b gave int, no shape"),
    ],
)
def test_what_is_no_part_is_refused(found, options, message):
    with pytest.raises(ConfigError, match=message):
        made(found, Shape, "a:b", "shape", options)
