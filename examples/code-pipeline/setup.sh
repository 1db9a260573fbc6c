#!/bin/sh
# Makes repo/, a fresh git repository with the files of template/, and forgets earlier runs.
set -eu
cd "$(dirname "$0")"
rm -rf repo .baton
cp -R template repo
cd repo
git -c init.defaultBranch=main init --quiet
git add --all
git -c user.name=Example -c user.email=example@localhost -c commit.gpgSign=false \
    commit --quiet --message "Words are counted"
echo "repo/ is ready at $(git rev-parse --short HEAD)"
