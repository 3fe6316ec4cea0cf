"""Makes a tool's man page and its completions for bash, zsh and fish of what it prints for --help.

    pages.py TOOL FOLDER    writes below FOLDER, in the places of /usr/share

The option tables of the tools are the only source. What follows an option there says what completes it: `<a|b|NAME>` is a
or b, FILE, DIR and PROGRAM are what they say, and a list below a line `... for --OPTION:` is what OPTION takes.
"""

import dataclasses
import os
import pathlib
import re
import subprocess
import sys


@dataclasses.dataclass
class Option:
    flag: str  # with its dashes
    syntax: str
    help: str
    depth: int = 0
    values: list = dataclasses.field(default_factory=list)  # pairs of a value and its help

    @property
    def operand(self):
        """What the help calls the value, or nothing."""
        return "".join(re.findall(r"<(.*)>", self.syntax))

    @property
    def is_optional(self):
        return "[=" in self.syntax

    @property
    def is_prefix(self):
        """-O3: a letter with values that are known."""
        return len(self.flag) == 2 and bool(self.choices)

    @property
    def choices(self):
        words = re.sub(r"\[.*?\]|,\.\.\.", "", self.operand).split("|")
        listed = [word for word in words if not re.fullmatch(r"[A-Z_]*|<empty>", word)] if len(words) > 1 else []
        return listed + [value for value, _ in self.values if value != "<empty>"]


@dataclasses.dataclass
class Help:
    """What a tool, or a command of it, prints for --help."""
    overview: str = ""
    usage: str = ""
    commands: list = dataclasses.field(default_factory=list)  # pairs of a name and its help
    sections: list = dataclasses.field(default_factory=list)  # pairs of a title and options, or pairs

    @property
    def options(self):
        return [entry for _, entries in self.sections for entry in entries
                if isinstance(entry, Option) and entry.depth == 0]


# LLVM leaves no space before the dash after the longest name.
OPTION = re.compile(r"( +)(-{1,2}[^\s=\[<]+?)((?:\[?=| )<.*?>+\]?)?(?: *-(?: +(.*))?)?$")
VALUE = re.compile(r" +=(\S+) +-(?: +(.*))?$")
PAIR = re.compile(r"  (\S+)(?: - |  +)(.*)$")


def parse(text):
    page, target, latest = Help(), None, None
    for line in text.splitlines():
        if line.startswith("OVERVIEW: "):
            page.overview = line.removeprefix("OVERVIEW: ").strip()
        elif line.startswith("USAGE: "):
            page.usage = line.removeprefix("USAGE: ")
        elif line == "SUBCOMMANDS:":
            target = page.commands
        elif match := re.fullmatch(r"(\S.*):", line):
            target = []
            page.sections.append((match[1], target))
        elif match := VALUE.match(line):
            if latest:
                latest.values.append((match[1], match[2] or ""))
        elif match := OPTION.match(line):
            latest = Option(match[2], match[2] + (match[3] or ""), match[4] or "", int(len(match[1]) > 6))
            target.append(latest)
        elif target is not None and (match := PAIR.match(line)):
            target.append((match[1], match[2]))
    page.sections = [(title, entries) for title, entries in page.sections if entries]
    by_flag = {option.flag: option for option in page.options}
    for title, entries in page.sections:
        if (match := re.search(r" for (--\S+)$", title)) and match[1] in by_flag:
            by_flag[match[1]].values = entries
    return page


def unique(options):
    """Each flag once: what takes a value before what does not."""
    flags = {}
    for option in options:
        if option.flag not in flags or option.operand:
            flags[option.flag] = option
    return list(flags.values())


def bash(tool, pages):
    function = "_" + tool.replace("-", "_")

    def candidates(option):
        kind = {"FILE": "-f", "filename": "-f", "DIR": "-d", "PROGRAM": "-c"}.get(option.operand)
        return f"-W '{' '.join(option.choices)}'" if option.choices else kind

    def words(page):
        for option in unique(page.options):
            if option.is_prefix:
                yield from (option.flag + choice for choice in option.choices)
            else:
                yield option.flag + "=" * (option.syntax.startswith(option.flag + "="))

    def case(page):
        takers = [option for option in unique(page.options)
                  if option.operand and not option.is_prefix and not option.is_optional]
        lines = [f"    {option.flag}) {function}_candidates {candidates(option)}; return ;;"
                 for option in takers if candidates(option)]
        rest = [option.flag for option in takers if not candidates(option)]
        lines += [f"    {'|'.join(rest)}) return ;;"] * bool(rest)
        return "\n".join(["  case $option in", *lines, "  esac"]) if lines else ""

    def body(page, operands):
        return f"""{case(page)}
  if [[ $cur == -* ]]; then
    {function}_candidates -W '{' '.join(words(page))}'
    [[ ${{COMPREPLY-}} != *= ]] || compopt -o nospace 2>/dev/null
    return
  fi
  {operands}"""

    page, names = pages[""], " ".join(name for name, _ in pages[""].commands)
    files = f"""[[ $COMP_CWORD != 1 ]] || {function}_candidates -W '{names}'
  local found=("${{COMPREPLY[@]}}")
  {function}_candidates -f
  COMPREPLY+=("${{found[@]}}")"""
    commands = "".join(f"""
  if [[ ${{COMP_WORDS[1]}} == {name} && $COMP_CWORD -gt 1 ]]; then
{body(pages[name], "return")}
  fi""" for name, _ in page.commands)
    return f"""# Completions of {tool} for bash, made of its --help.
{function}_candidates() {{
  mapfile -t COMPREPLY < <(compgen "$@" -- "$cur")
  [[ $1 == -W ]] || compopt -o filenames 2>/dev/null
}}
{function}() {{
  local IFS=$' \\t\\n' cur=${{COMP_WORDS[COMP_CWORD]}} option=${{COMP_WORDS[COMP_CWORD-1]}}
  # bash makes three words of --option=value.
  if [[ $cur == = ]]; then
    cur=
  elif [[ $option == = ]]; then
    option=${{COMP_WORDS[COMP_CWORD-2]}}
  fi
  COMPREPLY=(){commands}
{body(page, files)}
}}
complete -F {function} {tool}
"""


def zsh(tool, pages):
    def quoted(text):
        return re.sub(r"([\[\]:\\])", r"\\\1", text).replace("'", "'\\''")

    def specs(page):
        for option in unique(page.options):
            action = {"FILE": "_files", "filename": "_files", "DIR": "_files -/", "PROGRAM": "_command_names"}.get(
                option.operand, f"({' '.join(option.choices)})" if option.choices else "")
            value = f":{quoted(option.operand)}:{action}" if option.operand else ""
            joint = "-" if option.is_prefix else "=-" if option.is_optional else \
                "=" if option.operand and option.flag.startswith("--") else ""
            help = f"[{quoted(option.help)}]" if option.help else ""
            yield f"'{option.flag}{joint}{help}{(':' + value) if option.is_optional else value}'"

    def arguments(page, *rest):
        return " \\\n    ".join(["_arguments", *specs(page), *rest])

    page = pages[""]
    commands = "".join(f"""
if (( CURRENT > 2 )) && [[ $words[2] == {name} ]]; then
  shift words
  (( CURRENT-- ))
  {arguments(pages[name])}
  return
fi""" for name, _ in page.commands)
    if page.commands:
        names = " ".join(f'{name}\\:"{quoted(help)}"' for name, help in page.commands)
        first = f"""'1:command or file: _alternative "commands:command:(({names.replace('"', chr(92) + '"')}))" "files:file:_files"'"""
    else:
        first = "'1:file:_files'"
    return f"""#compdef {tool}
# Completions of {tool} for zsh, made of its --help.{commands}
{arguments(page, first, "'*:file:_files'")}
"""


def fish(tool, pages):
    def quoted(text):
        return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"

    def lines(page, condition):
        for option in unique(page.options):
            kind = {"FILE": "-r -F", "filename": "-r -F", "DIR": "-x -a '(__fish_complete_directories)'",
                    "PROGRAM": "-x -a '(__fish_complete_command)'"}.get(option.operand, "-x" if option.operand else "")
            if option.choices:
                kind = f"-x -a {quoted(' '.join(option.choices))}"
            if option.is_optional:
                kind = ""
            letter = "-s" if len(option.flag) == 2 else "-l"
            yield " ".join(filter(None, [f"complete -c {tool}", condition, letter, quoted(option.flag.lstrip("-")), kind,
                                         f"-d {quoted(option.help)}" if option.help else ""]))

    page, names = pages[""], " ".join(name for name, _ in pages[""].commands)
    result = [f"# Completions of {tool} for fish, made of its --help."]
    for name, help in page.commands:
        result.append(f"complete -c {tool} -n __fish_is_first_arg -a {name} -d {quoted(help)}")
        result += lines(pages[name], f"-n '__fish_seen_subcommand_from {name}'")
    result += lines(page, f"-n 'not __fish_seen_subcommand_from {names}'" if names else "")
    return "\n".join(result) + "\n"


def man(tool, pages, version):
    def quoted(text):
        return re.sub(r"^([.'])", r"\\&\1", text.replace("\\", "\\e").replace("-", "\\-"))

    def entry(name, help):
        return [".TP", f"\\fB{quoted(name)}\\fR", quoted(help) if help else "\\&"]

    def option(item):
        rest = re.sub(r"<(.*)>", lambda match: f"\\fI{quoted(match[1])}\\fR", item.syntax.removeprefix(item.flag))
        lines = [".TP", f"\\fB{quoted(item.flag)}\\fR{rest}", quoted(item.help) if item.help else "\\&"]
        for value, help in item.values:
            lines += [".RS", *entry(value, help), ".RE"]
        return [".RS", *lines, ".RE"] if item.depth else lines

    def options(page, listed):
        for title, entries in page.sections:
            if title == "Environment":
                continue
            yield f'.SS "{quoted(title)}"'
            for item in entries:
                if not isinstance(item, Option):
                    yield from entry(*item)
                else:
                    yield from option(dataclasses.replace(item, values=[]) if item.flag in listed else item)

    page = pages[""]
    # The values of these have a section of their own.
    listed = {match[1] for title, _ in page.sections if (match := re.search(r" for (--\S+)$", title))}
    lines = [f'.TH "{tool.upper()}" 1 "" "{version}" "User Commands"', ".SH NAME",
             f"{quoted(tool)} \\- {quoted(page.overview)}", ".SH SYNOPSIS"]
    for name, command in pages.items():
        lines += [quoted(command.usage), *([] if name == list(pages)[-1] else [".br"])]
    if page.commands:
        lines += [".SH COMMANDS"]
        for name, help in page.commands:
            lines += [*entry(name, help), ".RS", *(line for found in pages[name].options for line in option(found)
                                                   if found.flag not in ("--help", "--help-list")), ".RE"]
    lines += [".SH OPTIONS", *options(page, listed)]
    for title, entries in page.sections:
        if title == "Environment":
            lines += [".SH ENVIRONMENT", *(line for item in entries for line in entry(*item))]
    lines += [".SH EXIT STATUS", "0, or 1 after an error."]
    return "\n".join(lines) + "\n"


def main(path, folder):
    environment = {**os.environ, "ASAN_OPTIONS": "detect_leaks=0", "NO_COLOR": "1"}

    def ask(*arguments):
        return subprocess.run([path, *arguments], env=environment, check=True, stdout=subprocess.PIPE, text=True).stdout

    tool, pages = pathlib.Path(path).name, {"": parse(ask("--help"))}
    for name, _ in pages[""].commands:
        pages[name] = parse(ask(name, "--help"))
    version = " ".join(ask("--version").split()[:2])
    for place, text in {f"man/man1/{tool}.1": man(tool, pages, version),
                        f"bash-completion/completions/{tool}": bash(tool, pages),
                        f"zsh/site-functions/_{tool}": zsh(tool, pages),
                        f"fish/vendor_completions.d/{tool}.fish": fish(tool, pages)}.items():
        target = pathlib.Path(folder, place)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)


if __name__ == "__main__":
    main(*sys.argv[1:])
