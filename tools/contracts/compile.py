"""Compile the devnet's Solidity contracts into the committed artifacts, or check that those are up to date.

    python tools/contracts/compile.py            write the artifacts
    python tools/contracts/compile.py --check    write nothing; fail when artifacts differ from sources

One compiler (solc 0.5.17, locked beside this file) compiles everything. What cannot be deployed or called
gets no artifact: interfaces, abstract contracts, libraries that live inside their callers. A source asks for
the artifact of an interface with a line "// artifact: abi".
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

from plasma_guard.devnet import artifacts, node_packages
from plasma_guard.devnet.errors import DevnetError

_HERE: Final = Path(__file__).resolve().parent
_CACHE_NAME: Final = "solc-0.5.17"
_OPTIMIZER_RUNS: Final = 200
_CODE_SIZE_LIMIT: Final = 24_576
_ABI_MARK: Final = "// artifact: abi"
_DRIVER: Final = """
const solc = require('solc');
let input = '';
process.stdin.setEncoding('utf8');
process.stdin.on('data', (part) => { input += part; });
process.stdin.on('end', () => { process.stdout.write(solc.compile(input)); });
"""


def main() -> int:
    """Run the command; return its exit code."""
    parser = argparse.ArgumentParser(description="Compile the devnet's contracts.")
    parser.add_argument("--check", action="store_true", help="write nothing, fail when artifacts differ")
    check = parser.parse_args().check
    try:
        wanted = compile_all()
    except DevnetError as error:
        print(error, file=sys.stderr)
        return 1
    present = {path.stem: path.read_text(encoding="utf-8") for path in artifacts.ARTIFACTS.glob("*.json")}
    different = sorted(
        name for name in wanted.keys() | present.keys() if wanted.get(name) != present.get(name)
    )
    if check:
        if different:
            print(
                f"artifacts do not match the Solidity sources: {', '.join(different)}; "
                "run python tools/contracts/compile.py and commit the result",
                file=sys.stderr,
            )
            return 1
        print(f"{len(wanted)} artifacts match their sources")
        return 0
    artifacts.ARTIFACTS.mkdir(exist_ok=True)
    for name in different:
        path = artifacts.ARTIFACTS / f"{name}.json"
        if name in wanted:
            path.write_text(wanted[name], encoding="utf-8")
        else:
            path.unlink()
    print(f"{len(wanted)} artifacts, changed: {', '.join(different) or 'none'}")
    return 0


def compile_all() -> dict[str, str]:
    """Return the artifact text by contract name; raise `DevnetError` when a source does not compile."""
    sources = sorted(
        path.relative_to(artifacts.SOLIDITY).as_posix() for path in artifacts.SOLIDITY.rglob("*.sol")
    )
    output = _solc(sources)
    wanted: dict[str, str] = {}
    for source in sources:
        text = (artifacts.SOLIDITY / source).read_text(encoding="utf-8")
        for name, contract in sorted(output.get(source, {}).items()):
            if not _is_wanted(contract, text):
                continue
            if name in wanted:
                raise DevnetError(f"two contracts are named {name}; one of them is in {source}: rename it")
            size = len(contract["evm"]["deployedBytecode"]["object"]) // 2
            flag = " (above the limit of 24576)" if size > _CODE_SIZE_LIMIT else ""
            print(f"{name:<28}{size:>7} bytes{flag}")
            wanted[name] = _artifact(source, contract)
    return wanted


def _is_wanted(contract: dict[str, Any], text: str) -> bool:
    deployable = contract["evm"]["bytecode"]["object"] and contract["abi"]
    return bool(deployable) or _ABI_MARK in text


def _artifact(source: str, contract: dict[str, Any]) -> str:
    code: str = contract["evm"]["bytecode"]["object"]
    links = [
        {"library": library, "start": place["start"], "length": place["length"]}
        for libraries in contract["evm"]["bytecode"]["linkReferences"].values()
        for library, places in libraries.items()
        for place in places
    ]
    for link in links:
        start, end = 2 * link["start"], 2 * (link["start"] + link["length"])
        code = code[:start] + "0" * (end - start) + code[end:]
    content = {
        "source": source,
        "source_sha256": artifacts.source_hash(source),
        "compiler": "solc 0.5.17, optimizer 200 runs, istanbul",
        "abi": contract["abi"],
        "bytecode": "0x" + code,
        "links": sorted(links, key=lambda link: link["start"]),
    }
    return json.dumps(content, indent=1) + "\n"


def _solc(sources: list[str]) -> dict[str, Any]:
    request = {
        "language": "Solidity",
        "sources": {
            source: {"content": (artifacts.SOLIDITY / source).read_text(encoding="utf-8")}
            for source in sources
        },
        "settings": {
            "optimizer": {"enabled": True, "runs": _OPTIMIZER_RUNS},
            "evmVersion": "istanbul",
            "metadata": {"useLiteralContent": False},
            "outputSelection": {"*": {"*": ["abi", "evm.bytecode", "evm.deployedBytecode.object"]}},
        },
    }
    folder = node_packages.install(_CACHE_NAME, _HERE, lambda sentence: print(sentence, file=sys.stderr))
    done = subprocess.run(  # noqa: S603 : the program and its arguments are fixed
        [str(node_packages.node_program()), "-e", _DRIVER],
        cwd=folder,
        input=json.dumps(request),
        check=False,
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        raise DevnetError(f"the Solidity compiler ended with code {done.returncode}: {done.stderr.strip()}")
    reply: dict[str, Any] = json.loads(done.stdout)
    problems = [problem for problem in reply.get("errors", []) if not _is_expected(problem)]
    if problems:
        raise DevnetError("\n".join(problem["formattedMessage"] for problem in problems))
    contracts: dict[str, Any] = reply["contracts"]
    return contracts


def _is_expected(problem: dict[str, Any]) -> bool:
    # Structs in calls need ABI coder v2, which this compiler still calls experimental in a warning.
    return problem["severity"] == "warning" and "Experimental features" in problem["message"]


if __name__ == "__main__":
    sys.exit(main())
