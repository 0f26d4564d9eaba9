"""Graphs of a network, made with torch, for an engine that runs without it."""
