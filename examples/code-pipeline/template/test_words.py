import unittest

import words


class Count(unittest.TestCase):
    def test_counts(self):
        self.assertEqual(words.count("Don't count, please: don't!"), 4)

    def test_nothing(self):
        self.assertEqual(words.count(""), 0)


@unittest.skipUnless(hasattr(words, "top"), "there is no words.top yet")
class Top(unittest.TestCase):
    def test_most_frequent_first(self):
        self.assertEqual(words.top("b a b c b a", 2), [("b", 3), ("a", 2)])

    def test_ties_in_alphabetical_order(self):
        self.assertEqual(words.top("pear fig apple fig pear apple", 3), [("apple", 2), ("fig", 2), ("pear", 2)])

    def test_none_is_nothing(self):
        self.assertEqual(words.top("a b", 0), [])
