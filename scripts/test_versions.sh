#!/bin/sh
# Run all tests with other versions of the dependencies than the locked ones:
#
#     scripts/test_versions.sh UV PYTHON WHEEL lowest-direct|highest [pytest arguments]
#
# `lowest-direct` takes the lowest versions that pyproject.toml declares, `highest` the newest that it allows.
# What only the tests need is the newest in both.
set -eu
uv="$1" python="$2" wheel="$3" resolution="$4"
shift 4
environment=".venv-$resolution"

mkdir -p build
"$uv" pip compile --quiet --no-header --no-annotate --python "$python" --resolution "$resolution" --upgrade \
    --output-file "build/$resolution.txt" pyproject.toml
"$uv" pip compile --quiet --no-header --no-annotate --python "$python" --group dev --upgrade \
    --constraints "build/$resolution.txt" --output-file "build/$resolution-dev.txt" pyproject.toml
"$uv" venv --quiet --clear --python "$python" "$environment"
"$uv" pip sync --quiet --python "$environment/bin/python" "build/$resolution-dev.txt"
"$uv" pip install --quiet --no-deps --python "$environment/bin/python" "$wheel"
exec "$environment/bin/python" -m pytest "$@"
