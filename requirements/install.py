"""Installs pinned requirements into a virtual environment: ``python install.py .venv FILE``.

Everything that can be known beforehand is checked first, and whatever goes wrong is one line that
says what to do. The file is readable by every Python since 2.7: the wrong one must say so itself.
"""

from __future__ import print_function

import os
import platform
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
DISK = 3.5e9  # bytes: what the environment takes
TEMPORARY = 1.2e9  # bytes: the downloaded wheels, until they are installed

# What pip prints, and the line that people get instead.
PIP_FAILURES = (
    (
        r"No space left on device|Errno 28",
        "the disk is full. The environment takes about 4 GB, the temporary folder 1.2 GB "
        "meanwhile: free some space, or set TMPDIR to a folder on another disk, and try again.",
    ),
    (
        r"Temporary failure in name resolution|Name or service not known|nodename nor servname|"
        r"Failed to establish a new connection|Network is unreachable|Read timed out|"
        r"Connection refused|ConnectTimeout|ProxyError",
        "the package index cannot be reached. Check the network, or the proxy in HTTPS_PROXY, "
        "and try again.",
    ),
    (
        r"Permission denied|Errno 13|Read-only file system|Errno 30",
        "a folder cannot be written. Copy songrec to a folder of your own, or name another place "
        "for the environment: VENV=~/songrec-venv.",
    ),
    (
        r"DO NOT MATCH THE HASHES",
        "a downloaded package differs from the pinned one. Empty pip's cache (python3 -m pip cache "
        "purge) and try again; if it persists, do not trust the package index.",
    ),
)


class Problem(Exception):
    """One line for the person at the terminal."""


def supported_versions():
    """Return the first and last supported version of Python, as in pyproject.toml."""
    with open(os.path.join(os.path.dirname(HERE), "pyproject.toml")) as file:
        found = re.search(r'requires-python = ">=3\.(\d+),<3\.(\d+)"', file.read())
    return (3, int(found.group(1))), (3, int(found.group(2)) - 1)


def check_python(version, implementation, is_64_bit, has_gil):
    """Raise ``Problem`` for a Python that the pinned wheels do not support."""
    first, last = supported_versions()
    needed = "songrec needs CPython %d.%d to %d.%d for 64 bits" % (first + last)
    if not first <= tuple(version[:2]) <= last:
        what = "Python %d.%d.%d" % tuple(version[:3])
    elif implementation != "CPython":
        what = implementation
    elif not is_64_bit:
        what = "a Python for 32 bits"
    elif not has_gil:
        what = "a free-threaded Python"
    else:
        return
    names = ["python3.%d" % minor for minor in range(last[1], first[1] - 1, -1)]
    installed = [name for name in names if _runs(name)]
    if installed:
        advice = "Add PYTHON=%s to the command: make run PYTHON=%s" % (installed[0], installed[0])
    else:
        advice = "Install one (%s) and add PYTHON=%s to the command" % (names[0], names[0])
    raise Problem("%s; %s is %s. %s." % (needed, sys.executable or "python3", what, advice))


def _runs(name):
    """Return whether a program of this name is installed and runs."""
    try:
        with open(os.devnull, "w") as nowhere:
            return subprocess.call([name, "-c", ""], stdout=nowhere, stderr=nowhere) == 0
    except OSError:
        return False


def check_venv(modules=("venv", "ensurepip")):
    """Raise ``Problem`` if this Python cannot make virtual environments: Debian leaves that out."""
    for module in modules:
        try:
            __import__(module)
        except ImportError:
            version = "%d.%d" % sys.version_info[:2]
            raise Problem(
                "%s has no module %s. On Debian and Ubuntu: apt install python%s-venv; then try "
                "again." % (sys.executable, module, version)
            )


def check_space(environment, temporary, free):
    """Raise ``Problem`` if the disks of the folders are too full; ``free(folder)`` is in bytes."""
    needs = [(environment, DISK), (temporary, TEMPORARY)]
    if os.stat(environment).st_dev == os.stat(temporary).st_dev:
        needs = [(environment, DISK + TEMPORARY)]
    for folder, needed in needs:
        if free(folder) < needed:
            advice = "Free some space"
            if folder == temporary:
                advice += ", or set TMPDIR to a folder on another disk"
            raise Problem(
                "No space: installing needs %.1f GB in %s, where %.1f GB are free. %s, and try "
                "again." % (needed / 1e9, folder, free(folder) / 1e9, advice)
            )


def explain(output):
    """Return the line for what pip printed before it failed."""
    for pattern, line in PIP_FAILURES:
        if re.search(pattern, output):
            return "The packages could not be installed: " + line
    missing = re.search(r"No matching distribution found for (\S+)", output)
    if missing:
        return (
            "The packages could not be installed: the package index has no %s for this system "
            "(%s, %s). Linux with glibc 2.28 on x86-64 or ARM and macOS on ARM are supported."
            % (missing.group(1), platform.system(), platform.machine())
        )
    errors = [line for line in output.splitlines() if line.startswith("ERROR")]
    last = (errors or output.strip().splitlines() or ["pip did not say why"])[-1]
    return "The packages could not be installed: " + re.sub(r"^ERROR: ", "", last)


def _run(command):
    """Run a command; raise ``Problem`` if it fails."""
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, universal_newlines=True
    )
    output = process.communicate()[0]
    if process.returncode:
        raise Problem(explain(output))


def install(folder, requirements):
    """Make the environment ``folder`` if it does not work yet, and install the pinned packages."""
    check_python(
        sys.version_info,
        platform.python_implementation(),
        sys.maxsize > 2**32,
        getattr(sys, "_is_gil_enabled", lambda: True)(),
    )
    check_venv()
    python = os.path.join(folder, "bin", "python")
    if not _runs(python):
        import shutil
        import tempfile

        parent = os.path.dirname(os.path.abspath(folder))
        if not os.path.isdir(parent):
            os.makedirs(parent)
        check_space(parent, tempfile.gettempdir(), lambda path: shutil.disk_usage(path).free)
        print("Installing songrec's libraries into %s; this takes some minutes." % folder)
        sys.stdout.flush()
        _run([sys.executable, "-m", "venv", "--clear", folder])
    _run(
        [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        + ["--require-hashes", "-r", requirements]
    )


def main(arguments):
    """Install; return the exit code."""
    try:
        install(*arguments)
    except Problem as problem:
        print("songrec: %s" % problem, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("songrec: stopped; the same command goes on.", file=sys.stderr)
        return 1
    except (OSError, IOError) as error:
        where = "%s: " % error.filename if error.filename else ""
        print("songrec: %s%s." % (where, error.strerror or error), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
