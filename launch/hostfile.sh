# Host files, read as Open MPI 4.1 reads them. Sourced by run, not run.
# What run cannot hand on to mpirun (users, ports, relative hosts) is refused, and so is what mpirun passes over.
# shellcheck shell=bash

# More than any host has.
most_slots=65536

# read_hostfile FILE: a host's name, cores, most ranks (0 for any number) and cards (0 for none) in host_names, host_cores,
# host_limits and host_cards.
read_hostfile() {
    local LC_ALL=C file=$1 number=0 line text bare=""
    local -A places=()
    while IFS= read -r line || [[ -n "$line" ]]; do
        number=$((number + 1))
        # mpirun's comments
        text=${line%%#*}
        text=${text%%//*}
        [[ "$line" != *$'\r'* ]] ||
            bad_line "ends in a carriage return, as on Windows; take them out: sed -i 's/\\r\$//' $file"
        [[ "$line" != $'\xef\xbb\xbf'* ]] || bad_line "begins with a byte order mark: save the file as UTF-8 without one"
        [[ "$text" != *'/*'* ]] || bad_line "comments begin with # here"
        while [[ "$text" =~ ^(.*[^[:blank:]=])?[[:blank:]]*(=)[[:blank:]]+(.*)$ ||
            "$text" =~ ^(.*[^[:blank:]=])[[:blank:]]+(=)(.*)$ ]]; do
            text=${BASH_REMATCH[1]}=${BASH_REMATCH[3]}
        done
        read_host "$text"
    done <"$file"
    [[ -z "$bare" || -n "$threads" ]] ||
        say "warning: $file: no slots=CORES for ${bare# }: one core of each is used"
    ((${#host_names[@]})) || fail "$file names no host"
}

bad_line() { fail "$file:$number: $(quoted "$line"): $1"; }

# quoted TEXT: with what does not show as escapes.
quoted() { if [[ "$1" == *[![:print:]]* ]]; then printf '%q' "$1"; else printf "'%s'" "$1"; fi; }

# read_host TEXT: a line without its comment, and without spaces around signs of equality.
read_host() {
    local words word name slots="" limit=0 cards="" place
    read -ra words <<<"$1"
    ((${#words[@]})) || return 0
    name=${words[0]}
    case $name in
        ^*) bad_line "hosts cannot be excluded: leave the line out" ;;
        +*) bad_line "hosts cannot be relative: write their names" ;;
        *@*) bad_line "a user's name belongs into ~/.ssh/config: write the host's name alone" ;;
        *=*) bad_line "a line begins with a host's name" ;;
        *:*:*) bad_line "write the host's name in the place of its IPv6 address" ;;
        *:*) bad_line "write '${name%%:*} slots=${name#*:}'" ;;
    esac
    [[ "$name" =~ ^[A-Za-z0-9][A-Za-z0-9.-]*$ ]] ||
        bad_line "$(quoted "$name") is no host's name: those are of letters, digits, dots and hyphens"
    for word in "${words[@]:1}"; do
        case $word in
            slots=* | cpu=* | count=*)
                [[ -z "$slots" ]] || bad_line "says the slots twice"
                slots=$(slot_count "$word") || bad_line "${word%%=*} takes a whole number from 1 to $most_slots"
                ;;
            max_slots=* | max-slots=* | slots_max=* | slots-max=*)
                limit=$(slot_count "$word") || bad_line "${word%%=*} takes a whole number from 1 to $most_slots"
                ;;
            gpus=*)
                [[ -z "$cards" ]] || bad_line "says the gpus twice"
                cards=$(slot_count "$word") || bad_line "gpus takes a whole number from 1 to $most_slots"
                ;;
            username=* | user_name=* | port=*)
                bad_line "${word%%=*} belongs into ~/.ssh/config: leave it out here"
                ;;
            *=*) bad_line "there is no $(quoted "${word%%=*}"): write NAME slots=CORES" ;;
            *) bad_line "what is $(quoted "$word")? Write NAME slots=CORES" ;;
        esac
    done
    place=${places[$name]:-}
    if [[ -n "$place" ]]; then
        # A name that stands there again is one more slot.
        [[ -z "$slots$cards" && "$limit" == 0 ]] || bad_line "the slots of $name are said in an earlier line: say them once"
        host_cores[place]=$((host_cores[place] + 1))
        bare=${bare/" $name"/}
        [[ "${host_limits[place]}" == 0 ]] || ((host_cores[place] <= host_limits[place])) ||
            bad_line "$name has more slots than max_slots"
        return
    fi
    [[ -n "$slots" || "$limit" != 0 ]] || bare+=" $name"
    slots=${slots:-$((limit > 0 ? limit : 1))}
    ((limit == 0 || slots <= limit)) || bad_line "has more slots than max_slots"
    places[$name]=${#host_names[@]}
    host_names+=("$name") host_cores+=("$slots") host_limits+=("$limit") host_cards+=("${cards:-0}")
}

# slot_count KEY=VALUE: the value, where it is a number of slots.
slot_count() {
    local value=${1#*=}
    [[ "$value" =~ ^0*([0-9]{1,6})$ ]] || return 1
    value=$((10#${BASH_REMATCH[1]}))
    ((value >= 1 && value <= most_slots)) && printf '%s\n' "$value"
}
