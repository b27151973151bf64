#!/usr/bin/env bash
# Checks every page in a real browser: Debian's Chromium, with axe-core for accessibility.
#   tests/browser.sh
# What is missing is installed: Chromium and its driver from Debian, axe-core from npm outside of the repository.
# BROWSER_TOOLS names a folder that keeps axe-core for the next run. CHROMEDRIVER names another driver.
# Pictures of every page are left in target/tmp/screenshots.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

if ! command -v "${CHROMEDRIVER:-chromedriver}" >/dev/null; then
  apt-get update -qq
  apt-get install -y -qq --no-install-recommends chromium chromium-driver fonts-dejavu-core
fi
if ! command -v npm >/dev/null; then
  apt-get update -qq && apt-get install -y -qq npm
fi
tools=${BROWSER_TOOLS:-$work/tools}
mkdir -p "$tools"
if ! [ -f "$tools/node_modules/axe-core/axe.min.js" ]; then
  npm install --prefix "$tools" --silent --no-fund --no-audit axe-core@4.14
fi
rm -rf target/tmp/screenshots
AXE=$tools/node_modules/axe-core/axe.min.js tests/ignored.sh browser::the_team_works_at_the_pages
