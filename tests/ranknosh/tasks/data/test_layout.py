"""What folders mean, by structure: parts under names of any kind, classes, and what is refused."""

import pytest

from ranknosh.errors import DataError
from ranknosh.tasks.data.layout import find_parts


def listed(*folders: str, names: tuple[str, ...] = ("0.png", "1.png")) -> list[tuple[str, ...]]:
    return [(*folder.split("/"), name) for folder in folders for name in names]


def parts(files: list[tuple[str, ...]], **given: str) -> dict[str, list[str]]:
    found, _ = find_parts(files, [], given, "set")
    return {part: sorted({label for label, _ in pictures}) for part, pictures in found.items()}


@pytest.mark.parametrize(
    ("train", "test"),
    [
        ("train", "test"),
        ("training_set", "test_set"),
        ("trainset", "testset"),
        ("Train", "TESTING"),
        ("my-train", "for_test"),
    ],
)
def test_parts_are_told_by_structure_under_many_names(train: str, test: str) -> None:
    files = listed(f"{train}/cat", f"{train}/dog", f"{test}/cat", f"{test}/dog")
    assert parts(files) == {"train": ["cat", "dog"], "test": ["cat", "dog"]}


def test_three_parts_one_of_which_lacks_a_class() -> None:
    files = listed("trainset/cat", "trainset/dog", "valset/cat", "testset/dog")
    assert parts(files) == {"train": ["cat", "dog"], "validation": ["cat"], "test": ["dog"]}


@pytest.mark.parametrize("tops", [("train_test", "validation"), ("fold1", "fold2"), ("a", "b", "c")])
def test_parts_whose_names_do_not_tell_are_refused_with_the_way_out(tops: tuple[str, ...]) -> None:
    files = listed(*(f"{top}/{label}" for top in tops for label in ("cat", "dog")))
    with pytest.raises(
        DataError, match=r"hold folders of the same names \(cat, dog\), so that they are parts.*data\.parts: \{train"
    ):
        parts(files)
    if len(tops) == 2:
        assert parts(files, train=tops[1], validation=tops[0]) == {
            "train": ["cat", "dog"],
            "validation": ["cat", "dog"],
        }


def test_classes_with_folders_of_their_own_stay_classes() -> None:
    assert parts(listed("cat/indoor", "dog/outdoor")) == {"train": ["cat", "dog"]}
    assert parts(listed("cat/1", "cat/2", "dog/1")) == {"train": ["cat", "dog"]}
    assert parts(listed("train", "test")) == {"train": ["test", "train"]}  # classes of locomotives and tests, say


def test_given_parts_have_to_be_there() -> None:
    with pytest.raises(DataError, match=r"data\.parts names fold9, and there are fold1, fold2"):
        parts(listed("fold1/cat", "fold2/cat"), train="fold9")


def test_what_was_passed_over_is_counted() -> None:
    files = listed("cat", "dog") + listed("cat", names=("a.heic", "b.heic", "notes.txt")) + [("dog", "x")]
    _, notes = find_parts(files, [], {}, "set")
    assert notes == (
        "4 files that are no pictures by their ending were passed over: 2 x .heic, 1 x .txt, 1 x no ending",
    )
    files = [("mine", *path) for path in listed("train/cat", "train/dog", "val/cat")]
    others = [("mine", "train", "cat", "a.heic"), ("mine", "val", "notes.txt"), ("mine", "README.md"), ("licence",)]
    assert find_parts(files + others, [], {}, "set")[1] == (
        "4 files that are no pictures by their ending were passed over: 1 x .heic, 1 x .txt, 1 x .md, 1 x no ending (1 in train, "
        "1 in validation, 2 in no part)",
    )
    assert find_parts(listed("cat", "dog", names=("a.jfif", "b.jpe")), [], {}, "set")[1] == ()
