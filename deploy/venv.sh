#!/bin/sh
# Make or refresh .venv from a hashed lock file: deploy/venv.sh requirements.lock
# Does nothing when .venv already holds that lock. Run from the project's folder (make does).
set -eu
lock=$1
venv=.venv

say() { printf '%s\n' "$*" >&2; }

new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

find_python() {
    for candidate in ${PYTHON:-} python3 python3.12 python3.11 python3.13 python3.14; do
        if new_enough "$candidate"; then
            if "$candidate" -c 'import ensurepip, venv' 2>/dev/null; then
                printf '%s\n' "$candidate"
                return
            fi
            without_venv=$candidate
        fi
    done
    if [ -n "${without_venv:-}" ]; then
        version=$("$without_venv" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
        say "Python $version is here, but not its venv module. On Debian or Ubuntu: sudo apt-get install python$version-venv"
    else
        say "Lang Nghe needs Python 3.11 or newer. Install it, or name one: make run PYTHON=/path/to/python3"
    fi
    return 1
}

# The lock for development holds all of the lock for running.
holds_lock() {
    cmp -s "$lock" "$venv/installed.lock" || cmp -s requirements-dev.lock "$venv/installed.lock"
}

if ! new_enough "$venv/bin/python"; then
    python=$(find_python)
    say "Making $venv with $("$python" --version) ..."
    rm -rf "$venv"
    "$python" -m venv "$venv"
fi
if ! holds_lock; then
    rm -f "$venv/installed.lock"
    say "Installing the packages of $lock (once; takes a minute or two) ..."
    "$venv/bin/python" -m pip install --disable-pip-version-check --no-input --require-hashes -r "$lock"
    cp "$lock" "$venv/installed.lock"
fi

# The project itself is run from here: a path entry and the command, rewritten in case the folder was moved.
for site in "$venv"/lib/python3.*/site-packages; do
    pwd -P > "$site/langnghe.pth"
done
cat > "$venv/bin/langnghe" <<'LAUNCHER'
#!/bin/sh
exec "$(dirname -- "$0")/python" -m backend.cli "$@"
LAUNCHER
chmod +x "$venv/bin/langnghe"
