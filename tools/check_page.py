"""Check the page of the report: its types, and that the committed bundle is what its sources give.

``--write`` builds the bundle in its place instead. It needs Node and npm; users do not, because the bundle is in the
package. Without Node nothing is compared, and a line says so.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

PAGE = Path(__file__).parents[1] / "src" / "oddrow" / "report" / "page"
BUNDLE = ("page.js", "page.css")


def main(words: list[str]) -> str | None:
    """Check or write the bundle; return what is wrong, None if all is well."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        missing = "Node is not installed: the page's bundle is not compared"
        if "--write" in words:
            return missing.replace("compared", "built")
        print(missing)
        return None
    if not _tools_are_current():
        if _status("npm", "install", "--no-audit", "--no-fund", "--no-package-lock", "--loglevel=error"):
            missing = "The page's tools cannot be installed by npm: the page's bundle is not compared"
            if "--write" in words:
                return missing.replace("compared", "built")
            print(missing)
            return None
        (PAGE / "node_modules" / ".package.json").write_bytes((PAGE / "package.json").read_bytes())
    run("npm", "run", "--silent", "check")
    if "--write" in words:
        run("npm", "run", "--silent", "build")
        return None
    with tempfile.TemporaryDirectory() as folder:
        run("node", "build.mjs", folder)
        differing = [
            name for name in BUNDLE if (Path(folder) / name).read_bytes() != (PAGE / "bundle" / name).read_bytes()
        ]
    if differing:
        return f"{' and '.join(differing)} in {PAGE / 'bundle'} differ from their sources: run `make page`"
    print("The page's types are right, and its bundle is what its sources give.")
    return None


def _tools_are_current() -> bool:
    """Whether the tools were installed for the versions that package.json names now."""
    installed = PAGE / "node_modules" / ".package.json"
    return installed.is_file() and installed.read_bytes() == (PAGE / "package.json").read_bytes()


def run(*command: str) -> None:
    """Run a command in the page's folder; end with its status if it fails."""
    status = _status(*command)
    if status:
        sys.exit(status)


def _status(*command: str) -> int:
    program = shutil.which(command[0]) or command[0]
    return subprocess.run([program, *command[1:]], cwd=PAGE, check=False).returncode  # noqa: S603


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
