##############################################################
# MODULE : pipe_queue
# AUTHOR : A. Haddad
# DATE   : 2009-04-14
# PURPOSE: what is to be done, first in first out
##############################################################
class Queue:

	def __init__(self):
		self.recs = []

	def put(self, name, after=""):  
		rec = {"id": name, "state": "new", "after": after, "tries": 0}
		self.recs.append(rec)
		return rec

	def take(self):
		done = [rec["id"] for rec in self.recs if rec["state"] == "done"]
		for rec in self.recs:
			if rec["state"] == "new" and (not rec["after"] or rec["after"] in done):
				rec["state"] = "run"
				rec["tries"] = rec["tries"] + 1
				return rec
		return None

	def finish(self, rec, good):
		if rec["state"] != "run":
			raise ValueError("finished without being started")
		rec["state"] = "done" if good else "bad"
