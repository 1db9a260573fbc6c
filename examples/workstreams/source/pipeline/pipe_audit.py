##############################################################
# MODULE : pipe_audit
# AUTHOR : A. Haddad
# DATE   : 2009-04-20
# PURPOSE: a line for everything that happened
##############################################################
import zlib


class Audit:

    def __init__(self):
        self.recs = []

    def note(self, task, event, elapsed=0):
        rec = {"seq": len(self.recs) + 1, "task": task, "event": event}
        rec["elapsed"] = elapsed
        rec["sum"] = self.chain(rec)
        self.recs.append(rec)

    def chain(self, rec):
        before = self.recs[rec["seq"] - 2]["sum"] if rec["seq"] > 1 else 0
        text = "%d %s %s" % (before, rec["task"], rec["event"])
        return zlib.crc32(text.encode("ascii"))

    def whole(self):
        return all(rec["sum"] == self.chain(rec) for rec in self.recs)
