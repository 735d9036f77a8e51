"""How the source keeps house: what needs what, in circles or not, and how large things are.

Printed for a reader by `python tests/e2e/house.py [SRC [BUILD]]`, of this checkout or of another one and its build. Needs
nothing but the standard library and, for what is measured by symbols, nm of GNU or LLVM on ELF objects.

Who needs whom comes from the objects: the owner of a symbol is the file whose object defines it, and every other file
whose object leaves it undefined needs that file, whether it calls, or names it in a table."""
import collections
import dataclasses
import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent

# The folders that what was once one, `app`, is divided into; they share their ceilings, so that files may move.
ROOMS = ("app", "movie", "session", "ui", "features", "scenes", "cli")
# Where a name is looked for in a list of names, by design; elsewhere in these folders a name decides nothing.
NAMELESS = ("session", "features", "scenes")
FINDERS = {"commands.c", "demo.c", "palette_items.c", "scenes.c", "settings.c", "tour.c"}
# Choices that people type; each list of them is written once.
CHOICES = '"linear", "sqrt"'

NOT_CODE = re.compile(r"""/\*.*?\*/ | //[^\n]* | "(?:\\.|[^"\\\n])*" | '(?:\\.|[^'\\\n])*'
                      | ^\#(?:[^\n]*\\\n)*[^\n]*""", re.S | re.M | re.X)
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.M)
# What formatting guarantees: a definition starts in column 0, and so does the brace that ends it.
FUNCTION = re.compile(r"^(?:[A-Za-z_][^;{}=]*?)\b(\w+)\s*\(([^;{}]*)\)(?:\[\w+\])?\s*\{\s*\n.*?^\}", re.S | re.M)
STRUCT = re.compile(r"\b(?:struct|union)\b(?:\s+(\w+))?\s*\{")
VIEW = re.compile(r"\bVIEW_[A-Z]+\b")
BY_NAME = re.compile(r"strcmp\(.*->name")


# ---- text -----------------------------------------------------------------------------------------------------------

def blank(match):
    return re.sub(r"[^\n]", " ", match[0])


def code_of(text):
    """The text with comments, strings and lines of the preprocessor as spaces."""
    return NOT_CODE.sub(blank, text)


def function_lengths(text):
    """(name, lines) of each function definition, from its first line to the closing brace."""
    for match in FUNCTION.finditer(code_of(text)):
        yield match[1], match[0].count("\n") + 1


def top_level(text, separator):
    """The parts between separators that stand in no bracket of any kind."""
    parts, depth = [""], 0
    for letter in text:
        depth += (letter in "([{") - (letter in ")]}")
        if letter == separator and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    return [part.strip() for part in parts]


def parameter_counts(text):
    """(name, parameters) of each function definition; `...` counts as one."""
    for match in FUNCTION.finditer(code_of(text)):
        yield match[1], 0 if match[2].strip() in ("", "void") else len(top_level(match[2], ","))


def field_counts(text):
    """(name, fields) of each struct or union that is defined: declarators, of which a struct within is one."""
    code = code_of(text)
    for match in STRUCT.finditer(code):
        depth, end = 1, match.end()
        while depth and end < len(code):
            depth += (code[end] == "{") - (code[end] == "}")
            end += 1
        statements = [part for part in top_level(code[match.end():end - 1], ";") if part]
        after = re.match(r"\s*(\w+)", code[end:])
        yield match[1] or (after[1] if after else "?"), sum(len(top_level(part, ",")) for part in statements)


# ---- graphs ---------------------------------------------------------------------------------------------------------

def circles(arrows):
    """Strongly connected components of more than one node (Tarjan 1972), each sorted, the largest first. arrows: node ->
    nodes that it needs."""
    index, low, stack, found = {}, {}, [], []

    def visit(node):
        index[node] = low[node] = len(index)
        stack.append(node)
        for other in sorted(arrows.get(node, ())):
            if other not in index:
                visit(other)
                low[node] = min(low[node], low[other])
            elif other in stack:
                low[node] = min(low[node], index[other])
        if low[node] == index[node]:
            at = stack.index(node)
            if len(stack) - at > 1:
                found.append(sorted(stack[at:]))
            del stack[at:]

    for node in sorted(arrows):
        if node not in index:
            visit(node)
    return sorted(found, key=lambda circle: (-len(circle), circle))


def folder_of(name):
    return name.split("/")[0] if "/" in name else "cli"


def place_of(folder):
    return "rooms" if folder in ROOMS else folder


def part_of(name):
    stem, suffix = name.rsplit(".", 1)
    return name if suffix == "h" and stem.rpartition("/")[2] in (folder_of(name), "internal") else stem


def within_folders(arrows):
    return {a: {b for b in needed if folder_of(a) == folder_of(b)} for a, needed in arrows.items()}


def among_folders(arrows):
    folders = collections.defaultdict(set)
    for a, needed in arrows.items():
        folders[folder_of(a)] |= {folder_of(b) for b in needed} - {folder_of(a)}
    return dict(folders)


# ---- objects --------------------------------------------------------------------------------------------------------

@dataclasses.dataclass
class Symbol:
    name: str
    kind: str     # nm's letter
    section: str  # "*UND*" where it is not defined


def parse_nm(text):
    """Of `nm --format=sysv`: object -> its symbols."""
    objects, symbols = {}, None
    for line in text.splitlines():
        if line.startswith("Symbols from "):
            symbols = objects.setdefault(line[len("Symbols from "):].rstrip(":"), [])
        parts = [part.strip() for part in line.split("|")]
        if len(parts) == 7 and symbols is not None:
            symbols.append(Symbol(parts[0], parts[2], parts[6]))
    return objects


def symbol_arrows(objects):
    """File -> files that it needs, of file -> symbols."""
    owner = {s.name: name for name, symbols in objects.items() for s in symbols if s.kind in "TDBRGSC"}
    return {name: {owner[s.name] for s in symbols if s.kind in "Uw" and s.name in owner} - {name}
            for name, symbols in objects.items()}


def mutable_statics(symbols):
    """Names of variables that can be written, at file scope or in a function (GCC's name.0). Constant tables of pointers
    are not among them: they stand in .data.rel.ro."""
    writable = re.compile(r"\.(data|bss|tdata|tbss)(?!\.rel\.ro)|COMMON|\*COM\*")
    return sorted({re.sub(r"\.\d+$", "", s.name) for s in symbols
                   if s.kind in "dDbBgGsSC" and writable.match(s.section)})


def own_prefix(file, name):
    """Does what a file exports begin with the name of a folder that it lies in, or with the file's, or its first words?
    (`pins_close` of features/pins.c, `palette_find` of features/palette/items.c, `scene_fit` of session/scenes.c.) That it holds commands or a panel
    (cmd_pins.c, panel_pins.c) is no part of its name here."""
    path = pathlib.PurePath(file)
    prefixes = list(path.parts[:-1])
    for stem in {path.stem, path.stem.removeprefix("cmd_").removeprefix("panel_")}:
        words = stem.split("_")
        prefixes += ["_".join(words[:n]) for n in range(1, len(words) + 1)]
        prefixes += [singular for singular in {stem.removesuffix("s"), stem.removesuffix("ies") + "y"}]
    return any(name.lower() == prefix or name.lower().startswith(prefix + "_") for prefix in prefixes)


# ---- a tree ---------------------------------------------------------------------------------------------------------

@dataclasses.dataclass(frozen=True)
class Figure:
    place: str  # a folder, or "rooms"
    what: str   # what has a ceiling of its own
    value: int
    detail: str = ""


class House:
    def __init__(self, source=ROOT / "src", build=None):
        self.source = pathlib.Path(source).resolve()
        self.build = pathlib.Path(build or self.source.parent / "build").resolve()
        self.texts = {str(path.relative_to(self.source)): path.read_text("utf-8")
                      for path in sorted(self.source.rglob("*.[ch]"))}
        self.folders = sorted({folder_of(name) for name in self.texts})
        self.places = sorted({place_of(folder) for folder in self.folders})
        self.objects = self._read_objects()

    def _read_objects(self):
        """Source file -> symbols; of files that are still there."""
        paths = {}
        for path in self.build.glob("CMakeFiles/*.dir/src/**/*.o"):
            name = str(path).partition(".dir/src/")[2][:-len(".o")]
            if name in self.texts:
                paths[str(path)] = name
        if not paths or not shutil.which("nm") or sys.platform != "linux":
            return {}
        result = subprocess.run(["nm", "--format=sysv", *sorted(paths)], capture_output=True, text=True, check=True)
        return {paths[path]: symbols for path, symbols in parse_nm(result.stdout).items()}

    def missing_objects(self):
        """Files without an object in folders that were built."""
        built = {folder_of(name) for name in self.objects}
        return [name for name in self.texts
                if name.endswith(".c") and folder_of(name) in built and name not in self.objects]

    def include_arrows(self):
        """x.c and x.h are one, `folder/x`; but the header that speaks for a folder stands for itself."""
        arrows = collections.defaultdict(set)
        for name, text in self.texts.items():
            near = name.rpartition("/")[0]
            headers = {header if header in self.texts else f"{near}/{header}" for _, header in INCLUDE.findall(text)}
            part = part_of(name)
            arrows[part] |= {part_of(header) for header in headers if header in self.texts} - {part}
        return dict(arrows)

    def _circle_figures(self, arrows):
        near = within_folders(arrows)
        for place in self.places:
            found = circles({name: needed for name, needed in near.items() if place_of(folder_of(name)) == place})
            yield Figure(place, place, sum(map(len, found)),
                         "; ".join(f"{len(circle)}: " + " ".join(circle) for circle in found))
        found = circles(among_folders(arrows))
        yield Figure("among folders", "among folders", sum(map(len, found)), "; ".join(" ".join(c) for c in found))

    def circles_by_symbols(self):
        return list(self._circle_figures(symbol_arrows(self.objects))) if self.objects else []

    def circles_by_includes(self):
        return list(self._circle_figures(self.include_arrows()))

    def _counted(self, count, suffixes=(".c", ".h")):
        """The largest figure of each name, wherever it is defined."""
        most = {}
        for file, text in self.texts.items():
            for name, value in count(text) if file.endswith(suffixes) else ():
                place = place_of(folder_of(file))
                if name not in most or most[name].value < value:
                    most[name] = Figure(place, name, value, file)
        return sorted(most.values(), key=lambda figure: -figure.value)

    def fields(self):
        return self._counted(field_counts)

    def parameters(self):
        return self._counted(parameter_counts)

    def function_lines(self):
        return self._counted(function_lengths)

    def _files(self, wanted):
        figures = [Figure(place_of(folder_of(name)), name.rpartition("/")[2], text.count("\n"), name)
                   for name, text in self.texts.items() if wanted(name)]
        return sorted(figures, key=lambda figure: -figure.value)

    def file_lines(self):
        return self._files(lambda name: True)

    def header_lines(self):
        return self._files(lambda name: name.endswith(".h") and folder_of(name) in ROOMS)

    def files(self):
        counts = collections.Counter(folder_of(name) for name in self.texts if re.fullmatch(r"\w+/\w+\.c", name))
        return [Figure(place_of(folder), folder, count) for folder, count in counts.most_common()]

    def _mentions(self, what, count, wanted=lambda name: True):
        """One figure for all of the tree, so that what is moved is not what is added."""
        found = {name: count(text) for name, text in self.texts.items() if wanted(name)}
        by_file = collections.Counter({name: n for name, n in found.items() if n}).most_common()
        return [Figure("all", what, sum(found.values()), " ".join(f"{name}:{n}" for name, n in by_file))]

    def views_named(self):
        return self._mentions("VIEW_*", lambda text: len(VIEW.findall(text)))

    def names_compared(self):
        return self._mentions("->name", lambda text: len(BY_NAME.findall(text)),
                              lambda name: folder_of(name) in NAMELESS and name.rpartition("/")[2] not in FINDERS)

    def choices_written(self):
        return self._mentions(CHOICES, lambda text: text.count(CHOICES))

    def foreign_names(self):
        """Names that are exported under somebody else's prefix."""
        found = collections.defaultdict(list)
        for file, symbols in sorted(self.objects.items()):
            found[place_of(folder_of(file))] += [
                f"{file}:{s.name}" for s in symbols
                if s.kind in "TDBRGSC" and not s.name.startswith("_") and s.name != "main" and not own_prefix(file, s.name)]
        return [Figure(place, place, len(names), " ".join(names)) for place, names in found.items()]

    def statics(self):
        return [Figure(place_of(folder_of(file)), f"{file.rpartition('/')[2]}: {name}", 1, file)
                for file, symbols in sorted(self.objects.items()) for name in mutable_statics(symbols)]


@dataclasses.dataclass(frozen=True)
class Measure:
    title: str
    of: object                # House -> figures
    limit: int                # what all figures are to come to
    by_symbols: bool = False  # needs the objects of a build


MAX_FILE_LINES = 700
MAX_FUNCTION_LINES = 90
MEASURES = {
    "circles": Measure("files in circles, by symbols", House.circles_by_symbols, 0, True),
    "include circles": Measure("files in circles, by #include", House.circles_by_includes, 0),
    "fields": Measure("fields of a struct", House.fields, 25),
    "parameters": Measure("parameters of a function", House.parameters, 8),
    "function lines": Measure("lines of a function", House.function_lines, MAX_FUNCTION_LINES),
    "file lines": Measure("lines of a file", House.file_lines, MAX_FILE_LINES),
    "header lines": Measure("lines of a header of the rooms (" + ", ".join(ROOMS) + ")", House.header_lines, 250),
    "files": Measure(".c files of a folder", House.files, 40),
    "views named": Measure("mentions of a particular view", House.views_named, 0),
    "names compared": Measure("comparisons with a name in " + ", ".join(NAMELESS), House.names_compared, 0),
    "choices written": Measure("times that a list of choices is written out", House.choices_written, 1),
    "foreign names": Measure("exported names with the prefix of neither folder nor file", House.foreign_names, 0, True),
    "statics": Measure("variables of the program that can be written", House.statics, 0, True),
}


def print_table(house, out=sys.stdout):
    if not house.objects:
        print(f"no objects in {house.build}: nothing is measured by symbols", file=out)
    for name in house.missing_objects():
        print(f"no object of {name}: the build is older than the source", file=out)
    for measure in MEASURES.values():
        figures = measure.of(house)
        above = [figure for figure in figures if figure.value > measure.limit]
        print(f"\n{measure.title}: at most {measure.limit}; {len(above)} of {len(figures)} above", file=out)
        for figure in above or figures[:1]:
            print(f"  {figure.value:5}  {figure.what:28} {figure.detail}", file=out)


if __name__ == "__main__":
    if any(argument.startswith("-") for argument in sys.argv[1:]) or len(sys.argv) > 3:
        sys.exit("usage: python tests/e2e/house.py [SRC [BUILD]]")
    print_table(House(*sys.argv[1:] or [ROOT / "src"]))
