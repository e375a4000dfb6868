#!/bin/sh
# Write requirements/*.lock. Locked versions are kept, unless --upgrade is given.
set -eu
uv="$1"
shift

compile() {
    "$uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes \
        --no-emit-index-url --no-emit-find-links --no-annotate --no-header "$@"
}

# dev first: the others are bound to its versions, so that what is tested is what is run.
compile "$@" pyproject.toml --group dev --output-file requirements/dev.lock
compile pyproject.toml --constraints requirements/dev.lock --output-file requirements/runtime.lock
compile --group build --constraints requirements/dev.lock --output-file requirements/build.lock
compile "$@" --group upkeep --output-file requirements/upkeep.lock
