#!/bin/sh
# Name the known vulnerabilities of locked packages: tests/audit.sh LOCK...
# Ends with 0 where there are none, and where no advisory service can be reached, which it then says.
for lock; do
    set -- "$@" --requirement "$lock"
    shift
done
said=$(pip-audit --disable-pip --require-hashes --progress-spinner off "$@" 2>&1)
status=$?
case $said in
*requests.exceptions.* | *ServiceError* | *"Could not connect"*)
    echo "No advisory service can be reached from here, so that nothing was looked up."
    exit 0
    ;;
esac
echo "$said"
unknown=$(echo "$said" | grep -c "could not be audited")
[ "$unknown" = 0 ] || echo "The service that was reached knows nothing of $unknown packages."
exit $status
