# shellcheck shell=bash
# How ./mds, ./scenarios, ./bench, ./torture and ./fuzz build the program they run. They set `root` and source this.

# build_if_changed NAME PROGRAM PROJECTS SOURCES...: builds the projects (separated by spaces) unless PROGRAM is newer than all
# files in the source folders. Analyzers are ./test's: without them the first build takes half the time. Progress goes to stderr.
# Exits with 127 without the .NET SDK, with 70 if the build fails.
build_if_changed() {
    local name="$1" program="$2" projects="$3" dotnet
    shift 3
    local stamp="$root/artifacts/$name.stamp" log="$root/artifacts/$name.build.log" project
    if ! dotnet="$(command -v dotnet)"; then
        echo "$name: the .NET 10 SDK is needed, and there is no 'dotnet' in the PATH: https://dotnet.microsoft.com/download" >&2
        exit 127
    fi
    # Programs find their runtime where this dotnet is, which need not be a place they would look in.
    export DOTNET_ROOT="${DOTNET_ROOT:-$(dirname -- "$(readlink -f -- "$dotnet")")}"
    if is_built "$@"; then
        return
    fi
    mkdir -p -- "$root/artifacts"
    exec 8>&2 # where the seconds are shown, whatever a build's own output is redirected to
    exec 9>"$root/artifacts/mds.lock" # one for all: their programs share the protocol library
    flock 9
    if ! is_built "$@"; then # another run may have built it meanwhile
        echo "$name: building (the first time, or the source has changed), about half a minute …" >&2
        touch -- "$stamp.next" # when the build began: what changes while it runs is built the next time
        for project in $projects; do
            # No build server may outlive this: it would hold on to the lock, and to the terminal.
            if ! while_showing_seconds "$dotnet" build "$root/$project" --configuration Release --nologo --verbosity quiet \
                --disable-build-servers -p:RunAnalyzers=false >"$log" 2>&1 9>&- </dev/null; then
                cat -- "$log" >&2
                echo "$name: the build failed; the output above is also in $log" >&2
                exit 70
            fi
        done
        mv -f -- "$stamp.next" "$stamp"
    fi
    exec 8>&- 9>&-
}

# is_built SOURCES...: a part of build_if_changed. A directory is newer than the stamp where a file was added or taken away.
is_built() {
    [[ -x $program && -e $stamp ]] &&
        [[ -z "$(cd -- "$root" && find "$@" Directory.* global.json -newer "$stamp" -print -quit)" ]]
}

# while_showing_seconds COMMAND...: on a terminal, the seconds it has taken stand in a line of their own until it ends.
while_showing_seconds() {
    if [[ ! -t 8 ]]; then
        "$@"
        return
    fi
    local ticker status=0
    # Ends by itself where Ctrl-C ends this script. It must not hold on to the lock.
    (
        exec 9>&-
        for ((seconds = 1; ; seconds++)); do
            sleep 1
            kill -0 $$ 2>/dev/null || exit
            printf '\r%d s ' "$seconds" >&8
        done
    ) &
    ticker=$!
    "$@" 8>&- || status=$?
    kill "$ticker" 2>/dev/null
    wait "$ticker" 2>/dev/null || true
    printf '\r\033[K' >&8
    return "$status"
}
