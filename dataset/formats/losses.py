"""What many formats cannot hold, in one sentence each, with how many objects that is."""

from __future__ import annotations

from dataset.i18n import plural


def without_outline(n: int) -> str:
    """Objects of keypoints alone."""
    return plural(
        "{n:,} object without an outline would be left out.", "{n:,} objects without an outline would be left out.", n
    )


def crowds(n: int) -> str:
    """Outlines of several objects together."""
    return plural("{n:,} crowd would be left out.", "{n:,} crowds would be left out.", n)


def keypoints(n: int) -> str:
    """Objects whose keypoints have no place."""
    return plural(
        "The keypoints of {n:,} object would be left out.", "The keypoints of {n:,} objects would be left out.", n
    )


def extra_fields(n: int) -> str:
    """Objects with fields that have no place."""
    return plural(
        "{n:,} object has fields that would be left out.", "{n:,} objects have fields that would be left out.", n
    )
