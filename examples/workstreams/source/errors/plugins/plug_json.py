##############################################################
# MODULE : plug_json
# AUTHOR : C. Moreau
# DATE   : 2006-07-03
# PURPOSE: brackets and commas in JSON-like text
##############################################################
from errors.err_base import Problem
from errors.err_util import numbered, nothing

PAIRS = {")": "(", "]": "[", "}": "{"}


def check(name, text):
	if not text.strip():
		return [nothing(name)]
	found = []
	open_ones = []
	for number, line in numbered(text):
		for mark in line:
			if mark in PAIRS.values():
				open_ones.append((mark, number))
			elif mark in PAIRS:
				if not open_ones or open_ones[-1][0] != PAIRS[mark]:
					found.append(Problem("E1101", (name, number), "a bracket closes what was not open"))
				else:
					open_ones.pop()
		if line.replace(" ", "").endswith((",}", ",]")):
			found.append(Problem("E1102", (name, number), "a comma before the closing bracket"))
	for mark, number in open_ones:
		found.append(Problem("E1103", (name, number), "a bracket is never closed"))
	return found
