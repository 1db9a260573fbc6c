##############################################################
# MODULE : gui_table
# AUTHOR : M. Sato
# DATE   : 1999-03-17
# PURPOSE: rows of values as a table for a terminal
##############################################################
from gui.gui_text import clip, rule

WIDEST = 24


def pad(text, width):
	text = str(text)
	return text + " " * (width - len(text))


def plural(count, word):
	if count == 1:
		return "1 " + word
	return "%d %ss" % (count, word)


def table(head, rows):
	widths = []
	for i in range(len(head)):
		cells = [str(row[i]) for row in rows] + [str(head[i])]
		widths.append(min(WIDEST, max(len(cell) for cell in cells)))
	lines = [_line(head, widths), rule(sum(widths) + 2 * (len(widths) - 1))]
	for row in rows:
		lines.append(_line(row, widths))
	lines.append(plural(len(rows), "row"))
	return "\n".join(lines)


def _line(cells, widths):
	parts = []
	for cell, width in zip(cells, widths):
		parts.append(pad(clip(cell, width), width))
	return "  ".join(parts).rstrip()
