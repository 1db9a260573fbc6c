#!/usr/bin/env bash
# Installs the public programs that the tests drive (or those that are named), below `target/programs`, at these
# versions. What is there already is left alone. Needs Node.js 16 or later with npm, and Python 3.10 to 3.12 with venv.
set -euo pipefail
cd "$(dirname "$0")/../.."

CODEX=0.171.0
CLAUDE=2.1.197
AIDER=0.86.2
JCO=1.35.0
INTO="$PWD/target/programs"
WANTED=" ${*:-codex claude aider jco} "

have() { [ "$(cat "$1/installed" 2>/dev/null)" = "$2" ]; }
wants() { case "$WANTED" in *" $1 "*) return 0 ;; *) return 1 ;; esac; }

# A program of npm whose package, version and command are these.
package() {
    local name=$1 version=$2 package=$3
    if wants "$name" && ! have "$INTO/$name" "$version"; then
        rm -rf "${INTO:?}/$name"
        mkdir -p "$INTO/$name"
        npm install --prefix "$INTO/$name" --no-fund --no-audit --loglevel=error "$package@$version" ||
            { echo "$name can't be installed" >&2; exit 1; }
        [ -x "$INTO/$name/node_modules/.bin/$name" ] || { echo "$package has no program $name" >&2; exit 1; }
        echo "$version" >"$INTO/$name/installed"
    fi
}
package codex "$CODEX" @openai/codex
# The program itself is in a package for the platform; nothing is fetched from elsewhere.
package claude "$CLAUDE" @anthropic-ai/claude-code
for name in codex claude; do
    if wants "$name"; then "$INTO/$name/node_modules/.bin/$name" --version; fi
done
package gemini 0.61.0 @google/gemini-cli
package qwen 0.15.10 @qwen-code/qwen-code
package copilot 1.0.102 @github/copilot
package codex-acp 2.6.0 @agentclientprotocol/codex-acp
package claude-agent-acp 0.101.0 @agentclientprotocol/claude-agent-acp
package opencode 1.18.33 opencode-ai

if wants aider && ! have "$INTO/aider" "$AIDER"; then
    python=
    for name in python3 python3.12 python3.11 python3.10; do
        if "$name" -c 'import ensurepip, sys, venv; sys.exit(not (3, 10) <= sys.version_info < (3, 13))' 2>/dev/null; then
            python=$name
            break
        fi
    done
    if [ -z "$python" ]; then
        echo "aider-chat $AIDER needs Python 3.10, 3.11 or 3.12 with venv; none of python3, python3.12, python3.11 and python3.10 is one" >&2
        exit 1
    fi
    rm -rf "$INTO/aider"
    "$python" -m venv "$INTO/aider"
    "$INTO/aider/bin/pip" install --quiet --disable-pip-version-check "aider-chat==$AIDER"
    "$INTO/aider/bin/aider" --version
    echo "$AIDER" >"$INTO/aider/installed"
fi

if wants jco && ! have "$INTO/jco" "$JCO"; then
    rm -rf "$INTO/jco"
    mkdir -p "$INTO/jco"
    npm install --prefix "$INTO/jco" --no-fund --no-audit --loglevel=error "@bytecodealliance/jco@$JCO"
    "$INTO/jco/node_modules/.bin/jco" --version
    echo "$JCO" >"$INTO/jco/installed"
fi
