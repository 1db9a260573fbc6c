##############################################################
# MODULE : test_errors
# AUTHOR : E. Brandt
# DATE   : 2013-05-03
# PURPOSE: the checkers find what they found
##############################################################
import unittest

from errors.err_base import Broken
from errors.err_engine import look, report
from errors.plugins import plug_json, plug_shell, plug_table, plug_text


def texts(checker, text):
	found, state = look([checker], "f", text)
	return [problem.text for problem in found]


class Errors(unittest.TestCase):

	def test_json(self):
		self.assertEqual(texts(plug_json, "{[}"), ["a bracket closes what was not open"] + ["a bracket is never closed"])
		self.assertEqual(texts(plug_json, "[1,]"), ["a comma before the closing bracket"])

	def test_shell(self):
		self.assertEqual(texts(plug_shell, "echo `date`"), ["no interpreter line", "back-ticks do not nest"])

	def test_table(self):
		self.assertEqual(texts(plug_table, "a\tb\nc\n"), ["not as many cells as the first row"])

	def test_text(self):
		self.assertEqual(texts(plug_text, "a \n"), ["blanks at the end of a line"])
		self.assertEqual(texts(plug_text, "a\tb"), ["a tab"])
		self.assertEqual(texts(plug_text, ""), ["the file is empty"])

	def test_engine(self):
		with self.assertRaises(Broken) as caught:
			look([], "f", "x")
		self.assertEqual(caught.exception.code, "E1902")
		found, state = look([plug_text, plug_table], "f", "a\tb")
		self.assertEqual(report(found).count("f:1:"), 1)
		self.assertEqual(state.total(), 1)


if __name__ == "__main__":
	unittest.main()
