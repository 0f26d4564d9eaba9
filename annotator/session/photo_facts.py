"""What the photo list shows of photos, from what is on record."""

from __future__ import annotations

from typing import TYPE_CHECKING

from annotator.core.document import Status

if TYPE_CHECKING:
    from annotator.core.document import Document
    from annotator.core.image_list import ImageList
    from annotator.core.project import Project
    from annotator.core.store.store import Store


def show_project(photos: ImageList, project: Project) -> None:
    """Show what a project that was opened has of the photos that are listed; those that cannot be read stay so."""
    if project.known.names == photos.names:
        photos.set_known(project.known)
        return
    names, store = photos.by_name, project.store
    unreadable = {name: photos.error(i) for i, name in enumerate(photos.names) if photos.error(i)}
    photos.set_photos(
        names,
        [store.status(name) for name in names],
        [store.count(name) for name in names],
        unreadable,
        categories=[store.category_ids(name) for name in names],
        notes=[store.notes(name) for name in names],
    )


def show_document(photos: ImageList, document: Document) -> None:
    """Show what is on record for the photo of a document."""
    state = document.state
    photos.update(
        document.name,
        status=document.status,
        count=len(state.annotations),
        categories=state.category_ids,
        suggestions=len(document.suggestions) if document.has_pool else None,
        least_score=document.least_score if document.has_pool else None,
        notes=document.notes,
    )


def show_readable(photos: ImageList, store: Store | None, name: str | None) -> None:
    """Take back that a photo, if it is one, cannot be read: it was late, or has been repaired."""
    if name is not None and photos.status(photos.index(name)) is Status.UNREADABLE:
        photos.update(name, status=store.status(name) if store else Status.NEW, error="")


def show_stored(photos: ImageList, store: Store, name: str) -> None:
    """Show what is on record for a photo that has no document; one that cannot be read stays so."""
    i = photos.index(name)
    status = store.status(name)
    if photos.status(i) is Status.UNREADABLE:
        status = Status.UNREADABLE
    elif status is Status.NEW and photos.suggestions(i):
        status = Status.SUGGESTED
    photos.update(
        name, status=status, count=store.count(name), categories=store.category_ids(name), notes=store.notes(name)
    )
