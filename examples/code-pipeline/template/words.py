"""Counting words."""

import re


def words(text):
    """The words of a text, in lower case."""
    return re.findall(r"[a-z']+", text.lower())


def count(text):
    """How many words a text has."""
    return len(words(text))
