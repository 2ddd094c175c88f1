# shellcheck shell=bash
# What the scripts share. Sourced, never run.

say() { printf '%s\n' "$*" >&2; }

fail() {
    printf '%s\n' "$@" >&2
    exit 1
}

# Runs a command as root, where that is possible without a question.
as_root() {
    if [[ $(id -u) == 0 ]]; then
        "$@"
    elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
        sudo -n "$@"
    else
        return 1
    fi
}

# Installs Debian packages; fails where there is no apt-get or no right to use it. Services in them are not started:
# policy-rc.d is how Debian is told so.
install_packages() {
    local policy=/usr/sbin/policy-rc.d result=0
    command -v apt-get >/dev/null && as_root true || return 1
    if [[ ! -e $policy ]]; then
        printf '#!/bin/sh\nexit 101\n' | as_root tee $policy >/dev/null
        as_root chmod 755 $policy
    else
        policy=
    fi
    { as_root apt-get update -q && as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -q -y --no-install-recommends "$@"; } >&2 </dev/null || result=1
    [[ -z $policy ]] || as_root rm -f $policy
    return $result
}
