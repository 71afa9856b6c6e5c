"""What only a cycle holds is destroyed by the thread of the window, and never while another thread works."""

from __future__ import annotations

import gc
import threading
import weakref

from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from ui.app import make_application
from ui.collector import Collector


class Ring(QWidget):
    """A widget that holds itself, as one does whose button is connected to a lambda."""

    def __init__(self) -> None:
        super().__init__()
        self.me = self


def test_a_forgotten_widget_is_destroyed_in_the_thread_of_the_window(qtbot: QtBot, qapp: QApplication) -> None:
    make_application(["tests"])
    destroyed: list[int] = []
    weakref.finalize(Ring(), lambda: destroyed.append(threading.get_ident()))

    def work() -> None:
        # Enough new objects for several collections of all generations.
        kept = [[{}] for _ in range(300_000)]
        assert kept

    worker = threading.Thread(target=work)
    worker.start()
    worker.join()
    assert destroyed == [], "another thread destroyed a widget"
    qtbot.waitUntil(lambda: bool(destroyed), timeout=20_000)
    assert destroyed == [threading.get_ident()]


def test_an_application_has_one_collector(qapp: QApplication) -> None:
    make_application(["tests"])
    assert len(qapp.findChildren(Collector)) == 1
    assert not gc.isenabled()
