##############################################################
# MODULE : pipe_prompt
# AUTHOR : S. Iyer
# DATE   : 2011-10-03
# PURPOSE: fill a prompt with the fields of a record
##############################################################
from errors.err_base import Broken


def names(text):
	found = []
	for piece in text.split("{{")[1:]:
		name, close, rest = piece.partition("}}")
		if close:
			found.append(name.strip())
	return found


def fill(text, rec):
	for name in names(text):
		if name not in rec:
			raise Broken("E2101", "the prompt wants a field that is not there")
		text = text.replace("{{" + name + "}}", str(rec[name]))
	return text
