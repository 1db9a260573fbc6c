#!/bin/sh
# how long each file is
cd "`dirname $0`/.." || exit 1
exec wc -l aim/*.py errors/*.py errors/plugins/*.py gui/*.py infra/*.py meta/*.py pipeline/*.py pm/*.py spec/*.py
