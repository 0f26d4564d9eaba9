"""The main window: actions, menus, dialogs and what joins the panels to the canvas."""
