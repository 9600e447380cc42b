#!/bin/bash
# Every shell script of the project passes shellcheck.
set -euo pipefail

cd "$(dirname "$0")/../.."
scripts=(.ci/run deploy/install-packages deploy/try deploy/try.d/host-root
	deploy/try.d/init deploy/completion/encap.bash tests/run tests/failover tests/hosts/*.sh
	tests/install/*.sh tests/lint/*.sh)
shellcheck --severity=warning --external-sources \
	--source-path=SCRIPTDIR --source-path=SCRIPTDIR/hosts --source-path=SCRIPTDIR/../../deploy "${scripts[@]}"
