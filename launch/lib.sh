# Shared by the scripts in this folder: messages, and finding what they need. Sourced, not run.
# shellcheck shell=bash

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
root=$(dirname -- "$here")
program="launch/$(basename -- "$0")"

say() { printf '%s: %s\n' "$program" "$*" >&2 || true; }

# Ends the script with a message; the status is 1 unless FAIL_STATUS says otherwise.
fail() {
    say "error: $*"
    exit "${FAIL_STATUS:-1}"
}

# Prints the comment block at the head of the calling script: its help text.
usage() { sed -n '2,/^$/s/^# \{0,1\}//p' "$0"; }

# version_at_least FOUND WANTED
version_at_least() { [[ "$(printf '%s\n' "$2" "$1" | sort -V | head -n 1)" == "$2" ]]; }

# True in a tree that launch/install wrote: there is nothing to build there.
is_installed() { [[ ! -f "$root/Package.swift" ]]; }

# setting KEY: leaves in $value what $settings, as mpo train --print-config prints them, have for a key of the top level. What
# is more than a word is in quotes, on one line, with escapes that printf knows.
setting() {
    value=$(sed -n "/^$1: /{s///p;q}" <<<"$settings")
    [[ "$value" == \"*\" ]] || return 0
    value=${value:1:-1}
    # printf takes a quote as it is.
    LC_ALL=C.UTF-8 printf -v value '%b' "${value//'\"'/\"}"
}

# The mpo binary: MPO_BINARY, else the installed one, else the release build.
mpo_binary() {
    if [[ -n "${MPO_BINARY:-}" ]]; then
        printf '%s\n' "$MPO_BINARY"
    elif is_installed; then
        printf '%s\n' "$(cd -- "$root/../.." && pwd)/bin/mpo"
    else
        printf '%s\n' "$root/.build/release/mpo"
    fi
}

# The Open MPI that an installed tree brought along; nothing where it has none.
own_mpi() {
    is_installed || return 0
    local directory
    directory=$(cd -- "$root/../.." && pwd)/lib/mpi
    [[ ! -x $directory/bin/mpirun ]] || printf '%s\n' "$directory"
}

# Open MPI's mpirun: MPIRUN, else an installed tree's own, else mpirun; Debian's mpirun.openmpi where another MPI took the plain name.
mpirun_binary() {
    if [[ -n "${MPIRUN:-}" ]]; then
        printf '%s\n' "$MPIRUN"
    elif [[ -n "$(own_mpi)" ]]; then
        printf '%s\n' "$(own_mpi)/bin/mpirun"
    elif ! mpirun --version 2>/dev/null | grep -q 'Open MPI' && command -v mpirun.openmpi >/dev/null; then
        printf '%s\n' mpirun.openmpi
    else
        printf '%s\n' mpirun
    fi
}

# seconds_of TIME: a time such as 1d2h, 3h50m, 90s or 90 in seconds; nothing where it is none.
seconds_of() {
    if [[ "$1" =~ ^[0-9]+$ ]]; then echo "$((10#$1))"; fi
    [[ -n "$1" && "$1" =~ ^(([0-9]+)d)?(([0-9]+)h)?(([0-9]+)m)?(([0-9]+)s)?$ ]] || return 0
    local m=("${BASH_REMATCH[@]}")
    echo "$((10#0${m[2]} * 86400 + 10#0${m[4]} * 3600 + 10#0${m[6]} * 60 + 10#0${m[8]}))"
}

# slowest_suites LOG: the ten suites that took longest, with their seconds, from what swift test said.
slowest_suites() {
    sed -nE 's/^[^ ]+ Suite "?([^"]*)"? (passed|failed) after ([0-9.]+) seconds.*/\3 \1/p' -- "$1" | sort -rn | sed -n 1,10p
}

# Physical cores this process may use: affinity mask and container quota taken into account. MPO_CORES overrides.
usable_cores() {
    if [[ -n "${MPO_CORES:-}" ]]; then
        printf '%s\n' "$MPO_CORES"
        return
    fi
    local cores quota period
    cores=$(lscpu --parse=CPU,CORE,SOCKET 2>/dev/null | awk -F, -v allowed="$(
        awk '/^Cpus_allowed_list:/ { print $2 }' /proc/self/status
    )" '
        BEGIN {
            ranges = split(allowed, range, ",")
            for (i = 1; i <= ranges; i++) {
                ends = split(range[i], end, "-")
                for (cpu = end[1]; cpu <= end[ends]; cpu++) usable[cpu + 0] = 1
            }
        }
        !/^#/ && ($1 + 0 in usable) && !seen[$2 "," $3]++ { cores++ }
        END { print cores + 0 }')
    if ((${cores:-0} == 0)); then
        cores=$(env -u OMP_NUM_THREADS -u OMP_THREAD_LIMIT nproc)
    fi
    if read -r quota period 2>/dev/null </sys/fs/cgroup/cpu.max && [[ "$quota" != max ]]; then
        quota=$(((quota + period - 1) / period))
        cores=$((quota < cores ? quota : cores))
    fi
    printf '%s\n' "$cores"
}
