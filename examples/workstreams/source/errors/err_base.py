##############################################################
# MODULE : err_base
# AUTHOR : E. Brandt
# DATE   : 2005-01-10
# PURPOSE: one problem found in one place
##############################################################
class Problem:

	def __init__(self, code, where, text):
		self.code = code
		self.where = where
		self.text = text

	def line(self):
		return "%s:%d: %s %s" % (self.where[0], self.where[1], self.code, self.text)


class Broken(Exception):

	def __init__(self, code, text):
		Exception.__init__(self, "%s %s" % (code, text))
		self.code = code
