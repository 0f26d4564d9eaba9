"""Tags and note of a photo on disk: in its entry of the COCO file, and nothing else of that is touched."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pycocotools.coco import COCO

from annotator.core.photo_state import Mark, PhotoNotes, PhotoState
from annotator.core.store.packing import pack, pack_photo, unpack_photo
from annotator.core.store.store import Store
from tests.annotator.core.conftest import Opener, box
from tests.strategies import SIZE, annotations

NOTES = PhotoNotes(("night", "fog"), "Ask.")


@given(annotations(), st.none() | st.builds(PhotoNotes, st.lists(st.text()).map(tuple), st.text()))
def test_packed_photos_lose_nothing(record: object, notes: PhotoNotes | None) -> None:
    assert unpack_photo(pack_photo([record], notes)) == ((record,), notes)  # type: ignore[list-item]
    assert unpack_photo(pack([record])) == ((record,), None)  # type: ignore[list-item]


@pytest.mark.parametrize("data", [b"\x82", b"\x82\xa1a\x01\xa1b\x02", b""])
def test_damage_is_noticed(data: bytes) -> None:
    with pytest.raises(ValueError, match="damaged"):
        unpack_photo(data)


def test_notes_come_back_before_and_after_saving(open_store: Opener, photos: Path) -> None:
    store = open_store()
    store.put("a.jpg", PhotoState(SIZE, notes=NOTES))
    store._saver._write_journal()
    row = store._project.journal.rows(store._project.key)["a.jpg"]
    assert row.state().notes == NOTES
    store.close()
    image = json.loads((photos / "annotations.json").read_text())["images"][0]
    assert (image["tags"], image["note"]) == (["night", "fog"], "Ask.")
    COCO(str(photos / "annotations.json"))
    again = open_store()
    assert (again.notes("a.jpg"), again.load("a.jpg").notes) == (NOTES, NOTES)


def _write(photos: Path, entry: str) -> Path:
    file = photos / "annotations.json"
    file.write_text('{"images": [\n' + entry + '\n], "annotations": [], "categories": []}')
    return file


def test_fields_that_are_not_ours_stay_byte_for_byte(open_store: Opener, photos: Path) -> None:
    rest = '"id": 3, "file_name": "a.jpg", "width": 10, "height": 10, "odd": [1.50,  {"x": 1e2}]'
    file = _write(photos, "{" + rest + ', "tags": ["old"], "note": "n"}')
    store = open_store()
    before = store.load("a.jpg")
    assert before.notes == PhotoNotes(("old",), "n")
    store.put("a.jpg", replace(before, size=(10, 10), mark=Mark.DONE))
    store.save().result()
    assert ("{" + rest + ', "tags": ["old"], "note": "n"}') in file.read_text()
    store.put("a.jpg", replace(before, size=(10, 10), notes=PhotoNotes(("old",))))
    store.save().result()
    text = file.read_text()
    assert '"odd":[1.50,  {"x": 1e2}]' in text
    assert '"tags":["old"]' in text
    assert "note" not in text
    store.put("a.jpg", replace(before, size=(10, 10)))
    store.save().result()
    assert ("{" + rest + ', "tags": ["old"], "note": "n"}') in file.read_text(), "taken back: the very bytes"


def test_tags_of_another_form_are_kept_while_only_a_note_is_written(open_store: Opener, photos: Path) -> None:
    file = _write(photos, '{"id": 3, "file_name": "a.jpg", "width": 10, "height": 10, "tags": {"a":  1}}')
    store = open_store()
    before = store.load("a.jpg")
    assert before.notes is None
    store.put("a.jpg", replace(before, size=(10, 10), notes=PhotoNotes((), "n")))
    store.save().result()
    assert '"tags":{"a":  1},"note":"n"' in file.read_text()


@pytest.mark.parametrize("notes", [None, PhotoNotes(("new",))], ids=["a version without notes", "new ones"])
def test_what_a_crash_leaves(open_store: Opener, photos: Path, tmp_path: Path, notes: PhotoNotes | None) -> None:
    _write(photos, '{"id": 3, "file_name": "a.jpg", "width": 10, "height": 10, "tags": ["old"]}')
    store = open_store()
    store.categories.add("person")
    store.put("a.jpg", PhotoState((10, 10), (box(store),), notes=notes))
    store._saver._write_journal()
    left = tmp_path / "left"
    shutil.copytree(photos, left)  # as a killed process would leave it
    recovered = Store.open(left, fallback=tmp_path / "fallback")
    state = recovered.load("a.jpg")
    assert (len(state.annotations), state.notes) == (1, notes or PhotoNotes(("old",)))
    recovered.close()
