"""The run over the whole folder."""

from __future__ import annotations

from annotator.suggestions.folder_run import FolderRun


def test_a_photo_that_is_late_comes_again_at_the_end_and_the_last_one_ends_it() -> None:
    run = FolderRun()
    run.start(["a", "b", "c"])
    run.put_back(run.take(), first=False)
    assert [run.take(), run.take()] == ["b", "c"]
    progress = run.report()
    assert progress
    assert (progress.done, progress.total) == (2, 3)
    assert run.is_running
    run.put_back("c", first=True)
    assert [run.take(), run.take()] == ["c", "a"]
    assert run.report() is None
    assert not run.is_running


def test_nothing_comes_back_into_a_run_that_has_ended() -> None:
    run = FolderRun()
    assert not run.stop()
    run.start(["a", "b"])
    taken = run.take()
    assert run.stop()
    run.put_back(taken, first=True)
    assert not run
    run.start([])
    assert not run.is_running
