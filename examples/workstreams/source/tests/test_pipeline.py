##############################################################
# MODULE : test_pipeline
# AUTHOR : S. Iyer
# DATE   : 2013-05-06
# PURPOSE: the pipeline still gets there
##############################################################
import unittest

from errors.err_base import Broken
from pipeline.pipe_adapter import Adapter
from pipeline.pipe_breaker import Breaker
from pipeline.pipe_main import main
from pipeline.pipe_patch import apply, undo
from pipeline.pipe_prompt import fill
from pipeline.pipe_queue import Queue


class Pipeline(unittest.TestCase):

    def test_prompt(self):
        self.assertEqual(fill("do {{id}}", {"id": "roof"}), "do roof")
        with self.assertRaises(Broken):
            fill("do {{id}}", {})

    def test_patch(self):
        patch = {"file": "f", "line": 2, "old": "b", "new": "x"}
        self.assertEqual(apply(["a", "b"], patch), ["a", "x"])
        self.assertEqual(undo(apply(["a", "b"], patch), patch), ["a", "b"])

    def test_breaker(self):
        queue = Queue()
        for name in "abcd":
            queue.put(name)
        breaker = Breaker(Adapter(queue, lambda rec: False))
        for name in "abc":
            self.assertEqual(breaker.step()["id"], name)
        with self.assertRaises(Broken) as caught:
            breaker.step()
        self.assertEqual(caught.exception.code, "E2301")

    def test_main(self):
        shown = main().split("\n")
        self.assertEqual(shown[0], "foreman 3.7")
        self.assertEqual(shown[-1], "True")


if __name__ == "__main__":
    unittest.main()
