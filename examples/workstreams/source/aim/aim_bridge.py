##############################################################
# MODULE : aim_bridge
# AUTHOR : A. Haddad
# DATE   : 2003-02-12
# PURPOSE: choose the tool for a job and say why
##############################################################
from aim.aim_registry import Registry
from gui.gui_table import table


def plural(count, word):
    if count == 1:
        return "1 " + word
    return "%d %ss" % (count, word)


def choose(registry, skill, busy=()):
    for name in registry.having(skill):
        if name not in busy:
            return name
    return None


def why(registry, skill, busy=()):
    rows = []
    for name in sorted(registry.tools):
        can = "yes" if skill in registry.tools[name] else "no"
        rows.append([name, can, "busy" if name in busy else "free"])
    return table(["tool", skill, "state"], rows)


def sample():
    registry = Registry()
    registry.add("Pencil", ["write"])
    registry.add("Red Pen", ["review", "write"])
    return registry, plural(len(registry.tools), "tool")
