"""The application: a window, or a command without one."""
