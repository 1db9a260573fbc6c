##############################################################
# MODULE : test_core
# AUTHOR : E. Brandt
# DATE   : 2013-05-02
# PURPOSE: the core does what it did
##############################################################
import unittest

from aim.aim_bridge import choose, sample, why
from gui.gui_table import table
from gui.gui_text import boxed, clip
from infra.infra_ci import Check, verdict
from infra.infra_paths import is_inside, log_path, state_path
from meta.meta_info import banner, file_name
from meta.meta_plan import Plan
from pm.pm_board import Board
from pm.pm_epic import Epic
from spec.spec_reader import outside, read_blocks
from spec.spec_writer import same, signed


class Core(unittest.TestCase):

    def test_meta(self):
        self.assertEqual(banner(), "foreman 3.7")
        self.assertEqual(file_name("The  Plan!", "txt"), "foreman-the-plan.txt")
        plan = Plan()
        plan.add("b", ["a"])
        plan.add("a")
        self.assertEqual(plan.waves(), [["a"], ["b"]])

    def test_gui(self):
        self.assertEqual(clip("abcdef", 4), "abc~")
        self.assertEqual(boxed("x"), "+---+\n| x |\n+---+")
        self.assertEqual(table(["n"], [[1]]), "n\n-\n1\n1 row")

    def test_infra(self):
        self.assertEqual(state_path("A B", "C").split("/")[-2:], ["a-b", "c.state"])
        self.assertTrue(log_path("Pm").endswith("pm.log"))
        self.assertFalse(is_inside("var/../etc", "var"))
        self.assertEqual(verdict([Check("one", lambda: True)]), "all good: 1 check")

    def test_aim(self):
        registry, many = sample()
        self.assertEqual(many, "2 tools")
        self.assertEqual(choose(registry, "write", busy=["pencil"]), "red-pen")
        self.assertIn("busy", why(registry, "write", busy=["pencil"]))

    def test_pm(self):
        epic = Epic("A house")
        epic.add("Walls", 8)
        epic.add("Roof", 5, ["Walls"])
        self.assertEqual(epic.longest(), 13)
        self.assertEqual(epic.headline(), "foreman 3.7: A house, 13 h")
        board = Board(epic.plan)
        board.move("walls", "run")
        self.assertEqual(board.column("run"), ["walls"])
        self.assertEqual(len(board.show().split("\n")), 3)

    def test_spec(self):
        text = "Name: a\nPath: var/x\n\nName: b\nPath: etc/x\n"
        self.assertEqual(outside(read_blocks(text), "var"), ["etc/x"])
        self.assertTrue(same(text))
        self.assertTrue(signed(text).endswith("by: foreman\n"))


if __name__ == "__main__":
    unittest.main()
