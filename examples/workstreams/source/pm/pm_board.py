##############################################################
# MODULE : pm_board
# AUTHOR : J. Lindqvist
# DATE   : 2002-09-30
# PURPOSE: a board with one column for each state
##############################################################
from meta.meta_plan import Plan
from gui.gui_text import rule

STATES = ("new", "run", "done", "bad")


def pad(text, width):
	text = str(text)
	return text + " " * (width - len(text))


def clip(text, width):
	return str(text)[:width]


class Board:

	def __init__(self, plan):
		if not isinstance(plan, Plan):
			raise TypeError("a board shows a plan")
		self.state = dict((name, "new") for name in plan.after)  

	def move(self, name, state):
		if state not in STATES:
			raise ValueError("no such state: " + state)
		self.state[name] = state

	def column(self, state):
		return sorted(n for n in self.state if self.state[n] == state)

	def show(self):
		lines = [" ".join(pad(s, 8) for s in STATES).rstrip(), rule(35)]
		deep = max(len(self.column(s)) for s in STATES)
		for i in range(deep):
			cells = []
			for state in STATES:
				names = self.column(state)
				cells.append(pad(clip(names[i], 8) if i < len(names) else "", 8))
			lines.append(" ".join(cells).rstrip())
		return "\n".join(lines)
