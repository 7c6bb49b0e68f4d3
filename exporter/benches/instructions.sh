#!/bin/sh
# Instructions per data point of the three ways to encode, counted by callgrind: deterministic, unlike time.
# Ends with 1 where patching is not at least 50 times, or laying out anew not at least 3 times, cheaper than
# building prost's structs and encoding them; with 69 where valgrind is missing.
set -eu
cd "$(dirname "$0")/../.."

command -v valgrind >/dev/null || { echo "valgrind is missing" >&2; exit 69; }
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

cargo bench --quiet --no-run --profile fast -p exporter --bench encode --message-format json >"$scratch/build"
encode=$(sed -n 's/.*"name":"encode".*"executable":"\([^"]*\)".*/\1/p' "$scratch/build")
"$encode" >/dev/null

# count WAY ITERATIONS: the instructions and the points of that much work.
count() {
    valgrind --tool=callgrind --callgrind-out-file="$scratch/out" --log-file="$scratch/log" \
        "$encode" "$1" "$2" >"$scratch/points"
    echo "$(sed -n 's/.*Collected *: *\([0-9]*\).*/\1/p' "$scratch/log") $(cat "$scratch/points")"
}

# per_point WAY: the difference of two runs, so that start and registration do not count.
per_point() {
    echo "$(count "$1" 22) $(count "$1" 2)" | awk '{ printf "%.1f", ($1 - $3) / ($2 - $4) }'
}

patch=$(per_point patch)
rebuild=$(per_point rebuild)
prost=$(per_point prost)

awk -v patch="$patch" -v rebuild="$rebuild" -v prost="$prost" 'BEGIN {
    print "way      instructions/point  cheaper than prost  at least"
    printf "patch    %18.1f  %17.1fx  %7dx\n", patch, prost / patch, 50
    printf "rebuild  %18.1f  %17.1fx  %7dx\n", rebuild, prost / rebuild, 3
    printf "prost    %18.1f\n", prost
    exit !(patch > 0 && rebuild > 0 && prost >= 50 * patch && prost >= 3 * rebuild)
}'
