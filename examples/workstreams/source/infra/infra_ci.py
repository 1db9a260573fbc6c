##############################################################
# MODULE : infra_ci
# AUTHOR : J. Lindqvist
# DATE   : 2001-06-05
# PURPOSE: run the checks one after another and sum them up
##############################################################
class Check:

	def __init__(self, name, call):
		self.name = name
		self.call = call

	def passes(self):
		try:
			return bool(self.call())
		except Exception:
			return False


def plural(count, word):
	if count == 1:
		return "1 " + word
	return "%d %ss" % (count, word)


def run_checks(checks):
	bad = []
	for check in checks:
		if not check.passes():
			bad.append(check.name)
	return bad


def verdict(checks):
	bad = run_checks(checks)
	if not bad:
		return "all good: " + plural(len(checks), "check")
	return "%s failed: %s" % (plural(len(bad), "check"), ", ".join(bad))
