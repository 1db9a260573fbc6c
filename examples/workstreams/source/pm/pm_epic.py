##############################################################
# MODULE : pm_epic
# AUTHOR : J. Lindqvist
# DATE   : 2002-10-01
# PURPOSE: an epic is a plan with a title and an estimate for each part
##############################################################
from meta.meta_info import banner
from meta.meta_plan import Plan


def slug(text):
    out = ""
    for c in text.strip().lower():
        out = out + (c if c.isalnum() else "-")
    while "--" in out:
        out = out.replace("--", "-")
    return out.strip("-")


class Epic:

    def __init__(self, title):
        self.title = title
        self.plan = Plan()
        self.hours = {}

    def add(self, name, hours, after=()):
        key = slug(name)
        self.plan.add(key, [slug(other) for other in after])
        self.hours[key] = hours

    def total(self):
        return sum(self.hours.values())

    def longest(self):
        ends = {}
        for wave in self.plan.waves():
            for name in wave:
                start = max([ends[o] for o in self.plan.after[name]] or [0])
                ends[name] = start + self.hours[name]
        return max(ends.values())

    def headline(self):
        return "%s: %s, %d h" % (banner(), self.title, self.total())
