"""What is copied into every ``model.py``: files are read as those of the training were, and answers are right by hand."""

import io

import pytest
import torch

from ranknosh.export.parts import classes, labels, maps, next_tokens, numbers, pictures, rows, tokens
from ranknosh.tasks.data.decode import Decoder

Image = pytest.importorskip("PIL.Image")
MODES = ("1", "L", "P", "RGB", "RGBA", "CMYK", "YCbCr", "LA", "I;16")


def drawn(mode, size=(13, 9)):
    """A picture of a mode whose pixels all differ."""
    generator = torch.Generator().manual_seed(len(mode))
    if mode == "I;16":
        values = torch.randint(0, 65536, (size[1], size[0]), generator=generator, dtype=torch.int32)
        return Image.fromarray(values.numpy().astype("uint16"))
    values = torch.randint(0, 256, (size[1], size[0], 3), generator=generator, dtype=torch.uint8)
    image = Image.fromarray(values.numpy())
    if mode in ("RGBA", "LA"):
        image.putalpha(Image.fromarray(values[..., 0].numpy()))
    return image.convert(mode)


@pytest.fixture
def takes(monkeypatch):
    def change(channels, height, width, resize):
        monkeypatch.setattr(pictures, "INPUTS", (channels, height, width))
        monkeypatch.setattr(pictures, "RESIZE", resize)

    return change


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("resize", [None, 6])
def test_pictures_are_read_as_in_training(mode, resize, takes, tmp_path):
    path = tmp_path / f"picture.{'tif' if mode in ('CMYK', 'YCbCr') else 'png'}"
    drawn(mode).save(path)
    wanted = Decoder("here", resize).one("picture", path.read_bytes)
    takes(*wanted.shape, resize)
    found = pictures.read(str(path))
    assert found.dtype == torch.uint8
    assert torch.equal(found[0], wanted)


@pytest.mark.parametrize("resize", [None, 6])
def test_16_bits_of_a_pgm_file_keep_their_upper_half_as_in_training(resize, takes, tmp_path):
    deep = drawn("I;16")
    deep.save(tmp_path / "picture.pgm")
    wanted = Decoder("here", resize).one("picture", (tmp_path / "picture.pgm").read_bytes)
    takes(*wanted.shape, resize)
    assert torch.equal(pictures.read(str(tmp_path / "picture.pgm"))[0], wanted)
    if resize is None:
        assert wanted.flatten().tolist() == list(deep.tobytes()[1::2])


def test_large_photographs_and_rotation_marks_are_read_as_in_training(takes, tmp_path):
    image = drawn("RGB", (160, 120)).resize((640, 480))
    exif = image.getexif()
    exif[0x0112] = 6
    image.save(tmp_path / "photo.jpg", exif=exif)
    wanted = Decoder("here", 16).one("photo", (tmp_path / "photo.jpg").read_bytes)
    takes(3, 16, 16, 16)
    assert torch.equal(pictures.read(str(tmp_path / "photo.jpg"))[0], wanted)


def test_another_size_is_cut_to_that_of_the_inputs_and_colours_are_made_fit(takes, tmp_path):
    drawn("RGB", (40, 20)).save(tmp_path / "wide.png")
    drawn("L", (5, 7)).save(tmp_path / "grey.png")
    takes(1, 10, 8, None)
    assert pictures.read(str(tmp_path / "wide.png")).shape == (1, 1, 10, 8)
    takes(3, 7, 5, None)
    found = pictures.read(str(tmp_path / "grey.png"))
    assert torch.equal(found[0, 0], found[0, 2])


def test_32_bit_pixels_are_refused(takes, tmp_path):
    buffer = io.BytesIO()
    Image.new("I", (4, 4)).save(buffer, "TIFF")
    (tmp_path / "deep.tif").write_bytes(buffer.getvalue())
    takes(1, 4, 4, None)
    with pytest.raises(ValueError, match="pixels are 32-bit"):
        pictures.read(str(tmp_path / "deep.tif"))


def test_rows_and_tokens(monkeypatch, tmp_path):
    monkeypatch.setattr(rows, "INPUTS", (2,))
    (tmp_path / "rows.csv").write_text("a,b\n1,2.5\n\n-3,1e2\n")
    assert rows.read(str(tmp_path / "rows.csv")).tolist() == [[1.0, 2.5], [-3.0, 100.0]]
    (tmp_path / "wide.csv").write_text("1,2\n1,2,3\n")
    with pytest.raises(ValueError, match="row 2 has 3 columns, and the model takes 2"):
        rows.read(str(tmp_path / "wide.csv"))
    for text in ("nan,1", "1,1e39"):
        (tmp_path / "odd.csv").write_text(f"1,2\n{text}\n")
        with pytest.raises(ValueError, match="row 2 holds a NaN or a number that is infinite in float32"):
            rows.read(str(tmp_path / "odd.csv"))
    (tmp_path / "marked.csv").write_text("1,2\n3,4\n", encoding="utf-8-sig")
    assert rows.read(str(tmp_path / "marked.csv")).tolist() == [[1.0, 2.0], [3.0, 4.0]]
    monkeypatch.setattr(tokens, "INPUTS", (3,))
    monkeypatch.setattr(tokens, "VOCABULARY", 7)
    (tmp_path / "tokens.csv").write_text("1,2,3\n0,0,6\n")
    assert tokens.read(str(tmp_path / "tokens.csv")).tolist() == [[1, 2, 3], [0, 0, 6]]
    with pytest.raises(ValueError, match="row 1 has 2 tokens, and the model takes 3"):
        tokens.read(str(tmp_path / "wide.csv"))
    for token in (7, -1):
        (tmp_path / "tokens.csv").write_text(f"1,2,{token}\n")
        with pytest.raises(ValueError, match=rf"row 1 holds the token {token}, and the model knows 0\.\.6"):
            tokens.read(str(tmp_path / "tokens.csv"))


def test_answers_by_hand(monkeypatch, tmp_path):
    for part in (classes, labels, maps):
        monkeypatch.setattr(part, "CLASSES", ("ash", "birch", "cedar"))
    logits = torch.tensor([[0.0, 2.0, 1.0]])
    (found,) = classes.answer(logits, 2)
    assert [each["class"] for each in found["classes"]] == ["birch", "cedar"]
    assert found["classes"][0]["probability"] == pytest.approx(0.6652, abs=1e-4)
    assert classes.tell(logits, "x")[0].startswith("x: birch 66.5 %, cedar 24.5 %")
    (found,) = labels.answer(torch.tensor([[-1.0, 3.0, 0.0]]))
    assert [(each["label"], each["holds"]) for each in found["labels"]] == [
        ("birch", True),
        ("cedar", True),
        ("ash", False),
    ]
    assert numbers.answer(torch.tensor([[1.5], [2.0]])) == [{"value": 1.5}, {"value": 2.0}]
    (found,) = next_tokens.answer(torch.tensor([[[0.0, 1.0], [3.0, 0.0]]]))
    assert found["tokens"] == [1, 0]
    assert found["last"][0]["token"] == 0
    places = torch.zeros(1, 3, 2, 2)
    places[0, 1, 0, 0] = places[0, 2, :, 1] = 1
    (found,) = maps.answer(places)
    assert found["shares"] == {"cedar": 0.5, "ash": 0.25, "birch": 0.25}
    maps.save_mask(places[0], tmp_path / "mask.png")
    assert list(Image.open(tmp_path / "mask.png").tobytes()) == [1, 2, 0, 2]
