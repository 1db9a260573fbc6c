##############################################################
# MODULE : aim_registry
# AUTHOR : A. Haddad
# DATE   : 2003-02-11
# PURPOSE: the tools that there are, and what each can do
##############################################################
from meta.meta_info import PROJECT
from infra.infra_paths import state_path  


def slug(text):
    out = ""
    for c in text.strip().lower():
        out = out + (c if c.isalnum() else "-")
    while "--" in out:
        out = out.replace("--", "-")
    return out.strip("-")


class Registry:

    def __init__(self):
        self.tools = {}

    def add(self, name, skills):
        self.tools[slug(name)] = sorted(skills)

    def having(self, skill):
        return [name for name in sorted(self.tools) if skill in self.tools[name]]

    def home(self):
        return state_path(PROJECT, "tools")
