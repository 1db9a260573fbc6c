Stay inside $PACKAGE. When in doubt, stop and ask.
