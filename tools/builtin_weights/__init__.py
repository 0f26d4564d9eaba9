"""How the builtin weights were made."""
