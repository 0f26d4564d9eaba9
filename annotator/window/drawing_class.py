"""The class that is drawn with, and how the selection gets another one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataset.i18n import tr

if TYPE_CHECKING:
    from annotator.canvas.view import CanvasView
    from annotator.panels.banner import Banner
    from annotator.panels.classes import ClassesPanel
    from annotator.session.session import Session
    from annotator.suggestions.model_selection import ModelSelector
    from annotator.window.commands.selection_commands import SelectionCommands

CLASS = "class"  # the topic of messages about classes


class DrawingClass:
    """Keeps the canvas and the class list in step: a click draws with a class, its number or Enter also applies it."""

    def __init__(
        self,
        session: Session,
        canvas: CanvasView,
        panel: ClassesPanel,
        commands: SelectionCommands,
        *,
        banner: Banner,
        choice: ModelSelector,
    ) -> None:
        self._session, self._canvas, self._panel = session, canvas, panel
        self._commands, self._banner, self._choice = commands, banner, choice
        self._name = ""  # of the class drawn with last, which another folder may have under another id
        session.categories.changed.connect(self._follow_classes)
        panel.chosen.connect(self.draw_with)
        panel.applied.connect(self.apply)
        canvas.category_needed.connect(self._need_one)

    def draw_with(self, category_id: int) -> None:
        """Draw with this class from now on."""
        self._name = self._session.categories[category_id].name
        self._canvas.draw_category = category_id
        self._panel.set_current(category_id)
        self._banner.retract(CLASS)

    def apply(self, category_id: int) -> None:
        """Draw with this class, and give it to what is selected, unless a drawing tool is in hand."""
        self.draw_with(category_id)
        if self._canvas.draws():
            return
        document = self._session.document
        had_keypoints = bool(document and any(r.keypoints and r.category_id != category_id for r in document.selected))
        self._commands.choose_class(category_id)
        if had_keypoints:
            text = tr("Keypoints belong to a class: they went with the old one. Undo brings them back.")
            self._banner.show_message(text, "info", topic=CLASS)

    def apply_number(self, number: int) -> None:
        """Apply the class that the number, 1 to 9, chooses, if there is one."""
        category_id = self._panel.numbers().get(number)
        if category_id is not None:
            self.apply(category_id)

    def take_tool(self, name: str) -> None:
        """Take a tool in hand; without a class to draw with, it draws what is selected, or the first class."""
        needs_one = self._canvas.draws(name) and not self._canvas.finds_class(name)
        if needs_one and self._canvas.draw_category is None:
            self._draw_with_some()
        self._canvas.set_tool(name)

    def _draw_with_some(self) -> None:
        """Draw with the class of what is selected, else with the first, if there is one."""
        document, categories = self._session.document, self._session.categories
        selected = [r.category_id for r in document.selected if r.category_id in categories] if document else []
        if len(categories):
            self.draw_with(selected[-1] if selected else next(iter(categories)).id)

    def _follow_classes(self) -> None:
        """Draw with a class that there is: an id of the folder before may be another class's here."""
        categories, drawn = self._session.categories, self._canvas.draw_category
        if drawn is not None and drawn in categories:
            self._name = categories[drawn].name  # it may have been renamed
            return
        same = categories.find(self._name)
        if same:
            self.draw_with(same.id)
        elif drawn is not None:
            self._canvas.draw_category = None
            self._panel.set_current(None)
        elif len(categories) and self._canvas.draws() and not self._canvas.finds_class(self._canvas.tool):
            self._draw_with_some()  # such as the model's first, for a tool that was taken in hand before they came
            self._panel.stop_asking()

    def _need_one(self) -> None:
        if self._choice.is_loading:
            text = tr("There are no classes yet: add one, or wait for the model, which brings its own.")
        else:
            text = tr("Add a class first: what is drawn has to be something.")
        self._banner.show_message(text, "info", topic=CLASS)
        self._panel.start_adding()
