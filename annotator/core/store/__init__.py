"""Persistence of a project: its COCO file, its journal, its recovery after a crash."""
