"""File formats that annotations are imported from and exported to: one module each, which defines `FORMAT`.

A new format is one new file in this folder and nothing else: the window's menus and the command line list what is here.
"""
