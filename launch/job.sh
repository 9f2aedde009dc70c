# One job under mpirun: starts it, passes signals on, ends what hangs, and says why it failed. Sourced by run, not run.
# shellcheck shell=bash

# A job that is over may not outlive its ranks by more seconds than this: mpirun can wait for ever for a host that is gone.
hang_limit=10

# Numbers that grow when the kernel ends processes for lack of memory: of this control group, and of the machine.
memory_kills() {
    local group
    for group in $(sed -n 's/^0::\/*/\/ /p; s/^[0-9]*:memory:\/*/\/memory\/ /p' /proc/self/cgroup | tr -d ' '); do
        cat "/sys/fs/cgroup$group"/memory.{events,oom_control} 2>/dev/null || true
    done | cat - /proc/vmstat | awk '$1 == "oom_kill" { print $2 }' | xargs
}

# Ranks of the job on this machine: mpirun's children that are mpo.
ranks_here() { pgrep -P "$job" -f -- " train $(sed 's/[][\\.*^$+?(){}|]/\\&/g' <<<"$config")" >/dev/null; }

# watch: ends an mpirun that hangs before its ranks have started, or after they are gone, and leaves a word in $scratch.
watch() {
    local seconds=0 gone=0 seen=""
    while sleep 1 && kill -0 "$job" 2>/dev/null; do
        seconds=$((seconds + 1)) gone=$((gone + 1))
        if ranks_here; then
            seen=yes gone=0
        elif [[ -z "$seen" ]] && ! grep -q "$over" "$scratch/notices"; then
            gone=0
        fi
        if ((gone >= hang_limit)); then
            echo ended >"$scratch/hung"
        elif [[ -z "$seen" && ! -s "$scratch/said" ]] && ((seconds >= stall_timeout)); then
            echo started >"$scratch/hung"
        else
            continue
        fi
        pkill -KILL -s "$job" || true
        return
    done
}
# What Open MPI says once a job is over.
over='\(mpi\|prte\)run \(noticed\|detected\|has exited due\)\|MPI_ABORT was invoked\|lost communication\|has been aborted'

# shellcheck disable=SC2317
stop() {
    [[ -n "$job" ]] || exit $((128 + $(kill -l "$1")))
    if [[ "$1" == INT && "$stopping" == INT ]]; then
        say "ending at once"
        kill -TERM "$job" 2>/dev/null || true
    else
        stopping=$1
        kill -USR1 "$job" 2>/dev/null || true
    fi
}

# run_job COMMAND...: leaves mpirun's status in $status, the end of standard error and Open MPI's notices in $scratch.
run_job() {
    local watcher tries
    rm -rf "${scratch:?}"/*
    : >"$scratch/notices"
    mkfifo "$scratch/stderr"
    kills_before=$(memory_kills)
    # Standard error passes through tee unchanged. Kept are its end, to see whether mpo itself said what went wrong, and
    # mpo's first word, to see whether it has started.
    (
        trap '' HUP INT TERM USR1
        # -p: where nobody reads any more, the job goes on.
        tee -p >(tail -c 4096 >"$scratch/end" && mv "$scratch/end" "$scratch/last") \
            >(grep -aEm 1 $'(^|\r)mpo: ' >"$scratch/said"; cat >/dev/null) <"$scratch/stderr" >&2
    ) 9>&- &
    # mpirun gets a session of its own, so that a Ctrl-C on the terminal reaches this script alone, and a SIGTERM should
    # this script be killed, so that no job is left behind. Its own notices go to a file; ranks keep theirs.
    OPAL_OUTPUT_STDERR_FD=9 setsid setpriv --pdeathsig TERM "$@" </dev/null 2>"$scratch/stderr" 9>>"$scratch/notices" &
    job=$!
    (trap '' HUP INT TERM USR1 && watch) &
    watcher=$!

    # A trapped signal interrupts wait: go on until the job itself has ended.
    status=0
    wait "$job" 2>/dev/null || status=$?
    while kill -0 "$job" 2>/dev/null; do
        status=0
        wait "$job" 2>/dev/null || status=$?
    done
    { kill -KILL "$watcher" && wait "$watcher"; } 2>/dev/null || true
    pkill -KILL -s "$job" || true
    for ((tries = 0; tries < 20; tries++)); do
        [[ ! -e "$scratch/last" ]] || break
        sleep 0.1
    done
    part_notices
    # Open MPI 5 ends with 0 where it has given a host up.
    ((status != 0)) || ! grep -q "$over" "$scratch/notices" || status=1
    [[ -z "$verbose" ]] || cat "$scratch/notices" >&2
}

# Open MPI 4.1 writes its notices where it is told to; 5 puts them among what the ranks say, between lines of dashes and with
# a zero byte after them. Takes them out of $scratch/last, and says mpo's reason again where they follow it.
part_notices() {
    touch "$scratch/last"
    tr -d '\0' <"$scratch/last" | tr '\r' '\n' | awk -v notices="$scratch/more" '
        /^--------------------+$/ { inside = !inside; next }
        inside { print >notices; next }
        NF' >"$scratch/words"
    [[ -s "$scratch/more" ]] || return 0
    cat "$scratch/more" >>"$scratch/notices"
    [[ -z "$(tail -c 1 "$scratch/last" | tr '\0' x)" ]] || echo >&2
    reason >&2 || true
}

# Why mpo ended, where that is the last it said.
reason() { tail -n 1 "$scratch/words" | grep -aE '^mpo: ' | grep -avE '^mpo: ([0-9]+ ranks? |warning)'; }

# The stage that the job was in, as its directory is called; nothing before the first.
stage() {
    local found number
    found=$(grep -aoE '\[[0-9]+/[0-9]+\] [^ :]+' "$scratch/words" | tail -n 1)
    number=${found#[} number=${number%%/*}
    [[ -z "$found" ]] || printf '%02d-%s' "$number" "${found##* }"
}

# memory_word HOST: what is known about memory where a process was ended by SIGKILL.
memory_word() {
    if [[ "$1" != "$(uname -n)" ]]; then
        echo "by a person, a scheduler, or the kernel for lack of memory: see the kernel's log there"
    elif [[ "$(memory_kills)" != "$kills_before" ]]; then
        echo "the kernel's counters say that memory ran out"
    else
        echo "by a person or a scheduler: the kernel's counters show no lack of memory"
    fi
}

# Says in one line, the last of the job, what ended it, unless mpo has said so itself.
explain() {
    local place notices rank host signal
    place=$(stage) notices=$(tr '\n' ' ' <"$scratch/notices")
    place=${place:+: stage $place}
    if reason >/dev/null; then
        return
    elif [[ "$notices" =~ rank\ ([0-9]+)\ with\ PID\ [0-9]+\ on\ node\ ([^ ]+)\ exited\ on\ signal\ ([0-9]+) ]]; then
        rank=${BASH_REMATCH[1]} host=${BASH_REMATCH[2]} signal=$(kill -l "${BASH_REMATCH[3]}")
        case $signal in
            KILL) say "rank $rank on $host$place: killed from outside (SIGKILL), $(memory_word "$host")" ;;
            TERM | HUP | INT) say "rank $rank on $host$place: ended from outside by SIG$signal" ;;
            *) say "rank $rank on $host$place: crashed (SIG$signal)" ;;
        esac
    elif [[ "$notices" =~ Remote\ daemon:\ [^\ ]+\ on\ node\ ([^\ ]+) ]]; then
        say "${BASH_REMATCH[1]}$place: no answer from this host: it is down, or its link is"
    elif [[ "$notices" =~ Peer\ host:\ +([^\ ]+) ]]; then
        say "a rank on ${BASH_REMATCH[1]}$place: gone without a word: killed from outside, for lack of memory, or crashed"
    elif [[ "$(cat "$scratch/hung" 2>/dev/null)" == started ]]; then
        say "no rank has started within $stall_timeout s: can all hosts reach each other? --verbose shows what Open MPI says"
    elif [[ -e "$scratch/hung" ]]; then
        say "all ranks on $(uname -n) are gone without a word$place; mpirun waited for others and was ended"
    elif [[ ! -s "$scratch/said" && -n "$notices" ]]; then
        say "Open MPI could not start the ranks (status $status): can all hosts be reached? --verbose shows what it says"
    elif ((status > 128 && status <= 128 + 64)) && [[ -z "$notices" ]]; then
        say "mpirun itself was ended by SIG$(kill -l "$((status - 128))")$place"
    else
        say "mpirun ended with status $status$place, and mpo gave no reason; --verbose shows Open MPI's messages"
    fi
}
