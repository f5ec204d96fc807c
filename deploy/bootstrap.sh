#!/usr/bin/env bash
# Installs what is missing: Debian packages, then the virtual environment .venv of this checkout.
#
#   deploy/bootstrap.sh [--dev]      --dev adds what tests and lint need
#
# Safe to run again at any point, also after a run that was cut off. Without root it installs no Debian packages and
# says which ones an administrator has to install.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

venv=.venv
dev=no
[ "${1:-}" = "--dev" ] && dev=yes

# One at a time: two `make` at once would install into one another.
exec 9<deploy/packages.txt
flock 9

say() { printf '%s\n' "$*" >&2; }
die() { say "$@"; exit 1; }
is_root() { [ "$(id -u)" = 0 ]; }

if is_root; then state=/var/lib/celerity; else state=${XDG_STATE_HOME:-~/.local/state}/celerity; fi
state=${CELERITY_STATE_DIR:-$state}

setting() {
    # What the environment says, then the state's file, then the default.
    local value=${!1:-}
    if [ -z "$value" ] && [ -r "$state/celerity.env" ]; then
        value=$(sed -n "s/^$1=//p" "$state/celerity.env" | tail -n 1)
    fi
    printf '%s' "${value:-$2}"
}

hypervisor=$(setting CELERITY_HYPERVISOR libvirt)

if ! is_root && [ "$hypervisor" = libvirt ]; then
    if [ "$dev" = no ]; then
        die "Real guests need root: Open vSwitch, libvirt's system socket, Debian packages." \
            $'\nAs root:       make up\nWithout root:  make up HYPERVISOR=simulated HOSTS=5   (the same cloud on simulated hosts)'
    fi
    hypervisor=simulated
fi

# --- Debian packages ------------------------------------------------------------------------------------------------

sections=(build)
[ "$(setting CELERITY_ROLE all)" = host ] || sections+=(services)
[ "$hypervisor" = libvirt ] && sections+=(hypervisor ovn)
if [ "$dev" = yes ] && is_root; then sections+=(ovn test); fi

wanted() {
    awk -v wanted=" ${sections[*]} " '
        /^\[.*\]$/ { on = index(wanted, " " substr($0, 2, length($0) - 2) " "); next }
        on && NF && $1 !~ /^#/ { print $1 }' deploy/packages.txt
    if [ "$hypervisor" = libvirt ]; then sed -E '/^\s*(#|$)/d' deploy/guest_images/packages.txt; fi
}

missing() {
    # dpkg-query prints nothing for a package that it never heard of.
    local installed
    installed=$(dpkg-query -W -f '${Package} ${db:Status-Status}\n' $(wanted) 2>/dev/null | awk '$2 == "installed" { print $1 }' || true)
    comm -23 <(wanted | sort -u) <(sort -u <<<"$installed")
}

policy=/usr/sbin/policy-rc.d
policy_mark="written by deploy/bootstrap.sh"

apt() { DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 "$@"; }

install_packages() {
    local packages=("$@")
    say "Installing ${#packages[@]} Debian packages: ${packages[*]}"
    # Debian starts a service when its package is installed. Celerity uses none of these services (its PostgreSQL,
    # Redis and Open vSwitch are instances of its own), so nothing is started, stopped or restarted while packages are
    # installed. An administrator's own policy is left in place.
    if [ ! -e "$policy" ] || grep -q "$policy_mark" "$policy"; then
        printf '#!/bin/sh\n# %s: services stay as they are while packages are installed\nexit 101\n' "$policy_mark" >"$policy"
        chmod 755 "$policy"
    fi
    # An earlier run that was cut off leaves half-configured packages, and apt refuses to go on.
    [ -z "$(dpkg --audit)" ] || DEBIAN_FRONTEND=noninteractive dpkg --configure -a
    if ! compgen -G '/var/lib/apt/lists/*_Packages*' >/dev/null; then quietly apt update; fi

    local fresh_services=()
    for service in postgresql redis-server nginx openvswitch-switch ovn-central ovn-host; do
        if printf '%s\n' "${packages[@]}" | grep -qx "$service"; then fresh_services+=("$service"); fi
    done
    # Debian makes a cluster "main" on port 5432 with the first server package. Nobody asked for it here; where
    # postgresql-common is installed already, this is somebody's decision and stays.
    if printf '%s\n' "${packages[@]}" | grep -qx postgresql && [ ! -e /usr/bin/pg_createcluster ]; then
        apt_install postgresql-common
        sed -i -E 's/^#?\s*create_main_cluster.*/create_main_cluster = false/' /etc/postgresql-common/createcluster.conf
    fi
    apt_install "${packages[@]}"
    if [ -d /run/systemd/system ] && [ ${#fresh_services[@]} -gt 0 ]; then
        systemctl disable --quiet "${fresh_services[@]}" || true
    fi
}

quietly() {
    # Hundreds of lines that nobody reads, unless it fails.
    local log
    log=$(mktemp)
    if "$@" >"$log" 2>&1; then rm -f "$log"; else cat "$log" >&2; rm -f "$log"; return 1; fi
}

apt_install() {
    # Old package lists name versions that the mirror no longer has: a failure gets fresh lists and a second try.
    quietly apt install --no-install-recommends "$@" || { quietly apt update && quietly apt install --no-install-recommends "$@"; }
}

remove_policy() { if is_root && [ -e "$policy" ] && grep -q "$policy_mark" "$policy"; then rm -f "$policy"; fi; }
trap remove_policy EXIT

if command -v dpkg-query >/dev/null; then
    mapfile -t lacking < <(missing)
    if [ ${#lacking[@]} -gt 0 ]; then
        is_root || die "These Debian packages are missing; as root: apt-get install --no-install-recommends ${lacking[*]}"
        install_packages "${lacking[@]}"
        mapfile -t lacking < <(missing)
        [ ${#lacking[@]} -eq 0 ] || die "Still missing after the installation: ${lacking[*]}"
    fi
else
    say "No dpkg here: install what deploy/packages.txt names by your system's own means."
fi
remove_policy

# --- Virtual environment --------------------------------------------------------------------------------------------

# Debian's Python, whatever else is first in PATH: python3-dev's headers belong to this one.
python=/usr/bin/python3
[ -x "$python" ] || python=$(command -v python3) || die "python3 is missing."
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || die "$python is older than 3.11."
unset PYTHONPATH PYTHONHOME

# The mark is written last, so an environment without it is half made.
if [ ! -e "$venv/.made" ] || ! "$venv/bin/python" -c '' 2>/dev/null; then
    rm -rf "$venv"
    "$python" -m venv "$venv"
    touch "$venv/.made"
fi

grep_out='^-r '
if ! pkg-config --exists libvirt 2>/dev/null; then
    [ "$hypervisor" = simulated ] || die "libvirt's headers are missing (Debian package libvirt-dev)."
    say "libvirt-python is left out: libvirt's headers (libvirt-dev) are not here. Simulated hosts do not need it."
    grep_out='^-r |^libvirt-python=='
fi

install_requirements() {
    local stamp=$venv/.installed-$1 list=$venv/requirements-$1.txt
    shift
    cat "$@" | grep -Ev "$grep_out" >"$list"
    local digest
    digest=$({ cat "$list"; "$venv/bin/python" -V; } | sha256sum)
    if [ "$(cat "$stamp" 2>/dev/null)" != "$digest" ]; then
        say "Installing Python packages into $venv (half a minute) …"
        rm -f "$stamp"
        "$venv/bin/python" -m pip --require-virtualenv --disable-pip-version-check install -q --progress-bar off -r "$list" >&2
        printf '%s\n' "$digest" >"$stamp"
    fi
}

install_requirements base requirements.txt
ln -sfn ../../deploy/celerity "$venv/bin/celerity"
if [ -n "${CELERITY_OTLP_ENDPOINT:-}" ] || grep -qs '^CELERITY_OTLP_ENDPOINT=.' "$state/celerity.env"; then
    install_requirements otel requirements-otel.txt
fi
if [ "$dev" = yes ]; then install_requirements dev requirements.txt requirements-otel.txt requirements-dev.txt; fi
