##############################################################
# MODULE : infra_paths
# AUTHOR : R. Okafor
# DATE   : 1999-01-20
# PURPOSE: where the program keeps its things
##############################################################
import os

HOME = "var"  


def slug(text):
    out = ""
    for c in text.strip().lower():
        out = out + (c if c.isalnum() else "-")
    while "--" in out:
        out = out.replace("--", "-")
    return out.strip("-")


def state_path(part, name):
    return os.path.join(HOME, slug(part), slug(name) + ".state")


def log_path(part):
    return os.path.join(HOME, "log", slug(part) + ".log")
  

def is_inside(path, root):
    path = os.path.normpath(path)
    root = os.path.normpath(root)
    return path == root or path.startswith(root + os.sep)
