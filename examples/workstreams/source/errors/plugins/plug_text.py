##############################################################
# MODULE : plug_text
# AUTHOR : A. Haddad
# DATE   : 2007-01-30
# PURPOSE: plain text: blanks, tabs and long lines
##############################################################
from errors.err_base import Problem
from errors.err_util import numbered, nothing

LONGEST = 100


def check(name, text):
	if not text.strip():
		return [nothing(name)]
	found = []
	for number, line in numbered(text):
		if line != line.rstrip():
			found.append(Problem("E1301", (name, number), "blanks at the end of a line"))
		if "\t" in line:
			found.append(Problem("E1302", (name, number), "a tab"))
		if len(line) > LONGEST:
			found.append(Problem("E1401", (name, number), "a line is too long"))
	return found
