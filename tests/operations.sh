#!/usr/bin/env bash
# What `.operations/README.md` tells an administrator to do, done: the commands marked “tried” run one after the other in a mount
# namespace with empty /etc/ecomres, /var/lib/ecomres, /usr/local/bin and /etc/systemd/system, so this machine keeps
# nothing of it but the system user, who is removed again. `systemctl` there is a small stand-in that starts what the unit says, as its
# user, without capabilities, with the rest of the file system read-only. Needs root; installs what it needs on Debian.
#   tests/operations.sh [PROGRAM]
set -euo pipefail
cd "$(dirname "$0")/.."
program=$(realpath "${1:-target/debug/ecomres}")
[ -x "$program" ] || cargo build --locked
[ "$(id -u)" = 0 ] || { echo "operations: needs root for namespaces and users" >&2; exit 1; }

need() { # COMMAND PACKAGE
  command -v "$1" >/dev/null || { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$2" >/dev/null; }
}
need systemd-analyze systemd
need strace strace
need bwrap bubblewrap
need curl curl
need runuser util-linux
need openssl openssl

# Before anything that is removed at the end: another run of this script may be using it.
! id ecomres >/dev/null 2>&1 || { echo "operations: a user ecomres is there already" >&2; exit 1; }
work=$(mktemp -d)
pid_file=$work/pid
finish() {
  [ -n "${whole:-}" ] || tail -n 20 "$work/log" >&2 || true
  pkill -KILL -u ecomres 2>/dev/null || true
  userdel ecomres 2>/dev/null || true
  rm -rf "$work"
}
trap finish EXIT

echo "== the units are read by systemd"
mkdir -p "$work/units"
cp .operations/*.service .operations/*.timer "$work/units/"
sed -i "s#/usr/local/bin/ecomres#$program#g" "$work"/units/*.service
systemd-analyze verify --man=no "$work"/units/*.service "$work"/units/*.timer
# The lower the number the less an intruder could do: 0 to 10.
systemd-analyze security --offline=true --threshold=25 --no-pager "$work/units/ecomres.service" | tail -n 1

echo "== the rules for Prometheus name metrics that there are"
python3 - <<'PY'
import re
known = set(re.findall(r'"(ecomres_\w+)"', open("src/telemetry/metric.rs", encoding="utf-8").read()))
for path in (".operations/alerts.yml", ".operations/README.md"):
    named = set(re.findall(r"\becomres_[a-z_]+\b", open(path, encoding="utf-8").read()))
    assert named, path
    assert named <= known, f"{path}: {sorted(named - known)}"
print(f"{len(known)} metrics")
PY

python3 - "$work/commands" <<'PY'
import re, sys
page = open(".operations/README.md", encoding="utf-8").read()
blocks = re.findall(r"<!-- tried -->\n```sh\n(.*?)```", page, re.S)
assert len(blocks) >= 4, "the page has fewer blocks than it had"
lines = [line for block in blocks for line in block.splitlines() if line.strip()]
with open(sys.argv[1], "w", encoding="utf-8") as out:
    out.write("set -eu\n")
    for line in lines:
        shown = line.replace("'", "'\\''")
        out.write(f"printf '$ %s\\n' '{shown}'\n{line}\n")
PY

# What the unit says, read by this stand-in: ExecStart, EnvironmentFile, User, UMask.
mkdir -p "$work/bin" "$work/calls"
chmod 0711 "$work"
chmod 0777 "$work/calls"
cat >"$work/bin/systemctl" <<'SH'
#!/usr/bin/env bash
set -euo pipefail
value() { sed -n "s/^$2=//p" "/etc/systemd/system/$1" | tail -n 1; }
start() { # UNIT
  local command env=()
  command=$(value "$1" ExecStart | sed 's/%%/%/g')
  local file; file=$(value "$1" EnvironmentFile)
  if [ -n "$file" ]; then while IFS= read -r line; do [ -z "$line" ] || env+=("$line"); done <"$file"; fi
  local sandbox=(bwrap --ro-bind / / --bind /var/lib/ecomres /var/lib/ecomres --tmpfs /tmp --perms 0755 --dir "$WORK" --bind "$WORK/calls" "$WORK/calls" --dev /dev --proc /proc --unshare-ipc --chdir /var/lib/ecomres)
  local user=(setpriv --reuid "$(value "$1" User)" --regid "$(value "$1" Group)" --clear-groups --no-new-privs --bounding-set=-all --inh-caps=-all)
  umask "$(value "$1" UMask)"
  if [ "$(value "$1" Type)" = oneshot ]; then
    env -i PATH=/usr/local/bin:/usr/bin:/bin "${env[@]}" "${sandbox[@]}" "${user[@]}" bash -c "exec $command"
  else
    env -i PATH=/usr/local/bin:/usr/bin:/bin "${env[@]}" "${sandbox[@]}" "${user[@]}" \
      strace --follow-forks --quiet=attach,exit --trace='!none' --output="$WORK/calls/trace" --silence=exits bash -c "exec $command" >>"$WORK/log" 2>&1 &
    echo $! >"$PID_FILE"
  fi
}
stop() {
  [ -s "$PID_FILE" ] || return 0
  local pid; pid=$(cat "$PID_FILE")
  pkill -TERM -u ecomres -x ecomres || true
  for _ in $(seq 600); do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
  ! kill -0 "$pid" 2>/dev/null || { echo "it does not stop" >&2; exit 1; }
  : >"$PID_FILE"
}
case "$1" in
  daemon-reload) ;;
  enable) shift; for unit; do case $unit in --now) ;; *.timer) test -f "/etc/systemd/system/$unit" ;; *) start "$unit" ;; esac; done ;;
  start) start "${2%.service}.service" ;;
  stop) stop ;;
  restart) stop; start "${2%.service}.service" ;;
  *) echo "systemctl $1 is not known here" >&2; exit 1 ;;
esac
SH
chmod +x "$work/bin/systemctl"

echo "== the page, line by line"
mkdir -p "$work/shop/target/release" "$work/shop/.operations"
cp "$program" "$work/shop/target/release/ecomres"
cp .operations/*.service .operations/*.timer "$work/shop/.operations/"
"$program" sample orders --rows 50 --out "$work/shop/orders.csv" --yes >/dev/null
cat >"$work/shop/.env" <<'ENV'
VERIFY_TOKEN=verify-me
APP_SECRET=0123456789abcdef0123456789abcdef
ACCESS_TOKEN=token
PHONE_ID=42
ECOMRES_WHATSAPP__GRAPH_URL=http://127.0.0.1:9
ENV
export WORK=$work PID_FILE=$pid_file
unshare --mount --propagation private bash -euc '
  for folder in /var/lib /etc/ecomres /usr/local/bin /etc/systemd/system; do mkdir -p "$folder"; mount -t tmpfs tmpfs "$folder"; done
  cd "$WORK/shop"
  PATH=$WORK/bin:/usr/local/bin:$PATH bash "$WORK/commands"
  for file in /var/lib/ecomres/ecomres.db /var/lib/ecomres/backups/*.db; do
    mode=$(stat -c %a "$file"); [ "$mode" = 600 ] || { echo "$file has mode $mode" >&2; exit 1; }
  done
  PATH=$WORK/bin:$PATH systemctl stop ecomres
  # The key is where the page puts it, and signs what the restored store wrote.
  [ ! -e /var/lib/ecomres/ecomres.db.audit-key ] || { echo "a key was made beside the store" >&2; exit 1; }
  mode=$(stat -c %a:%U:%G /etc/ecomres/audit-key); [ "$mode" = 640:root:ecomres ] || { echo "the key has mode $mode" >&2; exit 1; }
  ECOMRES_AUDIT__KEY_FILE=/etc/ecomres/audit-key runuser -u ecomres -- ecomres audit-key --store /var/lib/ecomres/ecomres.db
'

echo "== the calls to the system that the unit allows"
expand() { systemd-analyze syscall-filter "$1" | sed -n 's/^ \+\([a-z@_0-9-]\{2,\}\)$/\1/p' | while read -r name; do
  case $name in @*) expand "$name" ;; *) echo "$name" ;; esac; done; }
expand @system-service | sort -u >"$work/allowed"
# The shell and the stand-in for systemd are traced as well until they become the program; they use what any program uses.
sed -n 's/^[0-9]* *\([a-z_0-9]*\)(.*/\1/p' "$work/calls/trace" | sort -u >"$work/used"
if forbidden=$(comm -23 "$work/used" "$work/allowed") && [ -n "$forbidden" ]; then
  echo "operations: the unit would refuse: $forbidden" >&2
  exit 1
fi
echo "$(wc -l <"$work/used") kinds of calls, all allowed"
whole=yes
