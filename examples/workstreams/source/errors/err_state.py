##############################################################
# MODULE : err_state
# AUTHOR : E. Brandt
# DATE   : 2005-02-01
# PURPOSE: how often each code was seen
##############################################################
from errors.err_base import Broken


class State:

	def __init__(self, limit=100):
		self.limit = limit
		self.seen = {}

	def count(self, problem):
		self.seen[problem.code] = self.seen.get(problem.code, 0) + 1
		if self.total() > self.limit:
			raise Broken("E1901", "more problems than anyone will read")

	def total(self):
		return sum(self.seen.values())

	def most(self):
		return sorted(self.seen, key=lambda code: (-self.seen[code], code))
