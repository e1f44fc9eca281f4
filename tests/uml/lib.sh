# shellcheck shell=bash
# tests/uml/lib.sh: what a test begins with that wants a kernel with GRE, ESP and XFRM: sourced first, it runs the test again inside a
# guest (tests/uml/run), where it goes on with tests/net/lib.sh. UML_OPTIONS may hold options of the runner, LIMIT seconds as there.
: "${SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}"
SRCDIR=$(cd "$SRCDIR" && pwd)
: "${BUILDDIR:=$SRCDIR/build}"
export SRCDIR BUILDDIR
if [ -z "${IN_UML-}" ]; then
	# a process in there has 512 GiB of addresses, the sanitizer's shadow alone wants 16 TiB
	! grep -q __asan_init "$BUILDDIR/nhrpd/nhrpd" 2>/dev/null || { echo "skip address sanitizer does not work in User-Mode Linux"; exit 77; }
	# shellcheck disable=SC2086
	exec "$SRCDIR/tests/uml/run" --timeout "$((${LIMIT:-300} + 40))" ${UML_OPTIONS-} "$0" "$@"
fi
# shellcheck source=tests/net/lib.sh
. "$SRCDIR/tests/net/lib.sh"
