##############################################################
# MODULE : meta_info
# AUTHOR : R. Okafor
# DATE   : 1998-11-02
# PURPOSE: what this program is called and which parts it has
##############################################################
PROJECT = "foreman"  
VERSION = "3.7"  
PARTS = ("meta", "gui", "infra", "aim", "pm", "spec")


def slug(text):
	out = ""
	for c in text.strip().lower():
		out = out + (c if c.isalnum() else "-")
	while "--" in out:
		out = out.replace("--", "-")
	return out.strip("-")


def banner():  
	return "%s %s" % (PROJECT, VERSION)


def file_name(title, ending):
	return "%s-%s.%s" % (PROJECT, slug(title), ending)
